/** The two control messages of flow control, as bytes; see docs/protocol/wire.md. */
import { readU32, readU48, writeU32, writeU48 } from "../frame.js";

const RESUME_BYTES = 15;
const WINDOW_BYTES = 12;
/** A flag of both: its sender keeps what it writes until it is counted. */
const WANTS_COUNTS = 1;

/** The first message of a connection, from each side. */
export interface Resume {
  /** Names the counting of its sender. */
  readonly session: number;
  /** Data frames that were received in it. */
  readonly frames: number;
  /** Bytes the other side may send to begin with. */
  readonly windowBytes: number;
  readonly wantsCounts: boolean;
}

export function resumeBytes(
  session: number,
  frames: number,
  windowBytes: number,
  wantsCounts: boolean,
): Uint8Array {
  const bytes = new Uint8Array(RESUME_BYTES);
  writeU32(bytes, 0, session);
  writeU48(bytes, 4, frames);
  writeU32(bytes, 10, windowBytes);
  bytes[14] = wantsCounts ? WANTS_COUNTS : 0;
  return bytes;
}

/** Undefined when it is too short; what a newer version adds behind is ignored. */
export function readResume(bytes: Uint8Array): Resume | undefined {
  if (bytes.length < RESUME_BYTES) return undefined;
  return {
    session: readU32(bytes, 0),
    frames: readU48(bytes, 4),
    windowBytes: readU32(bytes, 10),
    wantsCounts: ((bytes[14] as number) & WANTS_COUNTS) !== 0,
  };
}

export function windowBytes(frames: number, creditBytes: number, wantsCounts: boolean): Uint8Array {
  const bytes = new Uint8Array(WINDOW_BYTES + 1);
  writeU48(bytes, 0, frames);
  writeU48(bytes, 6, creditBytes);
  bytes[WINDOW_BYTES] = wantsCounts ? WANTS_COUNTS : 0;
  return bytes;
}

/** Frames counted in the session, and bytes the other side may send on the connection in all. */
export function readWindow(bytes: Uint8Array):
  | {
      readonly frames: number;
      readonly creditBytes: number;
      readonly wantsCounts: boolean;
    }
  | undefined {
  if (bytes.length < WINDOW_BYTES) return undefined;
  const wantsCounts = ((bytes[WINDOW_BYTES] ?? 0) & WANTS_COUNTS) !== 0;
  return { frames: readU48(bytes, 0), creditBytes: readU48(bytes, 6), wantsCounts };
}

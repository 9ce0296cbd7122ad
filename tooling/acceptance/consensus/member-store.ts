/** MemberStore: where a member's core puts what must survive. A world has one kind of it, a model or the product's. */
import type { Recovered, StagedChunk, Write } from "@foundation/consensus";
import type { StoredSnapshot } from "./model-disk.js";

export interface MemberStore {
  /** Reads what is there; the member may start then. A later `crash` may come before. */
  open(onOpen: (recovered: Recovered, snapshot: StoredSnapshot | undefined) => void): void;
  write(write: Write, onDurable: () => void): void;
  stage(chunk: StagedChunk): void;
  /** Keeps a snapshot of the member's own machine, unless one as new came between. One at a time. */
  keep(snapshot: StoredSnapshot, keepAfter: number, onDone: (isKept: boolean) => void): void;
  /** Of the snapshot that is kept; undefined when another one is. */
  readChunk(
    id: string,
    offset: number,
    bytesMax: number,
    onRead: (chunk: ReadChunk | undefined) => void,
  ): void;
  /** The process dies, and perhaps the machine with it. */
  crash(): void;
}

export interface ReadChunk {
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

/** How slow a world's disks are. */
export interface DiskTiming {
  readonly random: { next(): number };
  /** Of a write, on average, in milliseconds. */
  syncMs(): number;
  after(delayMs: number, run: () => void): void;
  /** Waits for this work before the world goes on; what is thrown ends the world. */
  settle(work: () => Promise<void>): void;
}

/** A stalled disk is looked at again after so many milliseconds. */
export const STALL_LOOK_MS = 25;

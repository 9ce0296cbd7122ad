/**
 * The overlay's wire, written from docs/protocol/wire.md and not with the overlay's own code: what
 * attacks a reader must be able to write what its writer never would.
 */
import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { createCodec } from "@foundation/core";

export const CLUSTER = "siege";
export const SECRET = "the siege needs no secret secret, but a long one";
/** Handled by every node of these suites: answers what it is given. */
export const ECHO = "siege.echo";
export const DATA = 1;
export const CONTROL = 2;

export const TYPE = {
  skip: 0,
  message: 1,
  request: 2,
  reply: 3,
  failure: 4,
  cancel: 5,
  ping: 6,
  pong: 7,
  membership: 8,
  control: 9,
  chunk: 10,
  stream: 11,
  piece: 12,
  end: 13,
  resume: 16,
  window: 17,
  streamWindow: 18,
} as const;

const codec = createCodec();
export const encode = (value: unknown): Buffer => Buffer.from(codec.encode(value));

export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, 4 * i);
  return bytes;
}

export function u48(value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntLE(value, 0, 6);
  return bytes;
}

/** One message; `length` says something else than the truth where it is given. */
export function message(type: number, flags: number, body: Buffer, length = body.length): Buffer {
  return Buffer.concat([Buffer.from([type, flags]), u32(length), body]);
}

export function frame(kind: number, ...messages: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([kind]), ...messages]);
}

/** FNV-1a over the UTF-16 code units, low byte first, the high byte only where it is not zero. */
export function subjectOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) {
    const unit = name.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >> 8), 0x01000193);
  }
  return hash >>> 0;
}

/** Deflated bytes that claim to be `claimedBytes` when inflated. */
export function compressed(raw: Buffer, claimedBytes = raw.length): Buffer {
  return Buffer.concat([u32(claimedBytes), deflateRawSync(raw)]);
}

/** First control frame of a link: this side has received nothing and lets the other send `windowBytes`. */
export function resume(session: number, windowBytes: number): Buffer {
  const body = Buffer.concat([u32(session), u48(0), u32(windowBytes), Buffer.from([0])]);
  return frame(CONTROL, message(TYPE.resume, 0, body));
}

export interface Claim {
  readonly id: string;
  readonly boot: string;
  readonly channel: string;
}

/** A hello as a node of this cluster sends it. */
export function hello({ id, boot, channel }: Claim, wallMs: number): Buffer {
  const fields = {
    type: "hello",
    versions: [1, 1],
    cluster: CLUSTER,
    id,
    boot,
    name: `raw-${id.slice(0, 6)}`,
    address: "ws://127.0.0.1:9",
    channel,
    lane: 0,
    method: "hmac-sha256",
    wallMs,
    nonce: randomBytes(32).toString("hex"),
  };
  return Buffer.from(JSON.stringify(fields));
}

/** The answer to a challenge, proved with the secret, over the transcript of the page on the wire. */
export function auth(helloBytes: Buffer, challenge: Uint8Array, binding?: Uint8Array): Buffer {
  return Buffer.from(
    JSON.stringify({ type: "auth", proof: proofOf("dialer", helloBytes, challenge, binding) }),
  );
}

export function proofOf(
  role: "dialer" | "acceptor",
  helloBytes: Uint8Array,
  challenge: Uint8Array,
  binding: Uint8Array = Buffer.alloc(0),
): string {
  const label = Buffer.from("foundation overlay handshake 1");
  const parts = [label, Buffer.from(role), helloBytes, challenge, binding].flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return [length, part];
  });
  const key = hkdfSync("sha256", SECRET, CLUSTER, "foundation hmac v1", 32);
  return createHmac("sha256", Buffer.from(key)).update(Buffer.concat(parts)).digest("hex");
}

/** What makes a linked node a member: it says who it is. Only then are its other channels heard. */
export function introduction({ id, boot }: Claim): Buffer {
  const entry = {
    id,
    boot,
    incarnation: 0,
    status: "alive",
    address: "ws://127.0.0.1:9",
    name: `raw-${id.slice(0, 6)}`,
    roles: [],
    labels: {},
    ageMs: 0,
  };
  const updates = encode({ type: "updates", entries: [entry] });
  return frame(DATA, message(TYPE.membership, 0, updates));
}

/** The signs of life that a frame of the coordination link asks for. */
export function answersTo(bytes: Uint8Array): Buffer[] {
  const answers: Buffer[] = [];
  const all = Buffer.from(bytes);
  for (let at = 1; at + 6 <= all.length; ) {
    const type = all[at];
    const length = all.readUInt32LE(at + 2);
    const body = all.subarray(at + 6, at + 6 + length);
    at += 6 + length;
    if (type === TYPE.ping) answers.push(frame(CONTROL, message(TYPE.pong, 0, body)));
    if (type !== TYPE.membership) continue;
    const { type: asks, seq } = codec.decode(body) as { type?: unknown; seq?: unknown };
    if (asks !== "ping") continue;
    answers.push(frame(DATA, message(TYPE.membership, 0, encode({ type: "ack", seq }))));
  }
  return answers;
}

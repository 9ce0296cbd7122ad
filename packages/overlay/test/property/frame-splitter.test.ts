import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import { FrameSplitter } from "../../src/websocket/frame-splitter.js";

/** What `ws` reads frames with; its types do not name it. */
type Receiver = Writable & { readonly errored: (Error & { readonly code?: string }) | null };
const { Receiver } = createRequire(import.meta.url)("ws") as {
  readonly Receiver: new (options: object) => Receiver;
};

const FRAME_BYTES_MAX = 66_000;
const CONTENT = Buffer.from(Uint8Array.from({ length: FRAME_BYTES_MAX + 16 }, (_, i) => i * 7));

interface Frame {
  readonly first: number;
  readonly isMasked: boolean;
  readonly mask: readonly number[];
  readonly length: number;
  /** Writes the length in eight bytes, whatever it is. */
  readonly isLong: boolean;
}

/** Mostly frames as nodes send them; then whatever a stranger may think of. */
const frames = (isMasked: boolean) => {
  const lengths = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 300 }) },
    fc.integer({ min: 65_530, max: FRAME_BYTES_MAX + 2 }),
  );
  const plain = fc.record({
    first: fc.constant(0x82),
    isMasked: fc.constant(isMasked),
    mask: fc.constant([0, 0, 0, 0]),
    length: lengths,
    isLong: fc.boolean(),
  });
  const other = fc.record({
    first: fc.oneof(
      fc.constantFrom(0x82, 0x81, 0x80, 0x02, 0x01, 0x00, 0x89, 0x8a, 0x88),
      fc.integer({ min: 0, max: 255 }),
    ),
    isMasked: fc.oneof({ weight: 5, arbitrary: fc.constant(isMasked) }, fc.boolean()),
    mask: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }),
    length: fc.oneof(fc.integer({ min: 0, max: 130 }), lengths),
    isLong: fc.boolean(),
  });
  return fc.array(fc.oneof({ weight: 12, arbitrary: plain }, other), { maxLength: 12 });
};

function bytesOf({ first, isMasked, mask, length, isLong }: Frame): Buffer {
  const masked = isMasked ? 0x80 : 0;
  const long = Buffer.alloc(8);
  long.writeBigUInt64BE(BigInt(length));
  const size = isLong
    ? [masked | 127, ...long]
    : length <= 125
      ? [masked | length]
      : length <= 0xffff
        ? [masked | 126, ...long.subarray(6)]
        : [masked | 127, ...long];
  const head = Buffer.from([first, ...size, ...(isMasked ? mask : [])]);
  return Buffer.concat([head, CONTENT.subarray(length % 7, (length % 7) + length)]);
}

/** Chunks as a stream may give them: each byte alone at times, many frames in one at others. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return chunks;
}

/** What becomes of chunks, as texts, in order; `ws` is given none after an error or a close. */
function heardBy(isServer: boolean, read: (toWs: (chunk: Buffer) => void, say: Say) => void) {
  const heard: string[] = [];
  const say: Say = (what, bytes) => heard.push(`${what} ${Buffer.from(bytes).toString("hex")}`);
  const limits = { maxPayload: FRAME_BYTES_MAX, maxFragments: 16, maxBufferedChunks: 1_000_000 };
  const receiver = new Receiver({ isServer, ...limits });
  let isOver = false;
  receiver.on("message", (data: Buffer, isBinary: boolean) =>
    say(isBinary ? "message" : "text", data),
  );
  receiver.on("ping", (data: Buffer) => say("ping", data));
  receiver.on("pong", (data: Buffer) => say("pong", data));
  receiver.on("conclude", (code: number, reason: Buffer) => {
    isOver = true;
    say(`close ${code}`, reason);
  });
  receiver.on("error", () => {});
  read((chunk) => {
    if (!isOver && receiver.errored === null) receiver.write(chunk);
  }, say);
  return [...heard, receiver.errored?.code];
}

type Say = (what: string, bytes: Uint8Array) => void;

test("what nodes and strangers send is cut into what ws would have read, however it is split", () => {
  const isServer = fc.boolean();
  const sizes = fc.oneof(
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 8 }),
  );
  const worlds = isServer.chain((isServer) =>
    fc.record({ isServer: fc.constant(isServer), frames: frames(isServer), sizes }),
  );
  let split = 0;
  fc.assert(
    fc.property(worlds, ({ isServer, frames, sizes }) => {
      // Each time anew: what has a mask is unmasked where it lies.
      const chunks = () => cut(Buffer.concat(frames.map(bytesOf)), sizes);
      const wanted = heardBy(isServer, (toWs) => chunks().forEach(toWs));
      const found = heardBy(isServer, (toWs, say) => {
        const limits = { frameBytesMax: FRAME_BYTES_MAX, chunksMax: 1_000_000 };
        const splitter = new FrameSplitter({ isMasked: isServer, ...limits }, (frame) => {
          split += 1;
          say("message", frame);
        });
        let isOurs = true;
        for (const chunk of chunks()) {
          if (!isOurs) toWs(chunk);
          else if (!splitter.read(chunk)) {
            isOurs = false;
            splitter.rest().forEach(toWs);
          }
        }
        splitter.rest().forEach(toWs);
      });
      expect(found).toEqual(wanted);
    }),
    { numRuns: 150 },
  );
  expect(split).toBeGreaterThan(150);
});

import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { nodeRandom } from "@foundation/core";
import { writeU32 } from "../../../../src/protocol/frame.js";
import { compress, expand } from "../../../../src/runtime/delivery/compression.js";

const PIECE = 64 * 1024;
const text = (bytes: number) =>
  new TextEncoder()
    .encode("some words that repeat themselves, ".repeat(bytes / 30))
    .slice(0, bytes);

/** A payload that declares `rawBytes` and holds the given bytes. */
function declaring(rawBytes: number, content: Uint8Array): Uint8Array {
  const body = deflateRawSync(content);
  const payload = new Uint8Array(4 + body.length);
  writeU32(payload, 0, rawBytes);
  payload.set(body, 4);
  return payload;
}

describe("compression of a payload", () => {
  test("gives back what was compressed, and only compresses what gets smaller by an eighth", () => {
    const sizes = fc.integer({ min: 1, max: 8_000 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 50 }), sizes, (seed, bytes) => {
        const raw = Uint8Array.from({ length: bytes }, (_, i) => seed[i % seed.length] as number);
        const payload = compress(raw, 1_024);
        if (bytes < 1_024) expect(payload).toBeUndefined();
        if (payload === undefined) return;
        expect(payload.length).toBeLessThanOrEqual((raw.length * 7) / 8);
        expect(Buffer.compare(expand(payload, PIECE) as Uint8Array, raw)).toBe(0);
      }),
    );
    expect(compress(nodeRandom().secret(PIECE), 1_024)).toBeUndefined();
    expect((compress(text(PIECE), 1_024) as Uint8Array).length).toBeLessThan(PIECE / 10);
  });

  test("takes nothing larger than the bound, and inflates nothing to find that out", () => {
    const payload = compress(text(PIECE), 1_024) as Uint8Array;
    expect(expand(payload, PIECE - 1)).toBeUndefined();
    expect(expand(payload, PIECE)).toHaveLength(PIECE);
    expect(expand(declaring(0xffffffff, text(100)), PIECE)).toBeUndefined();
  });

  test("takes no bomb: what holds more than it declares stops at what it declares", () => {
    const bomb = declaring(1_000, new Uint8Array(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(70_000);
    const before = process.memoryUsage().arrayBuffers;
    expect(expand(bomb, PIECE)).toBeUndefined();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
  });

  test("takes nothing that is cut off, shorter than declared, empty or not deflated at all", () => {
    const payload = compress(text(10_000), 1_024) as Uint8Array;
    expect(expand(payload.subarray(0, payload.length - 1), PIECE)).toBeUndefined();
    expect(expand(declaring(1_001, text(1_000)), PIECE)).toBeUndefined();
    expect(expand(declaring(0, new Uint8Array(0)), PIECE)).toBeUndefined();
    expect(expand(new Uint8Array(4), PIECE)).toBeUndefined();
    expect(expand(new Uint8Array([9, 0, 0, 0, 0xff, 0xff, 0xff]), PIECE)).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const raw = expand(bytes, PIECE);
        if (raw !== undefined) expect(raw.length).toBeLessThanOrEqual(PIECE);
      }),
      { numRuns: 2_000 },
    );
  });

  test("holds the event loop up for two milliseconds a piece at most", () => {
    const pieces = [text(PIECE), Uint8Array.from({ length: PIECE }, (_, i) => (i * i) % 251)];
    for (const piece of pieces) {
      const tries = Array.from({ length: 12 }, () => {
        const { user, system } = process.cpuUsage();
        for (let i = 0; i < 10; i += 1) {
          const payload = compress(piece, 1_024);
          if (payload !== undefined) expand(payload, PIECE);
        }
        const spent = process.cpuUsage({ user, system });
        return (spent.user + spent.system) / 10 / 1_000;
      });
      // The least disturbed: other work of the machine, and of this process, is no part of it.
      expect(Math.min(...tries)).toBeLessThan(4);
    }
  });
});

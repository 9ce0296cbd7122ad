import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isFoundationError } from "@foundation/core";
import { BatchWriter } from "../../src/protocol/batch.js";
import { FrameReader, MessageType } from "../../src/protocol/frame.js";
import { acceptorOf, dialerOf, runBoth, WALL_MS } from "../support/handshakes.js";

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const hexId = (digits: number) =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: digits, maxLength: digits })
    .map((values) => values.map((value) => value.toString(16)).join(""))
    .filter((id) => !/^0+$/.test(id));
const trace = fc.record({
  traceId: hexId(32),
  spanId: hexId(16),
  flags: fc.integer({ min: 0, max: 255 }),
});
const message = fc.record({
  type: fc.constantFrom(MessageType.message, MessageType.request),
  subject: u32,
  requestId: u32,
  deadlineMs: u32,
  trace: fc.option(trace, { nil: undefined }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

/** Reads a frame to its end; true when it was well formed. Anything but a typed refusal is thrown on. */
function readAll(frame: Uint8Array): boolean {
  const reader = new FrameReader();
  try {
    reader.begin(frame);
    while (reader.next()) {
      reader.payload();
      reader.trace();
    }
    return true;
  } catch (error) {
    if (isFoundationError(error, "ERR_FRAME_MALFORMED")) return false;
    throw error;
  }
}

function framesOf(
  messages: readonly (typeof message extends fc.Arbitrary<infer M> ? M : never)[],
): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const batch = new BatchWriter(512, (frame) => frames.push(frame));
  for (const { type, subject, requestId, deadlineMs, trace, payload } of messages) {
    batch.append(type, 0, subject, requestId, deadlineMs, trace, payload);
  }
  batch.seal();
  return frames;
}

describe("frames", () => {
  test("whatever is appended is read back in order, however it falls into frames", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
        const found: unknown[] = [];
        const reader = new FrameReader();
        for (const frame of framesOf(messages)) {
          reader.begin(frame);
          while (reader.next()) {
            const isRequest = reader.type === MessageType.request;
            found.push({
              type: reader.type,
              subject: reader.subject,
              requestId: isRequest ? reader.requestId : undefined,
              deadlineMs: isRequest ? reader.deadlineMs : undefined,
              trace: reader.trace(),
              payload: Uint8Array.from(reader.payload()),
            });
          }
        }
        const expected = messages.map((one) =>
          one.type === MessageType.request
            ? one
            : { ...one, requestId: undefined, deadlineMs: undefined },
        );
        expect(found).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  test("random bytes end in a typed refusal or are read to their end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, versioned) => {
        if (versioned && bytes.length > 0) bytes[0] = 1;
        readAll(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  test("truncated and bit-flipped frames end in a typed refusal or are read to their end", () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        (messages, cut, flip) => {
          const [frame] = framesOf(messages) as [Uint8Array];
          readAll(frame.subarray(0, cut % frame.length));
          const flipped = frame.slice();
          const bit = flip % (flipped.length * 8);
          flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
          readAll(flipped);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("the handshake", () => {
  const honest = runBoth(dialerOf(), acceptorOf()).wire.map(({ bytes }) => bytes);

  test("garbage at any step ends the machine with a refusal and never throws", () => {
    fc.assert(
      fc.property(fc.nat(2), fc.uint8Array({ maxLength: 5_000 }), (step, garbage) => {
        const acceptor = acceptorOf();
        for (const bytes of honest.filter((_, i) => i % 2 === 0).slice(0, step)) {
          acceptor.handle({ type: "frame", bytes, wallMs: WALL_MS });
        }
        const effects = acceptor.handle({ type: "frame", bytes: garbage, wallMs: WALL_MS });
        expect(effects.at(-1)?.type ?? "refused").toBe("refused");
      }),
      { numRuns: 300 },
    );
  });

  test("one flipped bit in any frame never ends established on the side that got it", () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(), (index, flip) => {
        const run = runBoth(dialerOf(), acceptorOf(), {
          tamper: (bytes, at) => {
            if (at !== index) return bytes;
            const flipped = bytes.slice();
            const bit = flip % (flipped.length * 8);
            flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
            return flipped;
          },
        });
        const victim = index % 2 === 0 ? run.acceptor : run.dialer;
        expect(victim.some(({ type }) => type === "established")).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { createNodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { DatagramSeal } from "../../../src/gossip/sealed-datagram.js";
import {
  formatMessage,
  parseMessage,
  type GossipMessage,
} from "../../../src/protocol/gossip/gossip-message.js";
import { gossipLimits } from "../../../src/protocol/gossip/limits.js";
import { ReplayGuard } from "../../../src/protocol/gossip/replay-guard.js";

const session = fc.uint8Array({ minLength: 12, maxLength: 12 });
const sessionName = session.map((bytes) => Buffer.from(bytes).toString("hex"));
const messages: fc.Arbitrary<GossipMessage> = fc.record({
  type: fc.constantFrom("hello" as const, "beat" as const, "bye" as const),
  id: fc.string().map((seed) => createNodeId(seededRandom(seed))),
  address: fc.string({
    unit: fc.constantFrom("a", "z", "0", "9", ".", ":", "/", "[", "]", "-"),
    minLength: 1,
    maxLength: gossipLimits.addressCharsMax,
  }),
  intervalMs: fc.integer({ min: gossipLimits.intervalMsMin, max: gossipLimits.intervalMsMax }),
  draining: fc.boolean(),
  wallMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  greets: fc.array(sessionName, { maxLength: gossipLimits.greetsMax }),
});
const sealOf = (bytes: Uint8Array, secrets: readonly string[] = ["s"], cluster = "c") =>
  new DatagramSeal(cluster, () => secrets, bytes);

test("every message comes through the seal as it was, in one datagram", () => {
  fc.assert(
    fc.property(messages, session, session, (message, from, to) => {
      fc.pre(!Buffer.from(from).equals(Buffer.from(to)));
      const datagram = sealOf(from).seal(formatMessage(message))!;
      expect(datagram.length).toBeLessThanOrEqual(gossipLimits.datagramBytesMax);
      const opened = sealOf(to).open(datagram);
      expect(opened.type).toBe("message");
      if (opened.type === "message") expect(parseMessage(opened.text)).toEqual(message);
    }),
    { numRuns: 200 },
  );
});

test("bytes of whatever kind are refused and never throw", () => {
  const seal = sealOf(new Uint8Array(12));
  const magic = Uint8Array.from([0x46, 0x47, 1, 0]);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 1_500 }),
    fc.uint8Array({ maxLength: 200 }).map((tail) => Buffer.concat([magic, tail])),
  );
  fc.assert(
    fc.property(bytes, (datagram) => {
      expect(["foreign", "stranger", "damaged", "own"]).toContain(seal.open(datagram).type);
    }),
    { numRuns: 2_000 },
  );
});

test("a datagram that was changed in any bit, cut or lengthened is not opened", () => {
  const datagram = sealOf(Buffer.alloc(12, 1)).seal("some text")!;
  const reader = sealOf(Buffer.alloc(12, 2));
  const change = fc.tuple(fc.nat({ max: datagram.length - 1 }), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(change, fc.integer({ min: -60, max: 60 }), ([at, mask], more) => {
      const changed = Buffer.from(datagram);
      changed[at] = (changed[at] ?? 0) ^ mask;
      expect(reader.open(changed).type).not.toBe("message");
      const resized = Buffer.concat([datagram, Buffer.alloc(60)]).subarray(
        0,
        datagram.length + more,
      );
      if (more !== 0) expect(reader.open(resized).type).not.toBe("message");
    }),
    { numRuns: 1_000 },
  );
});

test("a text of any kind is a message or is not; parsing never throws and keeps the limits", () => {
  const texts = fc.oneof(fc.string(), fc.json(), messages.map(formatMessage));
  fc.assert(
    fc.property(texts, (text) => {
      const message = parseMessage(text);
      if (message === undefined) return;
      expect(message.intervalMs).toBeGreaterThanOrEqual(gossipLimits.intervalMsMin);
      expect(message.intervalMs).toBeLessThanOrEqual(gossipLimits.intervalMsMax);
      expect(parseMessage(formatMessage(message))).toEqual(message);
    }),
    { numRuns: 1_000 },
  );
});

test("what one of two secrets seals, the other ring opens when it has that secret, whatever the order", () => {
  const rings = fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(rings, rings, (mine, theirs) => {
      const datagram = sealOf(Buffer.alloc(12, 1), mine).seal("text")!;
      const opened = sealOf(Buffer.alloc(12, 2), theirs).open(datagram);
      expect(opened.type).toBe(theirs.includes(mine[0]!) ? "message" : "stranger");
    }),
  );
});

test("in whatever order and however often datagrams come, each is taken at most once, and each within the window is", () => {
  const counters = fc.array(fc.nat({ max: 200 }), { maxLength: 300 });
  fc.assert(
    fc.property(counters, (order) => {
      const guard = new ReplayGuard();
      const taken = new Set<number>();
      let highest = -1;
      for (const counter of order) {
        const accepted = guard.accept("s", counter);
        const isInWindow = highest - counter < gossipLimits.replayWindow;
        expect(accepted).toBe(!taken.has(counter) && isInWindow);
        if (accepted) taken.add(counter);
        highest = Math.max(highest, counter);
      }
    }),
  );
});

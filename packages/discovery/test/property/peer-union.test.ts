import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { discoveryLimits } from "../../src/limits.js";
import { PeerUnion } from "../../src/protocol/peer-union.js";

const { forgetAfterMs } = discoveryLimits;
const step = fc.record({
  source: fc.constantFrom("a", "b"),
  addresses: fc.uniqueArray(
    fc.constantFrom<string>("ws://h:1", "ws://h:2", "ws://h:3", "ws://h:4"),
  ),
  afterMs: fc.nat(forgetAfterMs),
});

test("a peer is offered exactly while some strategy named it within the time to forget", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const union = new PeerUnion();
      /** When a strategy last had a set with that address, and whether its latest set has it. */
      const model = new Map<string, { missingSinceMs: number | undefined }>();
      let nowMs = 0;
      for (const { source, addresses, afterMs } of steps) {
        nowMs += afterMs;
        for (const [key, entry] of model) {
          if (!key.startsWith(`${source} `)) continue;
          if (!addresses.includes(key.slice(2))) entry.missingSinceMs ??= nowMs;
        }
        for (const each of addresses) model.set(`${source} ${each}`, { missingSinceMs: undefined });
        for (const [key, { missingSinceMs }] of model) {
          if (missingSinceMs !== undefined && nowMs - missingSinceMs >= forgetAfterMs) {
            model.delete(key);
          }
        }
        const peers = addresses.map((address) => ({ address }));
        union.handle({ type: "set", set: { source, peers } }, nowMs);
        const expected = [...new Set([...model.keys()].map((key) => key.slice(2)))].sort();
        expect(union.peers.map(({ address }) => address)).toEqual(expected);
      }
    }),
  );
});

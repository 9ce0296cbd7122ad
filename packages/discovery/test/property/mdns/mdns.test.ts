import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { seededRandom } from "@foundation/core/testing";
import { MembershipTags } from "../../../src/mdns/membership-tag.js";
import { decodePacket, encodePacket } from "../../../src/mdns/wire.js";
import { mdnsLimits } from "../../../src/protocol/mdns/limits.js";
import { MdnsCore, type MdnsEffect } from "../../../src/protocol/mdns/mdns-core.js";
import {
  compareRecordSets,
  recordKey,
  SERVICE,
  type MdnsPacket,
  type MdnsRecord,
} from "../../../src/protocol/mdns/records.js";

const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
const names = fc.oneof(
  label.map((each) => `${each}.${SERVICE}`),
  label.map((each) => `${each}.local`),
  fc.constant(SERVICE),
);
const head = { ttlS: fc.nat({ max: 10_000 }), flush: fc.boolean(), name: names };
const four = fc
  .tuple(...Array.from({ length: 4 }, () => fc.nat({ max: 255 })))
  .map((b) => b.join("."));
const records: fc.Arbitrary<MdnsRecord> = fc.oneof(
  fc.record({ ...head, type: fc.constant("PTR" as const), target: names }),
  fc.record({
    ...head,
    type: fc.constant("SRV" as const),
    target: names,
    port: fc.nat({ max: 65_535 }),
  }),
  fc.record({
    ...head,
    type: fc.constant("TXT" as const),
    texts: fc.array(fc.stringMatching(/^[ -~]{1,40}$/), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ ...head, type: fc.constant("A" as const), address: four }),
  fc.record({
    ...head,
    type: fc.constant("AAAA" as const),
    address: fc.nat({ max: 0xfffe }).map((n) => `fd00::${(n + 1).toString(16)}`),
  }),
);
const list = fc.array(records, { maxLength: 8 });
const packets: fc.Arbitrary<MdnsPacket> = fc.record({
  type: fc.constantFrom("query" as const, "response" as const),
  truncated: fc.boolean(),
  questions: fc.array(
    fc.record({
      name: names,
      type: fc.constantFrom("PTR" as const, "SRV" as const, "ANY" as const),
    }),
    { maxLength: 4 },
  ),
  answers: list,
  authorities: list,
  additionals: list,
});

test("every packet comes over the wire as it was", () => {
  fc.assert(
    fc.property(packets, (packet) => {
      expect(decodePacket(encodePacket(packet))).toEqual(packet);
    }),
    { numRuns: 300 },
  );
});

test("bytes of whatever kind, and packets changed on their way, never throw", () => {
  const changes = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), packets, changes, (bytes, packet, changed) => {
      decodePacket(bytes);
      const mangled = Uint8Array.from(encodePacket(packet));
      for (const [at, value] of changed) if (at < mangled.length) mangled[at] = value;
      decodePacket(mangled);
    }),
    { numRuns: 1_000 },
  );
});

const coreOf = (seed: string, own = "me") =>
  new MdnsCore({
    label: own,
    port: 4_100,
    address: "ws://10.0.0.1:4100",
    tagOf: (each) => `tag of ${each}`,
    isMember: (each, tag) => tag === `tag of ${each}`,
    random: seededRandom(seed),
  });

test("whatever is heard, the core throws nothing, keeps its limits, and offers only members", () => {
  const heard = fc.array(fc.tuple(packets, fc.nat({ max: 5_000 })), { maxLength: 30 });
  fc.assert(
    fc.property(heard, fc.string(), (all, seed) => {
      const core = coreOf(seed);
      let nowMs = 0;
      const take = (effects: readonly MdnsEffect[]) => {
        for (const effect of effects) {
          if (effect.type === "peers") expect(effect.peers).toEqual([]);
          if (effect.type === "send") {
            expect(encodePacket(effect.packet).length).toBeLessThanOrEqual(
              mdnsLimits.packetBytesMax,
            );
          }
        }
      };
      take(core.handle({ type: "paths", hosts: new Map([["eth0", "10.0.0.1"]]) }, nowMs));
      for (const [packet, passedMs] of all) {
        nowMs += passedMs;
        take(core.handle({ type: "packet", packet, path: "eth0", source: "10.0.0.9" }, nowMs));
        take(core.handle({ type: "tick" }, nowMs));
        expect(core.size).toBeLessThanOrEqual(mdnsLimits.recordsMax);
      }
      take(core.handle({ type: "stop" }, nowMs));
    }),
    { numRuns: 200 },
  );
});

test("the order of records that settles a tie is total and the same from both sides", () => {
  fc.assert(
    fc.property(list, list, list, (a, b, c) => {
      const sign = (x: readonly MdnsRecord[], y: readonly MdnsRecord[]) =>
        Math.sign(compareRecordSets(x, y));
      expect(sign(a, b) + sign(b, a)).toBe(0);
      expect(compareRecordSets(a, [...a].reverse())).toBe(0);
      if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 300 },
  );
});

test("a record is the same in every spelling of its name", () => {
  fc.assert(
    fc.property(records, (record) => {
      expect(recordKey({ ...record, name: record.name.toUpperCase() })).toBe(recordKey(record));
    }),
  );
});

test("a tag fits one label and the secrets of one cluster, and no text that is none throws", () => {
  const secrets = fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(secrets, secrets, label, label, fc.string(), (mine, theirs, one, other, text) => {
      const [own, others] = [
        new MembershipTags("c", () => mine),
        new MembershipTags("c", () => theirs),
      ];
      const tag = own.tagOf(one) ?? "";
      expect(others.isMember(one, tag)).toBe(theirs.some((each) => each === mine[0]));
      if (one !== other) expect(others.isMember(other, tag)).toBe(false);
      expect(new MembershipTags("d", () => mine).isMember(one, tag)).toBe(false);
      expect(others.isMember(one, text)).toBe(false);
    }),
  );
});

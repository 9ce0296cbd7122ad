/** The ring against its oracle, and the laws every placement keeps. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import HashRing from "hashring";
import type { NodeId } from "../../../src/ids/index.js";
import { hashRing, rendezvous, type Placement } from "../../../src/placement/index.js";
import { md5 } from "../../../src/placement/md5.js";
import { Ring } from "../../../src/placement/ring.js";

const nodeId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString("hex") as NodeId);
const nodeIds = fc.uniqueArray(nodeId, { minLength: 1, maxLength: 12 });
const keys = fc.array(fc.string({ unit: "binary", maxLength: 40 }), {
  minLength: 1,
  maxLength: 30,
});
const candidatesOf = (ids: readonly NodeId[]) => ids.map((id) => ({ id }));

describe("md5", () => {
  test("equals node:crypto's for every text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        // Lone surrogates are written as U+FFFD by both.
        const words = md5(text);
        const bytes = Buffer.alloc(16);
        words.forEach((word, i) => bytes.writeUInt32LE(word, i * 4));
        expect(bytes.toString("hex")).toBe(createHash("md5").update(text, "utf8").digest("hex"));
      }),
      { numRuns: 500 },
    );
  });

  test.each([0, 55, 56, 63, 64, 119, 120, 1_000, 100_000])("pads a text of %d bytes", (length) => {
    const text = "x".repeat(length);
    expect(md5(text)[0]).toBe(createHash("md5").update(text).digest().readUInt32LE(0));
  });
});

describe("hashRing", () => {
  test("places exactly as hashring 3.2.0 does, whatever came and went before", () => {
    fc.assert(
      fc.property(
        nodeIds,
        fc.array(fc.nat(), { maxLength: 8 }),
        fc.constantFrom(1, 3, 40, 128),
        keys,
        (ids, changes, virtualNodes, texts) => {
          const ring = hashRing({ virtualNodes });
          const members = new Set(ids);
          for (const change of [0, ...changes]) {
            const id = ids[change % ids.length] as NodeId;
            if (members.has(id) && members.size > 1 && change > 0) members.delete(id);
            else members.add(id);
            const oracle = oracleOf([...members], virtualNodes);
            for (const key of texts) {
              expect(ring.place(key, candidatesOf([...members]))).toBe(ownerOf(oracle, key));
              const many = ring.placeMany(key, candidatesOf([...members]), 3);
              expect(many).toEqual(oracle.range(key, 3));
            }
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("places as hashring does by default, where that does not lose a node's point to rounding", () => {
    // It computes floor(1 / n * 40 * n), which is 39 for 7 nodes: keys then move between old nodes.
    for (const count of [1, 2, 3, 4, 5, 6, 8, 10, 16, 25]) {
      expect(Math.floor((1 / count) * 40 * count)).toBe(40);
      const ids = Array.from({ length: count }, (_, i) => md5Hex(`node ${i}`)).sort();
      const [oracle, ring] = [new HashRing(ids), hashRing()];
      for (let i = 0; i < 200; i++) {
        expect(ring.place(`key-${i}`, candidatesOf(ids))).toBe(ownerOf(oracle, `key-${i}`));
      }
    }
  });

  test("merging members in gives the very ring that sorting gives", () => {
    fc.assert(
      fc.property(nodeIds, keys, (ids, texts) => {
        const [first, ...rest] = ids;
        let merged = Ring.of(2, [first as string]);
        for (const id of rest) merged = merged.with(id);
        for (const id of rest.slice(0, rest.length / 2)) merged = merged.without(id).with(id);
        const sorted = Ring.of(2, ids);
        expect(merged.size).toBe(sorted.size);
        for (const key of texts) {
          expect(merged.find(key, ids.length)).toEqual(sorted.find(key, ids.length));
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ["node-13944", "node-15012"],
    ["node-21480", "node-38817"],
    ["node-11955", "node-48892"],
  ])("a point that %s and %s share belongs to the lower id, whoever came first", (low, high) => {
    const points = new Set(md5(`${low}-0`));
    const shared = md5(`${high}-0`).filter((point) => points.has(point));
    expect(shared).toHaveLength(1);
    const rings = [
      Ring.of(1, [low, high]),
      Ring.of(1, [low]).with(high),
      Ring.of(1, [high]).with(low),
    ];
    const oracle = oracleOf([low, high], 1);
    for (let i = 0; i < 500; i++) {
      for (const ring of rings)
        expect(ring.find(`key-${i}`, 1)[0]).toBe(ownerOf(oracle, `key-${i}`));
    }
  });
});

describe.each<[string, () => Placement]>([
  ["hashRing", () => hashRing()],
  ["rendezvous", () => rendezvous()],
])("%s", (_name, make) => {
  test("answers the same for every order of the candidates, and with repeated ones", () => {
    fc.assert(
      fc.property(nodeIds, keys, fc.nat(), (ids, texts, turn) => {
        const [one, other] = [make(), make()];
        const at = turn % ids.length;
        const turned = [...ids.slice(at), ...ids.slice(0, at), ids[at] as NodeId];
        for (const key of texts) {
          const answer = one.placeMany(key, candidatesOf(ids), 4);
          expect(other.placeMany(key, candidatesOf(turned), 4)).toEqual(answer);
          expect(one.place(key, candidatesOf(ids))).toBe(answer[0]);
          expect(new Set(answer).size).toBe(Math.min(4, ids.length));
        }
      }),
      { numRuns: 100 },
    );
  });

  test("moves only the keys of the node that went, and only to the node that came", () => {
    fc.assert(
      fc.property(nodeIds, nodeId, keys, (ids, newcomer, texts) => {
        fc.pre(!ids.includes(newcomer));
        const placement = make();
        for (const key of texts) {
          const before = placement.place(key, candidatesOf(ids));
          const after = placement.place(key, candidatesOf([...ids, newcomer]));
          expect([before, newcomer]).toContain(after);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("gives every one of ten nodes between half and twice its share of 10,000 keys", () => {
    const ids = Array.from({ length: 10 }, (_, i) => md5Hex(`node ${i}`));
    const placement = make();
    const counts = new Map<string, number>();
    for (let i = 0; i < 10_000; i++) {
      const id = placement.place(`key-${i}`, candidatesOf(ids)) as string;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect(counts.size).toBe(10);
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(500);
      expect(count).toBeLessThan(2_000);
    }
  });
});

/** With the points given per node, which switches hashring's rounding off; ids in order. */
function oracleOf(ids: readonly string[], virtualNodes: number): HashRing {
  const servers = [...ids].sort().map((id) => [id, { vnodes: virtualNodes }] as const);
  return new HashRing(Object.fromEntries(servers), "md5", { "vnode count": virtualNodes + 1 });
}

/** Not by `get`: its cache takes "valueOf" and the like for keys it has seen. */
function ownerOf(oracle: HashRing, key: string): string | undefined {
  return oracle.range(key, 1)[0];
}

function md5Hex(text: string): NodeId {
  return createHash("md5").update(text).digest("hex") as NodeId;
}

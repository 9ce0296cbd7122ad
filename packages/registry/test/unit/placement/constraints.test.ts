import { describe, expect, test } from "@jest/globals";
import {
  parseConstraints,
  problemOf,
  type Constraints,
} from "../../../src/protocol/constraints.js";
import { judge, ownerOf, type Ground } from "../../../src/protocol/judge.js";
import { Occupancy, type Placeable } from "../../../src/protocol/occupancy.js";
import { member } from "../protocol/cast.js";

const nodes = [
  member(1, { labels: { zone: "a" }, roles: ["db"] }),
  member(2, { labels: { zone: "a", disk: "ssd" } }),
  member(3, { labels: { zone: "b", disk: "ssd" } }),
  member(4),
];

function child(identity: string, constraints?: Constraints, definition = "shard"): Placeable {
  return { identity, definition, on: undefined, ...(constraints && { rules: { constraints } }) };
}

/** Children by the number of their node. */
function ground(at: Readonly<Record<number, readonly Placeable[]>> = {}): Ground {
  const occupancy = new Occupancy();
  for (const [number, children] of Object.entries(at)) {
    for (const each of children) occupancy.put(each, ownerOf(member(Number(number))));
  }
  return { members: nodes, occupancy };
}

function names(wanted: Placeable, on: Ground): string {
  return judge(wanted, nodes, on)
    .eligible.map(({ name }) => name)
    .join(" ");
}

describe("the judge of constraints", () => {
  test("without constraints allows every candidate", () => {
    expect(names(child("x"), ground({ 1: [child("y")] }))).toBe("n1 n2 n3 n4");
  });

  test("keeps to role and labels, and says of each other node why not", () => {
    expect(names(child("x", { role: "db" }), ground())).toBe("n1");
    const { eligible, refused } = judge(child("x", { labels: { disk: "ssd" } }), nodes, ground());
    expect(eligible.map(({ name }) => name)).toEqual(["n2", "n3"]);
    expect(refused).toEqual([
      { member: nodes[0], why: 'its label disk is not set, not "ssd"' },
      { member: nodes[3], why: 'its label disk is not set, not "ssd"' },
    ]);
  });

  test("a label of the same name as something every object has is no label", () => {
    expect(names(child("x", { spread: { over: "constructor" } }), ground())).toBe("");
  });

  test("fills a node to its capacity, of the definition unless a group is named", () => {
    const full = ground({ 1: [child("a"), child("b")], 2: [child("c"), child("d", {}, "other")] });
    expect(names(child("x", { capacity: 2 }), full)).toBe("n2 n3 n4");
    expect(names(child("x", { group: "g", capacity: 2 }), full)).toBe("n1 n2 n3 n4");
    expect(names(child("x", { capacity: { prefix: "c", max: 1 } }), full)).toBe("n1 n3 n4");
    expect(names(child("a", { capacity: 2 }), full)).toBe("n1 n2 n3 n4");
  });

  test("keeps apart what avoids each other, also when only the one that is there says so", () => {
    const compactor = child("compactor-1", { antiAffinity: { group: "shards" } }, "compactor");
    const shard = child("s", { group: "shards" });
    expect(names(compactor, ground({ 2: [shard] }))).toBe("n1 n3 n4");
    expect(names(shard, ground({ 2: [compactor] }))).toBe("n1 n3 n4");
    expect(names(child("other"), ground({ 2: [compactor] }))).toBe("n1 n2 n3 n4");
    const lonely = child("x", { antiAffinity: {} });
    expect(names(lonely, ground({ 1: [lonely, child("y")], 4: [lonely] }))).toBe("n2 n3 n4");
  });

  test("keeps together what belongs together, and lets the first of them begin anywhere", () => {
    const kin = (identity: string) => child(identity, { group: "g", affinity: { group: "g" } });
    expect(names(kin("x"), ground())).toBe("n1 n2 n3 n4");
    expect(names(kin("x"), ground({ 3: [kin("y")] }))).toBe("n3");
    const follower = child("f", { affinity: { prefix: "leader" } });
    expect(names(follower, ground())).toBe("");
    expect(names(follower, ground({ 2: [child("leader-1")] }))).toBe("n2");
  });

  test("spreads over the values of a label, and passes over zones that can take nobody", () => {
    const even = (identity: string) => child(identity, { spread: { over: "zone" } });
    expect(names(even("x"), ground())).toBe("n1 n2 n3");
    expect(names(even("x"), ground({ 1: [even("y")] }))).toBe("n3");
    expect(names(even("x"), ground({ 1: [even("y")], 3: [even("z")] }))).toBe("n1 n2 n3");
    const wide = child("x", { spread: { over: "zone", maxSkew: 2 } });
    expect(names(wide, ground({ 1: [even("y")] }))).toBe("n1 n2 n3");
    const onlyA = child("x", { spread: { over: "zone" }, capacity: { definition: "big", max: 1 } });
    const full = ground({ 1: [even("y")], 3: [child("b", {}, "big")] });
    expect(names(onlyA, full)).toBe("n1 n2");
  });

  test("passes over nodes that are too busy, and not over those that told nothing", () => {
    const load = { eventLoop: 0.9, processor: 0.1, memory: 0.5 };
    const loadOf = ({ name }: { name: string }) => (name === "n1" ? load : undefined);
    const busy: Ground = { ...ground(), loadOf };
    expect(names(child("x", { cpu: { below: 0.8 } }), busy)).toBe("n2 n3 n4");
    expect(names(child("x", { memory: { below: 0.6 } }), busy)).toBe("n1 n2 n3 n4");
    expect(names(child("x", { memory: { below: 0.5 } }), busy)).toBe("n2 n3 n4");
    expect(names(child("x", { cpu: { below: 0.8 } }), ground())).toBe("n1 n2 n3 n4");
  });

  test("what is preferred decides only between nodes that the hard ones allow", () => {
    const wish = child("x", {
      labels: { disk: "ssd" },
      antiAffinity: { preferred: true },
      spread: { over: "zone", preferred: true },
    });
    expect(names(wish, ground({ 2: [child("y")] }))).toBe("n3");
    expect(names(wish, ground({ 2: [child("y")], 3: [child("z")] }))).toBe("n2 n3");
  });
});

describe("constraints as they were said", () => {
  test.each<unknown>([
    null,
    [],
    { capacity: 0 },
    { capacity: { max: 1.5 } },
    { capacity: { max: 1, group: "a", prefix: "b" } },
    { cpu: { below: 2 } },
    { cpu: 0.5 },
    { memory: { below: 0.5, above: 0.2 } },
    { antiAffinity: { group: "" } },
    { antiAffinity: "shards" },
    { affinity: { preferred: "yes" } },
    { spread: { over: "zone", maxSkew: 0 } },
    { spread: {} },
    { labels: { a: 1 } },
    { role: "" },
    { group: 7 },
    { colour: "red" },
  ])("%j are refused with what is wrong about them", (wrong) => {
    expect(parseConstraints(wrong)).toBeUndefined();
    expect(problemOf(wrong)).toMatch(/expected|must be|there is no constraint/);
  });

  test("everything that can be said is understood", () => {
    const said: Constraints = {
      group: "shards",
      role: "db",
      labels: { disk: "ssd" },
      capacity: { max: 3, definition: "shard", preferred: true },
      cpu: { below: 0.8 },
      memory: { below: 1, preferred: true },
      antiAffinity: { prefix: "compactor-" },
      affinity: { group: "shards", preferred: true },
      spread: { over: "zone", maxSkew: 2, group: "shards" },
    };
    expect(parseConstraints(said)).toEqual(said);
    expect(parseConstraints({ capacity: 3, cpu: undefined })).toEqual({ capacity: 3 });
  });
});

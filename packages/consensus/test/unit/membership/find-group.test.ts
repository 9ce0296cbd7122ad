/** Nodes find the group they belong to, and found it once. */
import { afterEach, expect, test } from "@jest/globals";
import { memoryStorage } from "@foundation/core/testing";
import { engineArbiter, type Arbiter } from "../../../src/membership/arbiter.js";
import type { FirstVoters } from "../../../src/membership/group-place.js";
import { createMemoryEngine } from "../../../src/store/memory-engine.js";
import { Town } from "./town.js";

const list = (...names: string[]): FirstVoters => ({ type: "voters", names });
const others: FirstVoters = { type: "others" };
let town: Town;

afterEach(() => town.close());

async function founded(...names: string[]): Promise<Town> {
  town = new Town(names);
  for (const name of names) await town.find(name, list(...names));
  for (const name of names) await town.open(town.at(name));
  await town.until(() => town.leader !== undefined);
  return town;
}

test("first voters of one list found one group, and what is proposed in it is applied by all", async () => {
  await founded("a", "b", "c");
  const ids = new Set([...town.houses.values()].map(({ group }) => group?.id));
  expect(ids.size).toBe(1);
  expect([...ids][0]).toMatch(/^orders-[0-9a-f]{16}$/);
  const { group } = town.at("b");
  if (!group) throw new Error("b has no group");
  await town.clock.run(group.propose(new TextEncoder().encode("x")));
  await town.until(() =>
    [...town.houses.values()].every(({ machine }) => machine?.texts[0] === "x"),
  );
});

test("nothing is founded while a first voter is missing, and the node says which", async () => {
  town = new Town(["a", "b", "c"]);
  const a = await town.find("a", list("a", "b", "c"));
  await town.find("b", list("a", "b", "c"));
  await expect(town.clock.run(a.finder.place({ timeout: "5s" }))).rejects.toMatchObject({
    code: "ERR_GROUP_UNDECIDED",
    retryable: true,
    details: { group: "orders", why: "all first voters; c did not answer yet" },
  });
  expect(a.finder.record).toBeUndefined();
});

test("nodes that are started again find their group on their disks, and need nobody to say so", async () => {
  await founded("a", "b", "c");
  const { id } = town.at("a").group ?? { id: "" };
  const disk = town.down("a");
  town.down("b");
  town.down("c");
  town.cluster.restart("a");
  const a = await town.find("a", list("a", "b", "c"), disk);
  const place = await town.clock.run(a.finder.place());
  expect(place).toEqual({ group: id, folder: `raft/${id}`, firstVoters: undefined });
});

test("a node that is not in the list joins as a newcomer, without founding anything", async () => {
  await founded("a", "b", "c");
  const { name } = town.cluster.add({ name: "d" });
  const d = await town.find(name, list("a", "b", "c"));
  const place = await town.clock.run(d.finder.place());
  expect(place.group).toBe(town.at("a").group?.id);
  expect(place.firstVoters).toBeUndefined();
  await town.until(() => town.at("a").finder.joined().has(d.id));
});

test("a wiped disk under an old name is a newcomer", async () => {
  await founded("a", "b", "c");
  town.down("c");
  await town.clock.advance(100);
  // Another id: it was on the disk.
  town.replace("c");
  const wiped = await town.find("c", list("a", "b", "c"), memoryStorage());
  const place = await town.clock.run(wiped.finder.place());
  expect(place.group).toBe(town.at("a").group?.id);
  expect(place.firstVoters).toBeUndefined();
});

test("a node whose record was removed and whose id was kept is refused: it may have voted", async () => {
  await founded("a", "b", "c");
  town.down("c");
  town.cluster.restart("c");
  const c = await town.find("c", list("a", "b", "c"), memoryStorage());
  await expect(town.clock.run(c.finder.place({ timeout: "5s" }))).rejects.toMatchObject({
    code: "ERR_GROUP_STUCK",
    message: expect.stringMatching(
      /is a member of the group orders-.*empty its whole data directory/,
    ),
  });
});

test("a log that was removed is noticed at the start", async () => {
  await founded("a", "b", "c");
  const { folder } = await town.clock.run(town.at("c").finder.place());
  const disk = town.down("c");
  for (const file of await disk.list(folder)) await disk.remove(file);
  town.cluster.restart("c");
  await expect(town.find("c", list("a", "b", "c"), disk)).rejects.toMatchObject({
    code: "ERR_GROUP_STUCK",
    message: expect.stringContaining(`was removed from ${folder}`),
  });
});

test("a disk of another node is refused", async () => {
  await founded("a", "b", "c");
  const disk = town.down("c");
  town.cluster.add({ name: "d" });
  await expect(town.find("d", others, disk)).rejects.toMatchObject({ code: "ERR_GROUP_STUCK" });
});

test("lists that differ found nothing, and say so", async () => {
  town = new Town(["a", "b", "c"]);
  const a = await town.find("a", list("a", "b", "c"));
  await town.find("b", list("a", "b"));
  await town.find("c", list("a", "b", "c"));
  await expect(town.clock.run(a.finder.place({ timeout: "5s" }))).rejects.toMatchObject({
    code: "ERR_GROUP_UNDECIDED",
  });
  expect(town.at("b").finder.standing()).toEqual({
    type: "stuck",
    why: expect.stringMatching(/the list of first voters is a, b here, and a, b, c at/),
  });
});

test("an operator founds the group at the first of its voters, and nowhere else", async () => {
  town = new Town(["a", "b", "c"]);
  for (const name of ["a", "b", "c"]) await town.find(name, others);
  const names = ["c", "a", "b"];
  expect(() => town.at("b").finder.found(names)).toThrow(/give the command at a/);
  expect(() => town.at("a").finder.found(["a", "a"])).toThrow(/"a" is listed twice/);
  expect(() => town.at("a").finder.found([])).toThrow(/is empty/);
  town.at("a").finder.found(names);
  const places = [];
  for (const { finder } of town.houses.values()) places.push(await town.clock.run(finder.place()));
  expect(new Set(places.map(({ group }) => group)).size).toBe(1);
  expect(places.map(({ firstVoters }) => firstVoters?.length)).toEqual([3, 3, 3]);
  // Said again it is done; another list is too late.
  town.at("a").finder.found(names);
  expect(() => town.at("a").finder.found(["a"])).toThrow(/belongs to orders-\w+ already/);
});

test("the disk refuses: nothing is promised, and whoever waits is told", async () => {
  town = new Town(["a"]);
  const disk = memoryStorage();
  disk.failOn("replace", "no space left");
  const a = await town.find("a", list("a"), disk);
  await expect(town.clock.run(a.finder.place())).rejects.toMatchObject({ code: "ERR_STORAGE" });
  expect(a.finder.record).toBeUndefined();
});

/** What an arbiter promises, in memory; it may lose answers. */
function arbiterWithLosses(losses: number): Arbiter & { asked: number } {
  const values = new Map<string, Uint8Array>();
  return {
    asked: 0,
    claim(key, value) {
      this.asked += 1;
      if (!values.has(key)) values.set(key, value);
      if (this.asked <= losses) return Promise.reject(new Error("the answer was lost"));
      return Promise.resolve(values.get(key) ?? value);
    },
  };
}

test.each([0, 3])(
  "of nodes that ask an arbiter one founds the group, also when %s answers are lost",
  async (losses) => {
    town = new Town(["a", "b", "c"]);
    const arbiter = arbiterWithLosses(losses);
    for (const name of ["a", "b", "c"]) await town.find(name, { type: "arbiter", arbiter });
    const places = [];
    for (const { finder } of town.houses.values())
      places.push(await town.clock.run(finder.place()));
    expect(new Set(places.map(({ group }) => group)).size).toBe(1);
    expect(places.filter(({ firstVoters }) => firstVoters?.length === 1)).toHaveLength(1);
    expect(places.filter(({ firstVoters }) => firstVoters === undefined)).toHaveLength(2);
  },
);

test("a key of an engine is an arbiter", async () => {
  town = new Town(["a"]);
  const engine = createMemoryEngine({ clock: town.clock });
  const arbiter = engineArbiter(engine);
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const answers = await town.clock.run(
    Promise.all(["x", "y", "x"].map((text) => arbiter.claim("orders", encode(text)))),
  );
  expect(answers.map((bytes) => new TextDecoder().decode(bytes))).toEqual(["x", "x", "x"]);
  await town.clock.run(engine.close());
});

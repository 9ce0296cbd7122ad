/** The keeper of voters on running groups: growth, deaths, departures, and what it says. */
import { afterEach, expect, test } from "@jest/globals";
import { keepVoters } from "../../../src/membership/keeper.js";
import type { FirstVoters } from "../../../src/membership/group-place.js";
import { Town, type House } from "./town.js";

const others: FirstVoters = { type: "others" };
const policy = { voters: 3, deadAfterMs: 20_000, supersededAfterMs: 2_000, changeIntervalMs: 500 };
let town: Town;

afterEach(() => town.close());

async function founded(
  names: readonly string[],
  voters: readonly string[],
  dryRun = false,
): Promise<void> {
  town = new Town(names);
  for (const name of names) {
    const firstVoters = voters.includes(name)
      ? ({ type: "voters", names: voters } as const)
      : others;
    await town.find(name, firstVoters);
  }
  for (const name of names) await town.open(town.at(name), { policy, dryRun });
  await town.until(() => town.leader !== undefined);
}

function votersNow(): readonly string[] {
  const { configuration } = town.leader?.group?.status() ?? {};
  const nameOf = (id: string): string =>
    town.cluster.nodes.find((node) => node.id === id)?.name ?? id;
  return configuration && configuration.outgoing.length === 0
    ? configuration.voters.map(nameOf).sort()
    : [];
}

test("one first voter becomes three voters as nodes come, and a fourth node stays one without a vote", async () => {
  await founded(["a", "b", "c", "d"], ["a"]);
  await town.until(() => votersNow().length === 3);
  await town.clock.advance(30_000);
  expect(votersNow()).toHaveLength(3);
  expect(votersNow()).toContain("a");
  expect(town.leader?.keeper?.decision).toMatchObject({ type: "none" });
});

test("two nodes have one voter: two would survive no more", async () => {
  await founded(["a", "b"], ["a"]);
  await town.clock.advance(30_000);
  expect(votersNow()).toEqual(["a"]);
});

test("a dead voter is replaced when its time has come, and not before", async () => {
  await founded(["a", "b", "c", "d"], ["a", "b", "c"]);
  const dead = [...town.houses.values()].find(
    (house) => house !== town.leader && house.name !== "d",
  ) as House;
  town.down(dead.name);
  await town.clock.advance(15_000);
  const { voters } = town.leader?.group?.status().configuration ?? {};
  expect(voters).toContain(dead.id);
  await town.until(() => {
    const now = town.leader?.group?.status().configuration.voters;
    return now?.length === 3 && now.includes(town.at("d").id) && !now.includes(dead.id);
  });
  const lines = town.leader?.logger.lines.map(
    ({ message, fields }) => `${message} ${JSON.stringify(fields)}`,
  );
  expect(lines?.join("\n")).toMatch(/will take the place of/);
});

test("a voter that will leave is replaced before it goes, and a leader hands over first", async () => {
  await founded(["a", "b", "c", "d"], ["a", "b", "c"]);
  const { name = "", id } = town.leader ?? {};
  town.cluster.drain(name);
  await town.until(() => {
    const status = town.leader?.group?.status();
    const voters = status?.configuration.voters ?? [];
    return id !== undefined && voters.length === 3 && !voters.includes(id);
  });
  expect(town.leader?.name).not.toBe(name);
  expect(votersNow()).toContain("d");
});

test("a node that has not joined the group is never added", async () => {
  await founded(["a", "b", "c"], ["a", "b", "c"]);
  town.cluster.add({ name: "guest" });
  const dead = [...town.houses.values()].find((house) => house !== town.leader) as House;
  town.down(dead.name);
  await town.clock.advance(60_000);
  const { configuration } = town.leader?.group?.status() ?? {};
  expect(configuration?.voters).toContain(dead.id);
  expect(configuration?.learners).toEqual([]);
  expect(town.leader?.keeper?.decision).toMatchObject({
    type: "none",
    why: expect.stringMatching(/is dead, and nobody can take its place/),
  });
});

test("a wiped disk under the name of a voter takes its place soon", async () => {
  await founded(["a", "b", "c"], ["a", "b", "c"]);
  const dead = [...town.houses.values()].find((house) => house !== town.leader) as House;
  await town.clock.advance(6_000);
  town.down(dead.name);
  await town.clock.advance(100);
  const id = town.replace(dead.name);
  const since = town.clock.now();
  const fresh = await town.find(dead.name, others);
  expect(fresh.id).toBe(id);
  await town.open(fresh, { policy });
  await town.until(() => {
    const now = town.leader?.group?.status().configuration.voters;
    return now?.length === 3 && now.includes(id) && !now.includes(dead.id);
  });
  expect(town.clock.now() - since).toBeLessThan(policy.deadAfterMs);
});

test("a dry run says what it would do, and does nothing", async () => {
  await founded(["a", "b", "c"], ["a"], true);
  await town.clock.advance(30_000);
  expect(votersNow()).toEqual(["a"]);
  expect(town.leader?.keeper?.decision).toMatchObject({
    type: "change",
    why: expect.stringMatching(
      /3 voters are possible, and there are 1: [bc] and [bc] will vote too/,
    ),
  });
  expect(
    town.leader?.logger.lines.some(({ message }) => message.includes("would be changed")),
  ).toBe(true);
});

test("a policy that cannot be is refused", async () => {
  await founded(["a"], ["a"]);
  const { group, finder } = town.at("a");
  if (!group) throw new Error("no group");
  const { membership } = town.cluster.node("a");
  const joined = () => finder.joined();
  for (const voters of [2, 4, 9]) {
    expect(() => keepVoters({ group, membership, joined, policy: { voters } })).toThrow(
      /1, 3, 5 or 7/,
    );
  }
});

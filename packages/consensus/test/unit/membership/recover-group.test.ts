/** A group whose quorum is lost goes on from one disk, with a warning and under a new id. */
import { afterEach, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { memoryStorage, seededRandom, type MemoryStorage } from "@foundation/core/testing";
import type { FirstVoters } from "../../../src/membership/group-place.js";
import {
  joinRecovered,
  planRecovery,
  recoverGroup,
} from "../../../src/membership/recover-group.js";
import { openDurableLog } from "../../../src/storage/durable-log.js";
import { Town, type House } from "./town.js";

const others: FirstVoters = { type: "others" };
const random = seededRandom("recovery");
let town: Town;

afterEach(() => town.close());

async function founded(...names: string[]): Promise<readonly House[]> {
  town = new Town(names);
  for (const name of names) await town.find(name, { type: "voters", names });
  const houses: House[] = [];
  for (const name of names) houses.push(await town.open(town.at(name)));
  await town.until(() => town.leader !== undefined);
  return houses;
}

async function propose(name: string, text: string): Promise<void> {
  const { group } = town.at(name);
  if (!group) throw new Error("no group");
  await town.clock.run(group.propose(new TextEncoder().encode(text)));
}

function textsAt(name: string): readonly string[] {
  return town.at(name).machine?.texts ?? [];
}

async function stopped(...names: string[]): Promise<readonly MemoryStorage[]> {
  const disks: MemoryStorage[] = [];
  for (const name of names) {
    await town.until(() => textsAt(name).length > 0);
    disks.push(town.down(name));
  }
  return disks;
}

const only = <T>(list: readonly T[], index = 0): T => {
  const item = list[index];
  if (item === undefined) throw new Error("it is not there");
  return item;
};

test("the plan says which entries are kept, who is gone for ever and what may be lost", async () => {
  const [a, b, c] = await founded("a", "b", "c");
  await propose("a", "x");
  const disk = only(await stopped("a", "b", "c"));
  const keep = [a?.id ?? ""] as NodeId[];
  const plan = await planRecovery({ storage: disk, name: "orders", keep });
  expect(plan.gone).toEqual([b?.id, c?.id].sort());
  expect(plan.lastIndex).toBeGreaterThanOrEqual(3);
  expect(plan.commit).toBeLessThanOrEqual(plan.lastIndex);
  const text = plan.words.join("\n");
  expect(text).toContain(`May be lost: whatever was acknowledged after entry ${plan.lastIndex}`);
  expect(text).toContain("must never start again with their old disks");
  expect(text).toContain("fencing tokens");
});

test("nothing is recovered without the confirmation of the plan for this state and these nodes", async () => {
  const [a] = await founded("a", "b", "c");
  await propose("a", "x");
  const storage = only(await stopped("a", "b", "c"));
  const keep = [a?.id ?? ""] as NodeId[];
  const before = await storage.list("");
  for (const confirm of ["", "yes", "000000000000"]) {
    const options = { storage, name: "orders", keep, confirm, random };
    await expect(recoverGroup(options)).rejects.toMatchObject({ code: "ERR_RECOVERY_REFUSED" });
  }
  expect(await storage.list("")).toEqual(before);
});

test("the new group has everything of the disk, another id, and one voter; the old voters join it empty", async () => {
  const [a] = await founded("a", "b", "c");
  for (const text of ["x", "y", "z"]) await propose("a", text);
  await town.until(() => textsAt("b").length === 3);
  const oldId = town.at("a").group?.id;
  const [disk] = await stopped("a", "b", "c");
  const storage = only([disk]);
  if (!storage || !a) throw new Error("no disk");
  const options = { storage, name: "orders", keep: [a.id] };
  const { confirmation } = await planRecovery(options);
  const { group } = await recoverGroup({ ...options, confirm: confirmation, random });
  expect(group).not.toBe(oldId);

  town.cluster.restart("a");
  const house = await town.open(await town.find("a", others, storage), { policy: { voters: 3 } });
  await town.until(() => town.leader?.name === "a");
  expect(house.group?.id).toBe(group);
  await propose("a", "after");
  expect(textsAt("a")).toEqual(["x", "y", "z", "after"]);

  for (const name of ["d", "e"]) {
    town.cluster.add({ name });
    await town.open(await town.find(name, others));
  }
  await town.until(() => (house.group?.status().configuration.voters.length ?? 0) === 3);
  await town.until(() => textsAt("e").length === 4);
  expect(textsAt("d")).toEqual(["x", "y", "z", "after"]);
});

test("an old voter that comes back is told that its group was replaced, and has no vote in the new one", async () => {
  const [a] = await founded("a", "b", "c");
  await propose("a", "x");
  const [disk, old] = await stopped("a", "b", "c");
  if (!disk || !old || !a) throw new Error("no disk");
  const options = { storage: disk, name: "orders", keep: [a.id] };
  const { confirmation } = await planRecovery(options);
  const { group } = await recoverGroup({ ...options, confirm: confirmation, random });
  town.cluster.restart("a");
  await town.open(await town.find("a", others, disk));
  await town.until(() => town.leader?.name === "a");

  town.cluster.restart("b");
  const back = await town.find("b", others, old);
  await town.until(() => back.finder.standing().type === "stuck");
  expect(back.finder.standing()).toEqual({
    type: "stuck",
    why: expect.stringContaining(`was replaced by ${group}`),
  });
  expect(town.at("a").group?.status().configuration.voters).toEqual([a.id]);
});

test("of two that are left of five, the one with the longer log is recovered and the other one joins it", async () => {
  const houses = await founded("a", "b", "c", "d", "e");
  await propose("a", "x");
  await town.until(() => houses.every(({ machine }) => machine?.texts.length === 1));
  const disks = await stopped("a", "b", "c", "d", "e");
  const [a, b] = houses;
  const [diskA, diskB] = disks;
  if (!a || !b || !diskA || !diskB) throw new Error("nobody is left");
  const keep = [a.id, b.id];
  const name = "orders";
  await expect(planRecovery({ storage: diskA, name, keep })).rejects.toMatchObject({
    message: expect.stringContaining(`what the log of ${b.id} holds`),
  });
  const ahead = { id: b.id, lastTerm: 9, lastIndex: 1 };
  await expect(planRecovery({ storage: diskA, name, keep, others: [ahead] })).rejects.toMatchObject(
    {
      message: expect.stringContaining("recover there"),
    },
  );
  const behind = [{ id: b.id, lastTerm: 1, lastIndex: 1 }];
  const options = { storage: diskA, name, keep, others: behind };
  const { confirmation, group: old } = await planRecovery(options);
  const { group } = await recoverGroup({ ...options, confirm: confirmation, random });
  await expect(
    joinRecovered({ storage: diskB, name, into: group, confirm: "?" }),
  ).rejects.toMatchObject({ code: "ERR_RECOVERY_REFUSED" });
  await joinRecovered({ storage: diskB, name, into: group, confirm: old });

  for (const [name, disk] of [
    ["a", diskA],
    ["b", diskB],
  ] as const) {
    town.cluster.restart(name);
    await town.open(await town.find(name, others, disk));
  }
  await town.until(() => town.leader?.group?.status().configuration.voters.length === 2);
  await propose("b", "y");
  expect(textsAt("b")).toEqual(["x", "y"]);
});

test("a majority that is left needs no recovery, and a stranger cannot be kept", async () => {
  const [a, b] = await founded("a", "b", "c");
  await propose("a", "x");
  const storage = only(await stopped("a", "b", "c"));
  if (!a || !b) throw new Error("nobody");
  const refused = (keep: readonly NodeId[]): Promise<unknown> => {
    return planRecovery({ storage, name: "orders", keep });
  };
  await expect(refused([a.id, b.id])).rejects.toMatchObject({
    message: expect.stringContaining("start them, and nothing is lost"),
  });
  await expect(refused([b.id])).rejects.toMatchObject({ code: "ERR_RECOVERY_REFUSED" });
  const stranger = "f".repeat(32) as NodeId;
  await expect(refused([a.id, stranger])).rejects.toMatchObject({ code: "ERR_RECOVERY_REFUSED" });
  await expect(
    planRecovery({ storage: memoryStorage(), name: "orders", keep: [a.id] }),
  ).rejects.toMatchObject({ message: expect.stringContaining("belongs to no group of that name") });
});

test("a snapshot and the entries behind it are carried over, byte for byte", async () => {
  const [a] = await founded("a", "b", "c");
  for (let i = 0; i < 20; i += 1) await propose("a", `entry ${i}`);
  const storage = only(await stopped("a", "b", "c"));
  if (!a) throw new Error("nobody");
  const keep = [a.id];
  const facts = await planRecovery({ storage, name: "orders", keep });
  const folder = `raft/${facts.group}`;
  const log = await openDurableLog({ storage, folder, group: facts.group });
  const index = facts.commit - 5;
  const bytes = new Uint8Array(700_000).map((_, i) => i % 251);
  const writer = log.createSnapshot();
  await writer.write(bytes);
  const { configuration } = facts;
  const term = log.termAt(index) ?? 0;
  await log.installSnapshot(writer, { id: "s", index, term, configuration });
  await log.compact(index - 3);
  await log.close();

  const options = { storage, name: "orders", keep };
  const { confirmation, lastIndex } = await planRecovery(options);
  const { group } = await recoverGroup({ ...options, confirm: confirmation, random });
  const made = await openDurableLog({ storage, folder: `raft/${group}`, group });
  const reader = made.openSnapshot();
  expect(reader?.sizeBytes).toBe(bytes.length);
  expect(await reader?.read(600_000, 1_000)).toEqual(bytes.slice(600_000, 601_000));
  await reader?.close();
  expect(made.lastIndex).toBe(lastIndex + 1);
  expect(made.hardState.commit).toBe(lastIndex + 1);
  const [entry] = await made.read(lastIndex + 1);
  expect(entry).toMatchObject({ type: "configuration", configuration: { voters: keep } });
  await made.close();
});

/** Scenario: a script against a World, and the sentences that all scenarios share. */
import assert from "node:assert/strict";
import type { Duration } from "@foundation/core";
import { unbalanced } from "../books.js";
import type { Capability, NodeControl, World } from "../world.js";

export interface Scenario {
  /** A sentence about what is promised. */
  readonly name: string;
  /** Without these a world leaves it out, with that as the reason. */
  readonly needs: readonly Capability[];
  play(world: World): Promise<void>;
}

export const trio = ["n1", "n2", "n3"] as const;
export const ledgers = ["ann", "bob", "cid", "dora", "eve", "fay"] as const;

/** How fast a cluster forms is measured elsewhere; a machine with six times the work must not fail here. */
const formWithin = "60s";

/** Starts nodes and waits until each lists exactly these, alive. */
export async function form(world: World, names: readonly string[]): Promise<NodeControl[]> {
  const nodes = await Promise.all(names.map((name) => world.start(name)));
  await world.eventually(() => allList(nodes), formWithin);
  return nodes;
}

/** Starts the ledger under each of the names, from the first node, and waits until all nodes know all of it. */
export async function startLedgers(world: World, nodes: readonly NodeControl[]): Promise<void> {
  for (const name of ledgers) {
    const outcome = await first(nodes).startProcess(name);
    assert.equal(outcome.code, "ok", `${name} starts: ${outcome.message}`);
  }
  await world.eventually(() => oneInstanceEach(nodes), formWithin);
}

/** Three nodes with a ledger under each name, which all of them call without end. */
export async function busyTrio(world: World, everyMs = 10): Promise<NodeControl[]> {
  const nodes = await form(world, trio);
  await startLedgers(world, nodes);
  for (const node of nodes) await node.work(ledgers, { everyMs });
  return nodes;
}

export function first(nodes: readonly NodeControl[]): NodeControl {
  const [node] = nodes;
  assert.ok(node, "there is a node");
  return node;
}

/** True when each of these nodes lists exactly these nodes with these boots, alive. */
export async function allList(nodes: readonly NodeControl[]): Promise<true | string> {
  const expected = nodes.map(({ name, key }) => `${name} ${key} alive`).toSorted();
  for (const node of nodes) {
    const listed = (await node.members()).map(
      ({ name, id, boot, status }) => `${name} ${id.slice(0, 8)}/${boot.slice(-10)} ${status}`,
    );
    if (listed.toSorted().join() !== expected.join()) {
      return `${node.name} lists ${listed.toSorted().join(", ")} and not ${expected.join(", ")}`;
    }
  }
  return true;
}

/** True when a node lists exactly these names, whatever their state. */
export async function lists(node: NodeControl, names: readonly string[]): Promise<true | string> {
  const listed = (await node.members()).map(({ name }) => name).toSorted();
  const same = listed.join() === [...names].toSorted().join();
  return same || `${node.name} lists ${listed.join(", ")} and not ${names.join(", ")}`;
}

/** True when every name is answered by one and the same instance on all nodes, and no other runs. */
export async function oneInstanceEach(nodes: readonly NodeControl[]): Promise<true | string> {
  const instances = new Set<string>();
  for (const name of ledgers) {
    const answers = new Set(await Promise.all(nodes.map((node) => node.whoServes(name))));
    const [answer = ""] = answers;
    if (answers.size !== 1 || answer.startsWith("ERR_")) {
      return `${name} is answered by ${[...answers].join(" and ")}`;
    }
    instances.add(answer);
  }
  const running = await Promise.all(nodes.map((node) => node.processes()));
  const total = running.reduce((sum, count) => sum + count, 0);
  if (total !== instances.size) return `${instances.size} names, but ${total} processes run`;
  return true;
}

/** Every node can call every name. */
export async function allServe(nodes: readonly NodeControl[]): Promise<true | string> {
  for (const node of nodes) {
    const outcomes = await Promise.all(ledgers.map((name) => node.call(name)));
    const failed = outcomes.find(({ code }) => code !== "ok");
    if (failed) return `${failed.id} of ${node.name} ended ${failed.code}: ${failed.message}`;
  }
  return true;
}

/** Each publishes once, and each gets all of it. */
export async function allHear(world: World, nodes: readonly NodeControl[]): Promise<void> {
  const ids = await Promise.all(nodes.map((node) => node.publish()));
  await world.eventually(async () => {
    for (const node of nodes) {
      const received = await node.received();
      const missed = ids.find((id) => !received.includes(id));
      if (missed !== undefined) return `${node.name} did not get ${missed}`;
    }
    return true;
  }, "5s");
}

/** Ends all work; then no call may be reported as done that did not run, or run twice. */
export async function balance(world: World, nodes: readonly NodeControl[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.rest()));
  assert.deepEqual(unbalanced(await world.outcomes(), await world.ledger()), []);
}

/** All is well: everybody lists, serves and hears everybody, there is one of each name, and the books balance. */
export async function allWell(
  world: World,
  nodes: readonly NodeControl[],
  listedWithin: Duration = "20s",
): Promise<void> {
  await world.eventually(() => allList(nodes), listedWithin);
  await world.eventually(() => oneInstanceEach(nodes), "20s");
  await balance(world, nodes);
  await world.eventually(() => allServe(nodes), "20s");
  await world.eventually(() => oneInstanceEach(nodes), "20s");
  await allHear(world, nodes);
  await balance(world, nodes);
}

/** How many calls of all nodes ended well so far. */
export async function done(nodes: readonly NodeControl[]): Promise<number> {
  const all = await Promise.all(nodes.map((node) => node.outcomes()));
  return all.flat().filter(({ code }) => code === "ok").length;
}

/** Waits until so many more calls of every one of these nodes have ended well. */
export async function moreDone(
  world: World,
  nodes: readonly NodeControl[],
  count: number,
  within: Duration,
): Promise<void> {
  const before = await Promise.all(nodes.map((node) => done([node])));
  await world.eventually(async () => {
    for (const [i, node] of nodes.entries()) {
      const more = (await done([node])) - (before[i] ?? 0);
      if (more < count) return `${more} of ${count} calls of ${node.name} went through`;
    }
    return true;
  }, within);
}

/** Who was told to be dead or gone, by these nodes: `n1: node-down n2`. */
export async function deathsTold(nodes: readonly NodeControl[]): Promise<readonly string[]> {
  const told = await Promise.all(
    nodes.map(async (node) =>
      (await node.events())
        .filter(({ type }) => type === "node-down" || type === "node-left")
        .map(({ type, name }) => `${node.name}: ${type} ${name}`),
    ),
  );
  return told.flat();
}

/** The node whose boot the instance of a name belongs to. */
export async function ownerOf(name: string, nodes: readonly NodeControl[]): Promise<NodeControl> {
  const instance = await first(nodes).whoServes(name);
  const owner = nodes.find(({ key }) => instance.startsWith(key));
  assert.ok(owner, `${name} is served by ${instance}, a node of this cluster`);
  return owner;
}

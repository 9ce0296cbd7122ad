/**
 * Partitions that nobody tells of: packets vanish. Each side gives the other up, serves alone what it can, and after the
 * heal there is one of everything again.
 */
import assert from "node:assert/strict";
import type { Scenario } from "./scenario.js";
import {
  allHear,
  allList,
  allServe,
  allWell,
  balance,
  busyTrio,
  deathsTold,
  form,
  ledgers,
  lists,
  oneInstanceEach,
  ownerOf,
  startLedgers,
  trio,
} from "./scenario.js";
import type { NodeControl, World } from "../world.js";

/** A silent peer is suspected after a probe period and down after its suspicion; alone there are no confirmations. */
const givenUpWithin = "40s";
const healedWithin = "40s";

/** Two on one side, one on the other; both go on serving every name. */
export const majorityAndMinority: Scenario = {
  name: "a partition 2|1: both sides serve every name, and after the heal there is one of each",
  needs: ["partition"],
  play: async (world) => {
    const nodes = await busyTrio(world, 50);
    await split(world, nodes, [["n1", "n2"], ["n3"]]);
    await allWell(world, nodes, healedWithin);
  },
};

/** Nobody sees anybody. */
export const everyoneAlone: Scenario = {
  name: "a partition 1|1|1: each serves alone, and after the heal there is one of each",
  needs: ["partition"],
  play: async (world) => {
    const nodes = await busyTrio(world, 50);
    await split(world, nodes, [["n1"], ["n2"], ["n3"]]);
    await allWell(world, nodes, healedWithin);
  },
};

/**
 * Only one direction is cut. TCP needs both, so the two ends must not stay members of different clusters once it heals;
 * meanwhile the third node links them and nobody who answers it is dead.
 */
export const oneWay: Scenario = {
  name: "a one-way cut n1 > n2: n3 still vouches for both, nobody is declared dead, calls resume",
  needs: ["one-way"],
  play: async (world) => {
    const nodes = await busyTrio(world, 50);
    await world.cut(["n1"], ["n2"]);
    const [n1, n2, n3] = nodes as [NodeControl, NodeControl, NodeControl];
    const id = await n1.publish();
    await world.run("8s");
    assert.ok((await n3.received()).includes(id), "n3 hears n1");
    assert.ok(!(await n2.received()).includes(id), "the cut bites: n2 does not");
    await world.eventually(async () => {
      for (const node of nodes) {
        const all = await lists(node, trio);
        if (all !== true) return all;
      }
      return true;
    }, "2s");
    await world.heal();
    await allWell(world, nodes, healedWithin);
    assert.deepEqual(await deathsTold(nodes), []);
  },
};

/** What it says is lost, what it hears is not: to the others it is as silent as the dead. */
export const mute: Scenario = {
  name: "a node that hears and is not heard is given up by the others, and is one of them after the heal",
  needs: ["one-way"],
  play: async (world) => {
    const nodes = await busyTrio(world, 50);
    await world.cut(["n1"], ["n2", "n3"]);
    const others = nodes.filter(({ name }) => name !== "n1");
    await world.eventually(() => allList(others), givenUpWithin);
    await world.eventually(() => allServe(others), "15s");
    await world.heal();
    await allWell(world, nodes, healedWithin);
  },
};

/** A host goes off: no reset, no refusal, nothing. */
export const silentDeath: Scenario = {
  name: "a node that dies without a sign is given up within 12 s, and what it owned is served again",
  needs: ["partition", "kill"],
  play: async (world) => {
    const nodes = await form(world, trio);
    await startLedgers(world, nodes);
    const owner = await ownerOf(ledgers[0], nodes);
    const survivors = nodes.filter((node) => node !== owner);
    for (const node of survivors) await node.work(ledgers, { everyMs: 50 });
    await world.partition(
      [owner.name],
      survivors.map(({ name }) => name),
    );
    await world.kill(owner.name);
    await world.eventually(() => allList(survivors), "12s");
    await world.eventually(() => allServe(survivors), "10s");
    await balance(world, survivors);
    await world.eventually(() => oneInstanceEach(survivors), "10s");
  },
};

async function split(
  world: World,
  nodes: readonly NodeControl[],
  groups: readonly (readonly string[])[],
): Promise<void> {
  await world.partition(...groups);
  const sides = groups.map((group) => nodes.filter(({ name }) => group.includes(name)));
  for (const side of sides) await world.eventually(() => allList(side), givenUpWithin);
  for (const side of sides) {
    await world.eventually(() => allServe(side), "15s");
    await allHear(world, side);
  }
  await world.heal();
}

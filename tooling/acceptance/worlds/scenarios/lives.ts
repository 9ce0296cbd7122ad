/** What happens to whole nodes without violence: they leave, stand still, come back elsewhere, or were never welcome. */
import assert from "node:assert/strict";
import type { Scenario } from "./scenario.js";
import {
  allList,
  allServe,
  allWell,
  balance,
  busyTrio,
  deathsTold,
  form,
  ledgers,
  moreDone,
  oneInstanceEach,
  ownerOf,
  startLedgers,
  trio,
} from "./scenario.js";

/** The owner of names leaves while everybody calls them. */
export const leave: Scenario = {
  name: "a graceful leave under load: no call is unknown or lost, the others hear node-left, not node-down",
  needs: [],
  play: async (world) => {
    const nodes = await form(world, trio);
    await startLedgers(world, nodes);
    const owner = await ownerOf(ledgers[0], nodes);
    const staying = nodes.filter((node) => node !== owner);
    for (const node of staying) await node.work(ledgers);
    await moreDone(world, staying, 20, "10s");
    await world.stop(owner.name);
    await world.eventually(() => allList(staying), "10s");
    await moreDone(world, staying, 20, "10s");
    await balance(world, staying);
    const unknown = (await world.outcomes()).filter(({ code }) => code === "ERR_OUTCOME_UNKNOWN");
    assert.deepEqual(unknown, []);
    const left = staying.map(({ name }) => `${name}: node-left ${owner.name}`);
    assert.deepEqual(await deathsTold(staying), left);
    await world.eventually(() => oneInstanceEach(staying), "10s");
    await world.eventually(() => allServe(staying), "10s");
  },
};

/** Its farewell reaches nobody and its connections close late; its data must be free all the same. */
export const leaveCutOff: Scenario = {
  name: "a node that leaves while it is cut off can be started again at once, and is a member after the heal",
  needs: ["partition"],
  play: async (world) => {
    const nodes = await busyTrio(world, 50);
    await world.partition(["n1"], ["n2", "n3"]);
    await world.run("500ms");
    await world.stop("n1");
    const restarted = await world.restart("n1");
    await world.heal();
    const again = [restarted, ...nodes.filter(({ name }) => name !== "n1")];
    await allWell(world, again);
  },
};

export const pause: Scenario = {
  name: "a node that stands still for 3 s is not declared dead, and nothing runs twice",
  needs: ["pause"],
  play: async (world) => {
    const nodes = await busyTrio(world);
    await moreDone(world, nodes, 20, "10s");
    const paused = await ownerOf(ledgers[0], nodes);
    await world.pause(paused.name);
    await world.run("3s");
    await world.resume(paused.name);
    await moreDone(world, nodes, 20, "15s");
    assert.deepEqual(await deathsTold(nodes), []);
    await world.eventually(() => allList(nodes), "10s");
    await balance(world, nodes);
    await world.eventually(() => oneInstanceEach(nodes), "10s");
    await balance(world, nodes);
  },
};

export const newAddress: Scenario = {
  name: "a node that comes back with its id at a new address is a member again, and its old boot is nobody",
  needs: ["kill"],
  play: async (world) => {
    const nodes = await form(world, trio);
    await startLedgers(world, nodes);
    const staying = nodes.filter(({ name }) => name !== "n3");
    const addressOf = async (name: string) =>
      (await nodes[0]?.members())?.find((member) => member.name === name)?.address;
    const before = await addressOf("n3");
    await world.kill("n3");
    const restarted = await world.restart("n3");
    const again = [...staying, restarted];
    const idOf = (key: string | undefined) => key?.split("/")[0];
    assert.equal(idOf(restarted.key), idOf(nodes.find(({ name }) => name === "n3")?.key));
    await world.eventually(() => allList(again), "20s");
    assert.notEqual(await addressOf("n3"), before);
    await allWell(world, again);
  },
};

export const wrongSecret: Scenario = {
  name: "a node with another secret is refused, both sides say which setting to change, nobody is disturbed",
  needs: [],
  play: async (world) => {
    const nodes = await form(world, ["n1", "n2"]);
    await startLedgers(world, nodes);
    for (const node of nodes) await node.work(ledgers);
    const stranger = await world.start("n3", { secret: "a secret that no other node has" });
    for (const node of [stranger, ...nodes]) {
      await world.eventually(async () => {
        const advice = (await node.advice()).join("\n");
        return /ERR_WRONG_SECRET/.test(advice) || `${node.name} advises: ${advice}`;
      }, "10s");
    }
    assert.match((await stranger.advice()).join("\n"), /FOUNDATION_SECRET/);
    assert.equal((await stranger.members()).length, 1);
    await moreDone(world, nodes, 20, "10s");
    assert.equal(await allList(nodes), true);
    await balance(world, nodes);
    const refused = (await world.outcomes()).filter(({ code }) => code !== "ok");
    assert.deepEqual(refused, []);
  },
};

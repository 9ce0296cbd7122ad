/** A node dies for certain, with everything it was doing. */
import assert from "node:assert/strict";
import type { Scenario } from "./scenario.js";
import {
  allList,
  allServe,
  balance,
  busyTrio,
  first,
  ledgers,
  moreDone,
  oneInstanceEach,
  ownerOf,
} from "./scenario.js";

/** Seconds from the kill until every survivor's calls go through again. */
const failoverMsMax = 10_000;

/** An owner of names dies under calls from everybody. */
export const kill: Scenario = {
  name: "a killed owner is replaced under load: nothing reported done is lost, nothing runs twice",
  needs: ["kill"],
  play: async (world) => {
    const nodes = await busyTrio(world);
    await moreDone(world, nodes, 20, "10s");
    const owner = await ownerOf(ledgers[0], nodes);
    const survivors = nodes.filter((node) => node !== owner);
    const killedMs = world.now();
    await world.kill(owner.name);
    await world.eventually(() => allList(survivors), "10s");
    await moreDone(world, survivors, 20, "10s");
    const failoverMs = world.now() - killedMs;
    assert.ok(failoverMs <= failoverMsMax, `serving again after ${failoverMs} ms`);
    await balance(world, survivors);
    await world.eventually(() => oneInstanceEach(survivors), "10s");
    await world.eventually(() => allServe(survivors), "10s");
    for (const name of ledgers) {
      const instance = await first(survivors).whoServes(name);
      assert.ok(!instance.startsWith(owner.key), `${name} is not served by the dead`);
    }
    await balance(world, survivors);
  },
};

import assert from "node:assert/strict";
import { test } from "@jest/globals";
import { forEachSeed } from "@foundation/foundation/testing";
import { startLikes } from "../../src/likes.js";

test("whatever goes wrong, no like counts twice, and in the end all nodes agree", () =>
  forEachSeed({ seeds: 10, nodes: 3, faults: "all", app: startLikes }, async (sim) => {
    let likes = 0;
    const totals = () => sim.nodes.map((node) => (node.state === "up" ? node.app.total() : 0));
    sim.check("no like counts twice", () => Math.max(...totals()) <= likes);
    for (let round = 0; round < 20; round += 1) {
      for (const node of sim.nodes.filter(({ state }) => state === "up")) {
        likes += 1;
        node.within(({ app }) => app.like());
      }
      await sim.run("500ms");
    }
    sim.heal();
    await sim.formed({ within: "60s" });
    await sim.eventually(() => assert.equal(new Set(totals()).size, 1));
  }));

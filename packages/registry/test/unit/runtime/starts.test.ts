import { afterEach, describe, expect, test } from "@jest/globals";
import { defineProcess, localPlacement, pinned } from "@foundation/core";
import { codeOf, counter, other, runningAt, world, type World } from "./world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const never = defineProcess({
  name: "starts.never",
  init: () => new Promise<object>(() => undefined),
});

const loud = defineProcess({
  name: "starts.loud",
  init: (args: { ballast: string }) => args,
  call: {
    crash: () => {
      throw new Error("x".repeat(100_000));
    },
  },
});

describe("a start", () => {
  test("whose init never returns holds up neither close nor a drain, and its caller is told", async () => {
    const w = await start(2);
    for (const [place, end] of [
      [0, () => w.at(0).registry.drain({ timeout: "1h" })],
      [1, () => w.at(1).registry.close()],
    ] as const) {
      const options = {
        name: `n${place}`,
        distribute: true,
        placement: localPlacement(),
        timeout: "1h",
      } as const;
      const started = codeOf(w.at(place).registry.startProcess(never, undefined, options));
      await w.advance(10);
      const began = w.clock.now();
      await w.run(end());
      expect(w.clock.now() - began).toBeLessThanOrEqual(5_000);
      expect(await w.run(started)).toBe("ERR_NO_PROCESS");
      expect(w.at(place).kernel.list()).toEqual([]);
    }
  });

  test("whose name cannot be published leaves no process behind", async () => {
    const w = await start(1);
    const { registry, kernel } = w.at(0);
    const meta = "x".repeat(70_000);
    for (const distribute of [false, true]) {
      const options = { name: "n", meta, distribute };
      const refused = registry.startProcess(other, undefined, options);
      expect(await codeOf(w.run(refused))).toBe("ERR_VALUE_TOO_LARGE");
      expect(kernel.list()).toEqual([]);
      expect(registry.children()).toEqual([]);
    }
    await w.run(registry.startProcess(other, undefined, { name: "n", distribute: true }));
  });

  test("on a node that has not heard of the stop before it outlives the news of that", async () => {
    const w = await start(3, { detectionMs: 1_000 });
    const { registry } = w.at(0);
    const on = (place: number) => {
      return { name: "n", distribute: true, on: w.at(place).port.id } as const;
    };
    w.cluster.partition([2]);
    await w.advance(2_000);
    await w.run(registry.startProcess(counter, { from: 1 }, on(1)));
    await w.run(registry.process(counter, "n").stop());
    await w.advance(100);
    w.cluster.heal();
    // It is a member again, and what it missed has not come yet.
    while (!w.at(0).port.membership.member(w.at(2).port.id)) await w.advance(1);
    await w.run(registry.startProcess(counter, { from: 2 }, on(2)));
    await w.advance(60_000);
    expect(runningAt(w, "n")).toEqual([2]);
    expect(await w.run(registry.process(counter, "n").call("total"))).toBe(2);
  });

  test("of a name that was started from here, and stopped elsewhere, is not refused", async () => {
    const w = await start(3);
    const [here, there] = [w.at(0).registry, w.at(2).registry];
    const options = { name: "n", distribute: true, placement: pinned(w.at(1).port.id) } as const;
    for (const advanceMs of [1_000, 0]) {
      await w.run(here.startProcess(counter, { from: 1 }, options));
      await w.advance(10);
      await w.run(there.process(counter, "n").stop());
      await w.advance(advanceMs + 50);
      expect(here.lookup("n")).toBeUndefined();
    }
    await w.run(here.startProcess(counter, { from: 2 }, options));
    expect(await w.run(here.process(counter, "n").call("total"))).toBe(2);
  });

  test("resolves when the others were sent the child, so that its node may die the moment after", async () => {
    const w = await start(3);
    const options = { name: "n", distribute: true, placement: pinned(w.at(0).port.id) } as const;
    const started = w.at(0).registry.startProcess(counter, { from: 7 }, options);
    let died = false;
    void started.then(() => {
      died = true;
      w.cluster.down(0);
    });
    await w.advance(1_000);
    expect(died).toBe(true);
    expect(runningAt(w, "n")).toHaveLength(1);
    expect(await w.run(w.at(1).registry.process(counter, "n").call("total"))).toBe(7);
  });
});

describe("a child that is given up", () => {
  test("is marked as failed, however large its arguments and its error are", async () => {
    const w = await start(2);
    const { registry } = w.at(0);
    const ballast = "b".repeat(65_000);
    const options = { name: "n", distribute: true } as const;
    const ref = await w.run(registry.startProcess(loud, { ballast }, options));
    for (let times = 0; times < 4; times++) {
      await codeOf(w.run(ref.call("crash")));
      await w.advance(10);
    }
    await w.advance(30_000);
    expect(runningAt(w, "n")).toEqual([]);
    for (const node of w.nodes) {
      expect(node.registry.children()).toMatchObject([{ identity: "n", state: "failed" }]);
    }
  });
});

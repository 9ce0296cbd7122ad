import { afterEach, describe, expect, test } from "@jest/globals";
import { defineProcess, pinned } from "@foundation/core";
import { counter, journal, runningAt, world, type World } from "../runtime/world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const at = (w: World, place: number) => pinned(w.at(place).port.id);

const stubborn = defineProcess({
  name: "drain.stubborn",
  init: () => ({ count: 0 }),
  call: {
    spoil: ({ state }) => {
      (state as { bad?: unknown }).bad = () => 0;
    },
    hang: () => new Promise<void>(() => undefined),
    count: ({ state }) => state.count,
  },
  cast: {
    count: ({ state }) => {
      state.count += 1;
    },
  },
});

describe("a drain", () => {
  test("moves a hundred children with their state, while calls to them go on, and none fails", async () => {
    const w = await start(3, { latencyMs: 2 });
    const names = Array.from({ length: 100 }, (_, index) => `c${index}`);
    const options = { distribute: true, placement: at(w, 1) } as const;
    await w.run(
      Promise.all(
        names.map((name, from) =>
          w.at(1).registry.startProcess(counter, { from }, { ...options, name }),
        ),
      ),
    );
    await w.advance(300);
    journal.length = 0;
    const calls: Promise<number>[] = [];
    const callAll = (places: readonly number[]) => {
      for (const name of names) {
        for (const place of places) {
          calls.push(w.at(place).registry.process(counter, name).call("add", 1));
        }
      }
    };
    callAll([0, 1, 2]);
    w.cluster.drain(1);
    const drained = w.at(1).registry.drain();
    let isDrained = false;
    void drained.then(() => {
      isDrained = true;
    });
    for (let round = 0; !isDrained; round++) {
      if (round % 4 === 0) callAll([0, 2]);
      await w.advance(1);
    }
    // Nobody calls a node that has said goodbye; what was sent before is answered.
    callAll([0, 2]);
    await w.run(w.at(1).registry.close());
    w.cluster.leave(1);
    callAll([0, 2]);
    await w.run(Promise.all(calls));
    expect(calls.length).toBeGreaterThan(1_000);
    expect(journal).toHaveLength(calls.length);
    for (const [from, name] of names.entries()) {
      expect(runningAt(w, name)).toHaveLength(1);
      expect(runningAt(w, name)).not.toEqual([1]);
      const total = await w.run(w.at(0).registry.process(counter, name).call("total"));
      expect(total).toBe(from + calls.length / names.length);
    }
  }, 30_000);

  test("starts anew elsewhere what cannot be moved, and says that its state is lost", async () => {
    const w = await start(2);
    const options = { name: "s", distribute: true, placement: at(w, 1) } as const;
    const ref = await w.run(w.at(1).registry.startProcess(stubborn, undefined, options));
    ref.cast("count");
    await w.run(ref.call("spoil"));
    w.cluster.drain(1);
    await w.run(w.at(1).registry.drain());
    expect(runningAt(w, "s")).toEqual([0]);
    expect(await w.run(w.at(0).registry.process(stubborn, "s").call("count"))).toBe(0);
    const warned = w.at(1).runtime.logger.lines.filter(({ level }) => level === "warn");
    expect(warned).toMatchObject([
      {
        message: "Children could not be moved with their state; they start anew elsewhere",
        fields: { count: 1, identities: ["s"] },
      },
    ]);
  });

  test("is not held up for ever by a handler that never ends", async () => {
    const w = await start(2);
    const options = { name: "s", distribute: true, placement: at(w, 1) } as const;
    const ref = await w.run(w.at(1).registry.startProcess(stubborn, undefined, options));
    ref.call("hang").catch(() => undefined);
    await w.advance(10);
    w.cluster.drain(1);
    const before = w.clock.now();
    await w.run(w.at(1).registry.drain({ timeout: "20s" }));
    expect(w.clock.now() - before).toBeLessThanOrEqual(20_000);
    expect(runningAt(w, "s")).toEqual([0]);
  });

  test("lets a temporary child live on: to be moved is no end", async () => {
    const w = await start(2);
    const options = { name: "t", distribute: true, restart: "temporary" } as const;
    const placed = { ...options, placement: at(w, 1) };
    await w.run(w.at(1).registry.startProcess(counter, { from: 8 }, placed));
    w.cluster.drain(1);
    await w.run(w.at(1).registry.drain());
    expect(runningAt(w, "t")).toEqual([0]);
    expect(await w.run(w.at(0).registry.process(counter, "t").call("total"))).toBe(8);
  });
});

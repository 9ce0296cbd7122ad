/** Entries under a session, while answers are lost and puts are applied late. */
import { expect, test } from "@jest/globals";
import { coreErrors } from "@foundation/core";
import { memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createMemoryEngine, type Engine } from "../../../../src/index.js";
import { rangeOf } from "../../../../src/engine/engine.js";
import { Session } from "../../../../src/recipes/sessions/session.js";
import { recipeWorld } from "../../../../src/recipes/world.js";

const never = new AbortController().signal;

function unknown(): Error {
  const details = { reason: "connection-lost", target: "engine" } as const;
  return coreErrors.ERR_OUTCOME_UNKNOWN("no answer", details);
}

/** `next` decides on the next transaction: whether it runs now, and whether its answer arrives. */
function rig() {
  const clock = virtualClock();
  const store = createMemoryEngine({ clock });
  const held: (() => Promise<unknown>)[] = [];
  const plan: ("late" | "unanswered")[] = [];
  const engine: Engine = {
    ...store,
    grantLease: (ttlMs) => store.grantLease(ttlMs),
    keepLease: (id) => store.keepLease(id),
    watch: (range, options) => store.watch(range, options),
    async txn(transaction) {
      const fate = plan.shift();
      if (fate === "late") held.push(() => store.txn(transaction));
      else {
        const answer = await store.txn(transaction);
        if (fate === undefined) return answer;
      }
      throw unknown();
    },
  };
  const world = recipeWorld(engine, { runtime: memoryRuntime({ clock }) });
  const keys = async () => {
    const { results } = await store.txn({ then: [{ type: "range", ...rangeOf("q/") }] });
    return results[0]?.type === "range" ? results[0].pairs.length : -1;
  };
  return { clock, world, plan, held, keys };
}

const value = new Uint8Array(1);

test("an entry whose put was applied without an answer is there once, with its own revision", async () => {
  const { clock, world, plan, keys } = rig();
  const session = await Session.open(world, 5_000);
  plan.push("unanswered");
  const entry = session.entry("q/");
  const around = await clock.run(entry.put(value, rangeOf("q/"), never));
  expect(await keys()).toBe(1);
  expect(around.others).toEqual([]);
  expect(around.createRevision).toBeLessThanOrEqual(around.revision);
  await clock.run(entry.leave());
  expect(await keys()).toBe(0);
});

test("a put that is applied after its entry was taken away puts nothing", async () => {
  const { clock, world, plan, held, keys } = rig();
  const session = await Session.open(world, 5_000);
  const gaveUp = new AbortController();
  plan.push("late");
  const entry = session.entry("q/");
  const putting = entry.put(value, rangeOf("q/"), gaveUp.signal);
  gaveUp.abort(new Error("no patience"));
  await expect(clock.run(putting)).rejects.toThrow("no patience");
  await clock.run(entry.leave());
  for (const apply of held) await apply();
  expect(held).toHaveLength(1);
  expect(await keys()).toBe(0);
});

test("entries of a session go on after another one of it was taken away while in doubt", async () => {
  const { clock, world, plan, keys } = rig();
  const session = await Session.open(world, 5_000);
  plan.push("late");
  const first = session.entry("q/");
  await clock.run(first.put(value, rangeOf("q/"), never));
  await clock.run(first.leave());
  const second = session.entry("q/");
  await clock.run(second.put(value, rangeOf("q/"), never));
  expect(await keys()).toBe(1);
});

test("what is attached to a lease that has ended is refused, and the session knows", async () => {
  const { clock, world } = rig();
  const session = await Session.open(world, 1_000);
  await clock.advance(1_001);
  const putting = session.entry("q/").put(value, rangeOf("q/"), never);
  await expect(clock.run(putting)).rejects.toMatchObject({ code: "ERR_LEASE_LOST" });
  expect(session.isAlive).toBe(false);
});

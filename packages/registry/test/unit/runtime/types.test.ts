/** The types are part of the contract: each `@ts-expect-error` below fails the type check if it compiles. */
import { describe, expect, test } from "@jest/globals";
import { defineProcess } from "@foundation/core";
import type { ClusterRef, Registry } from "../../../src/index.js";

const typed = defineProcess({
  name: "types.counter",
  init: (args: { from: number }) => ({ total: args.from }),
  call: {
    add: ({ state }, by: number) => (state.total += by),
    total: ({ state }) => state.total,
    later: async ({ state }) => String(state.total),
  },
  cast: {
    reset: ({ state }) => {
      state.total = 0;
    },
    set: ({ state }, to: number) => {
      state.total = to;
    },
  },
});

const bare = defineProcess({ name: "types.bare", init: () => ({}) });

/** Compiled, never run. */
async function accepted(registry: Registry, ref: ClusterRef<typeof typed>): Promise<number> {
  const started = await registry.startProcess(typed, { from: 1 }, { name: "x", distribute: true });
  const same: ClusterRef<typeof typed> = registry.process(typed, "x");
  await registry.startProcess(bare);
  await registry.startProcess(bare, undefined, { restart: "transient" });
  const text: string = await ref.call("later");
  ref.cast("reset");
  ref.cast("set", 5);
  await registry.register("y", same, { meta: { any: "thing" } });
  const sum: number = await started.call("add", 5, { timeout: "1s" });
  return sum + text.length + (await same.call("total", undefined, { timeout: 100 }));
}

/** Compiled, never run. */
async function refused(registry: Registry, ref: ClusterRef<typeof typed>): Promise<void> {
  // @ts-expect-error the payload is a number
  await ref.call("add", "5");
  // @ts-expect-error the payload is missing
  await ref.call("add");
  // @ts-expect-error there is no such handler
  await ref.call("subtract", 1);
  // @ts-expect-error a cast is not a call
  await ref.call("reset");
  // @ts-expect-error the payload is a number
  ref.cast("set", "5");
  // @ts-expect-error the arguments are missing
  await registry.startProcess(typed);
  // @ts-expect-error the arguments have another type
  await registry.startProcess(typed, { from: "1" });
  // @ts-expect-error options come third, also where init takes no arguments
  await registry.startProcess(bare, { name: "x" });
  // @ts-expect-error there is no such option
  await registry.startProcess(typed, { from: 1 }, { nmae: "x" });
  // @ts-expect-error there is no such rule
  await registry.startProcess(typed, { from: 1 }, { restart: "always" });
  // @ts-expect-error a duration has a unit
  await ref.call("total", undefined, { timeout: "soon" });
  // @ts-expect-error the reply is a number
  const wrong: string = await ref.call("total");
  void wrong;
}

describe("the types of references", () => {
  test("the accepted and the refused uses above are compiled by the type check", () => {
    expect([accepted, refused].map((use) => typeof use)).toEqual(["function", "function"]);
  });
});

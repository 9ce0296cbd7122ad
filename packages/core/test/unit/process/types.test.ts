/** The types of API.md §3: what must compile, and what must not. Run by the type check. */
import { describe, expect, test } from "@jest/globals";
import { defineProcess } from "../../../src/process/define-process.js";
import type {
  ArgsOf,
  ProcessRef,
  StartParameters,
  StateOf,
} from "../../../src/process/typed-definition.js";

const counter = defineProcess({
  name: "types.counter",
  init: (args: { from: number }) => ({ total: args.from }),
  call: {
    add: ({ state }, by: number) => (state.total += by),
    total: ({ state }) => state.total,
    later: async ({ state, signal }, by: number) => {
      signal.throwIfAborted();
      return String(state.total + by);
    },
    maybe: ({ state }, by?: number) => state.total + (by ?? 0),
    setAll: ({ setState }, next: { total: number }) => setState(next),
    fail: (): number => {
      throw new Error("never");
    },
  },
  cast: {
    reset: ({ state }) => {
      state.total = 0;
    },
    to: ({ state }, total: number) => {
      state.total = total;
    },
  },
  info: ({ state }, payload) => {
    // @ts-expect-error an info payload is unknown until it is checked
    state.total = payload.total;
  },
  terminate: ({ state }, reason) => {
    state.total = reason.type === "normal" ? 0 : state.total;
  },
});

const bare = defineProcess({ name: "types.bare", init: () => ({ on: false }) });
const asyncInit = defineProcess({
  name: "types.async-init",
  init: async (from: string, { signal }) => {
    signal.throwIfAborted();
    return { from };
  },
  call: { from: ({ state }) => state.from.length },
});

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(proof: Equal<A, B>): void {
  expect(proof).toBe(true);
}

/** Never run: only its types are checked. */
export async function compiles(ref: ProcessRef<typeof counter>): Promise<void> {
  const sum: number = await ref.call("add", 5, { timeout: "1s" });
  const total: number = await ref.call("total");
  const text: string = await ref.call("later", sum + total);
  await ref.call("total", undefined, { timeout: 250 });
  await ref.call("maybe");
  await ref.call("maybe", text.length, { signal: AbortSignal.abort() });
  const nothing: void = await ref.call("setAll", { total: 1 });
  const failed: number = await ref.call("fail");
  ref.cast("reset");
  ref.cast("to", failed);
  // @ts-expect-error the payload is a number
  await ref.call("add", "5");
  // @ts-expect-error the payload is missing
  await ref.call("add");
  // @ts-expect-error options are not a payload
  await ref.call("add", { timeout: "1s" });
  // @ts-expect-error this handler takes no payload
  await ref.call("total", 5);
  // @ts-expect-error no such handler
  await ref.call("subtract", 5);
  // @ts-expect-error a cast is not a call
  await ref.call("reset");
  // @ts-expect-error a call is not a cast
  ref.cast("add", 5);
  // @ts-expect-error the payload is a number
  ref.cast("to", "5");
  // @ts-expect-error not a duration
  await ref.call("add", 5, { timeout: "soon" });
  // @ts-expect-error the reply is a number
  const wrong: string = await ref.call("add", 5);
  return nothing ?? void wrong;
}

/** Never run: definitions that must not compile. */
export function mistakes(): void {
  defineProcess({
    name: "types.mistake-1",
    init: () => ({ total: 0 }),
    // @ts-expect-error the state has no member of that name
    call: { add: ({ state }) => state.totals },
  });
  defineProcess({
    name: "types.mistake-2",
    init: () => ({ total: 0 }),
    // @ts-expect-error a handler takes one payload
    call: { add: ({ state }, a: number, b: number) => state.total + a + b },
  });
  // @ts-expect-error init is missing
  defineProcess({ name: "types.mistake-3" });
  // @ts-expect-error no such option
  defineProcess({ name: "types.mistake-4", init: () => ({}), handlers: {} });
}

describe("the types of a defined process", () => {
  test("state, arguments and start parameters are inferred from init", () => {
    same<ArgsOf<typeof counter>, { from: number }>(true);
    same<StateOf<typeof counter>, { total: number }>(true);
    same<StateOf<typeof asyncInit>, { from: string }>(true);
    same<
      StartParameters<typeof counter, { name?: string }>,
      [args: { from: number }, options?: { name?: string }]
    >(true);
    type Bare = StartParameters<typeof bare, { name?: string }>;
    const asOptions = (...parameters: Bare) => parameters;
    asOptions();
    asOptions(undefined, { name: "x" });
    asOptions({ name: "x" }, {});
    asOptions({ label: "x" });
    // @ts-expect-error options come third
    asOptions({ name: "x" });
  });
});

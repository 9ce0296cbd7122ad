import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CAUSAL_LIMITS } from "../../src/limits.js";
import { CausalState } from "../../src/protocol/causal/causal-state.js";
import { chainOf } from "../../src/protocol/causal/dot-table.js";
import { parseCausalMessage, type Delta } from "../../src/protocol/causal/messages.js";
import type { Entry } from "../../src/protocol/causal/strand.js";
import { NO_RIGHTS, rightsRowOf, valueOfRows } from "../../src/protocol/types/bounded-counter.js";
import { countedOn, countOf, rowOf } from "../../src/protocol/types/counter.js";
import { elementOf, memberOf } from "../../src/protocol/types/elements.js";
import { winnerAmong } from "../../src/protocol/types/lww.js";
import { valuesOf } from "../../src/protocol/types/multi-value.js";
import { leafKey, parseLeaf, prefixOf } from "../../src/protocol/types/paths.js";
import { idOf, strandOf } from "./causal-world.js";

type State = CausalState<unknown>;
type Snapshot = readonly Delta<unknown>[];

/** What a type does with two small numbers, and what it then shows. */
interface Type {
  readonly name: string;
  act(state: State, pick: number, amount: number, now: number): void;
  show(key: string, live: readonly Entry<unknown>[]): unknown;
}

const KEYS = ["a", "b", "c"];
const keyOf = (pick: number) => KEYS[pick % KEYS.length] as string;
const liveOf = (state: State, key: string) => chainOf(state.head(key));

function write(state: State, key: string, value: unknown, now: number): void {
  state.handle({ type: "write", key, value, wallMs: now, counter: 0 }, now);
}

const remove = (state: State, key: string) => void state.handle({ type: "remove", key }, 0);
const setOrRemove = (keyFrom: (pick: number) => string): Type["act"] => {
  return (state, pick, amount, now) => {
    if (amount % 3 === 0) remove(state, keyFrom(pick));
    else write(state, keyFrom(pick), amount, now);
  };
};

const types: readonly Type[] = [
  {
    name: "a map",
    act: setOrRemove(keyOf),
    show: (_, live) => winnerAmong(live)?.value,
  },
  {
    name: "a register",
    act: (state, _, amount, now) => write(state, "value", amount, now),
    show: (_, live) => winnerAmong(live)?.value,
  },
  {
    name: "a multi-value register",
    act: setOrRemove(() => "value"),
    show: (_, live) => valuesOf(live),
  },
  {
    name: "a set",
    act: setOrRemove((pick) => elementOf({ n: pick % 3 }).key),
    show: (key, live) => memberOf(key, live[0]?.value ?? null) !== undefined,
  },
  {
    name: "a flag",
    act: setOrRemove(() => "flag"),
    show: (_, live) => live.length > 0,
  },
  {
    name: "a counter",
    act: (state, _, amount, now) => {
      const key = state.own.id;
      write(state, key, countedOn(rowOf(liveOf(state, key)), amount - 5), now);
    },
    show: (_, live) => countOf(rowOf(live)),
  },
  {
    name: "a bounded counter",
    act: (state, _, amount, now) => {
      const key = state.own.id;
      const row = rightsRowOf(liveOf(state, key));
      write(state, key, { ...NO_RIGHTS, ...row, added: row.added + amount }, now);
    },
    show: (_, live) => valueOfRows([rightsRowOf(live)]),
  },
  {
    name: "a nested map",
    act: (state, pick, amount, now) => {
      if (amount % 4 !== 0) write(state, leafKey([keyOf(pick), "x"], "register"), amount, now);
      else {
        const prefix = prefixOf([keyOf(pick)]);
        for (const key of [...state.keys()]) if (key.startsWith(prefix)) remove(state, key);
      }
    },
    show: (key, live) => [parseLeaf(key)?.path, winnerAmong(live)?.value],
  },
];

function stateOf(i: number): State {
  const own = strandOf(i, 0);
  return new CausalState({ own, limits: CAUSAL_LIMITS, tombstoneMs: 1_000, journals: false });
}

function take(state: State, snapshot: Snapshot): State {
  for (const delta of snapshot) state.handle({ type: "restore", delta }, 0);
  return state;
}

const joined = (...snapshots: readonly Snapshot[]) => snapshots.reduce(take, stateOf(9));

function viewOf(state: State, { show }: Type): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const key of [...state.keys()].sort()) view[key] = show(key, liveOf(state, key));
  return view;
}

const step = fc.tuple(fc.nat(2), fc.nat(5), fc.nat(11), fc.boolean());

/** Three replicas that each acted, and sometimes took in what another one had. */
function played(type: Type, steps: readonly (readonly [number, number, number, boolean])[]) {
  const states = [stateOf(0), stateOf(1), stateOf(2)] as const;
  steps.forEach(([i, pick, amount, isSync], now) => {
    const state = states[i] as State;
    if (isSync) take(state, (states[pick % 3] as State).snapshot(0));
    else type.act(state, pick, amount, now + 1);
    state.handle({ type: "flush" }, 0);
  });
  return states.map((state) => state.snapshot(0)) as unknown as readonly [
    Snapshot,
    Snapshot,
    Snapshot,
  ];
}

describe.each(types)("joining replicas of $name", (type) => {
  test("is commutative, associative and idempotent, and only adds to what is known", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
        const [a, b, c] = played(type, steps);
        const all = joined(a, b, c);
        const view = viewOf(all, type);
        const same = (other: State) => {
          expect(viewOf(other, type)).toEqual(view);
          expect(other.digest()).toBe(all.digest());
        };
        same(joined(c, b, a));
        same(joined(joined(a, b).snapshot(0), c));
        same(joined(a, joined(b, c).snapshot(0)));
        same(joined(a, b, c, b, a, a));
        // What one side had is in the join: joining it again changes nothing.
        for (const part of [a, b, c]) same(take(joined(all.snapshot(0)), part));
      }),
      { numRuns: 60 },
    );
  });

  test("comes to the same when its deltas arrive one by one, in any order, some of them twice", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30, size: "max" }),
        fc.infiniteStream(fc.nat()),
        (steps, picks) => {
          const snapshots = played(type, steps);
          const all = joined(...snapshots);
          const parts = snapshots.flat().flatMap(({ parts }) => parts);
          const deltas = [...parts, ...parts.slice(0, 3)].map((part) => ({
            at: picks.next().value as number,
            delta: { type: "delta" as const, parts: [part] },
          }));
          deltas.sort((x, y) => x.at - y.at);
          const other = joined(deltas.map(({ delta }) => delta));
          expect(viewOf(other, type)).toEqual(viewOf(all, type));
          expect(other.digest()).toBe(all.digest());
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("a message of a peer", () => {
  test("that is garbage is refused with a reason, and never throws", () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 4 }), (payload) => {
        const parsed = parseCausalMessage(payload, CAUSAL_LIMITS);
        if ("problem" in parsed) expect(parsed.problem.length).toBeGreaterThan(5);
      }),
      { numRuns: 500 },
    );
  });

  test("that is a damaged delta is refused, or taken in without breaking the state", () => {
    const own = stateOf(0);
    for (let n = 0; n < 20; n += 1) write(own, `k${n}`, n, n + 1);
    for (let n = 0; n < 20; n += 3) remove(own, `k${n}`);
    const [whole] = own.snapshot(0);
    if (whole === undefined) throw new Error("there is a snapshot");
    const field = fc.constantFrom("from", "through", "gaps", "keys", "values", "times", "of");
    const value = fc.oneof(
      fc.integer(),
      fc.array(fc.integer()),
      fc.string(),
      fc.constant(undefined),
    );
    fc.assert(
      fc.property(field, value, (name, wrong) => {
        const parts = whole.parts.map((part) => ({ ...part, [name]: wrong }));
        const parsed = parseCausalMessage<unknown>({ ...whole, parts }, CAUSAL_LIMITS);
        if ("problem" in parsed) return;
        const state = stateOf(1);
        state.handle({ type: "message", from: idOf(2), message: parsed.message }, 0);
        state.handle({ type: "flush" }, 0);
        expect(state.size).toBeLessThanOrEqual(20);
      }),
      { numRuns: 300 },
    );
  });
});

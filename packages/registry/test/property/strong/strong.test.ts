/**
 * Strong processes under random faults: nodes cut off from the store, from each other or from both, killed, started again,
 * stopped and started by users, with handlers that act long after they began. What they do is kept in a ledger outside.
 *
 * FOUNDATION_PROPERTY_RUNS plays more histories.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isFoundationError } from "@foundation/core";
import { runningAt } from "../../unit/runtime/world.js";
import {
  ledger,
  outside,
  strongWorld,
  teller,
  type StrongWorld,
} from "../../unit/strong/strong-world.js";

const NODES = 3;
const HOST = -1;
const runs = Number(process.env.FOUNDATION_PROPERTY_RUNS ?? 25);

type Step =
  | { readonly type: "isolate" | "cut-store" | "kill" | "drain"; readonly node: number }
  | { readonly type: "mend" | "resume" | "crash" }
  | { readonly type: "call" | "late" | "stop" | "start"; readonly node: number }
  | { readonly type: "wait"; readonly ms: number };

/** A node by its place, or whoever runs the process at that moment: faults of the others matter less. */
const node = fc.oneof(fc.integer({ min: 0, max: NODES - 1 }), fc.constant(HOST));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("call" as const), node }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("wait" as const),
      ms: fc.constantFrom(100, 1_000, 3_000, 9_990, 10_005, 12_000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom("isolate" as const, "cut-store" as const, "kill" as const),
      node,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom("late" as const, "drain" as const), node }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom("stop" as const, "start" as const), node }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom("mend" as const, "resume" as const, "crash" as const),
    }),
  },
);

class History {
  readonly #world: StrongWorld;
  readonly answered = new Set<string>();
  readonly #drained = new Set<number>();
  #calls = 0;

  constructor(world: StrongWorld) {
    this.#world = world;
  }

  get #registry() {
    return (place: number) => this.#world.at(place).registry;
  }

  async play(happened: Step): Promise<void> {
    const world = this.#world;
    const [host = 0] = runningAt(world, "till");
    const at = "node" in happened ? (happened.node === HOST ? host : happened.node) : host;
    switch (happened.type) {
      case "isolate":
        world.isolate(at);
        return;
      case "cut-store":
        world.cutStore(at);
        return;
      case "kill":
        world.revive(at);
        this.#drained.delete(at);
        return;
      case "mend":
        return world.mend();
      case "drain":
        this.#drained.add(at);
        void this.#registry(at)
          .drain({ timeout: "2s" })
          .catch(() => undefined);
        return;
      case "call":
      case "late":
        return this.#call(at, happened.type);
      case "crash":
        void this.#ref(0)
          .call("crash")
          .catch(() => undefined);
        return;
      case "resume":
        outside.resume();
        return world.advance(1);
      case "stop":
        void this.#ref(at)
          .stop()
          .catch(() => undefined);
        return;
      case "start":
        void start(world, at).catch(() => undefined);
        return;
      case "wait":
        await world.advance(happened.ms);
        // Every node asks whomever it believes in: an instance that has lost its name must not answer.
        for (let place = 0; place < NODES; place++) await this.#call(place, "call");
        return;
      default:
        return happened satisfies never;
    }
  }

  /** Everything well again: who drained has left and come back, and a user starts it where nobody runs it. */
  async settle(): Promise<void> {
    const world = this.#world;
    outside.resume();
    for (const place of this.#drained) world.revive(place);
    await world.mend();
    await world.advance(60_000);
    if (runningAt(world, "till").length === 0) await world.run(start(world, 0));
    await world.advance(60_000);
  }

  #ref(place: number) {
    return this.#registry(place).process(teller, "till");
  }

  async #call(place: number, type: "call" | "late"): Promise<void> {
    const id = ++this.#calls;
    const handler = type === "call" ? "pay" : "late";
    const done = this.#ref(place).call(handler, id, { timeout: "20s" });
    void done.then(() => this.answered.add(`${handler} ${id}`), checkTyped);
    await this.#world.advance(3);
  }
}

function checkTyped(error: unknown): void {
  if (!isFoundationError(error)) throw error;
}

function start(world: StrongWorld, place: number): Promise<unknown> {
  const options = { name: "till", consistency: "strong", ifRunning: "return" } as const;
  return world.at(place).registry.startProcess(teller, { from: 0 }, options);
}

describe("a strong process under faults", () => {
  test("no effect of an older instance follows one of a later one, and in the end one instance runs", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const world = await strongWorld(NODES);
        try {
          await world.run(start(world, 0));
          const history = new History(world);
          for (const happened of steps) await history.play(happened);
          await history.settle();
          expect(runningAt(world, "till")).toHaveLength(1);
          checkLedger(history.answered);
        } finally {
          await world.close();
        }
      }),
      { numRuns: runs, interruptAfterTimeLimit: runs * 400, markInterruptAsFailure: false },
    );
  }, 600_000);
});

function checkLedger(answered: ReadonlySet<string>): void {
  const nodeOf = new Map<number, string>();
  const seen = new Set<string>();
  for (const { token, node: at, what, passed } of ledger) {
    // A handler that began under its lease and acted after it: refused by whoever compares tokens.
    if (!what.startsWith("late")) expect({ what, passed }).toEqual({ what, passed: true });
    if (answered.has(what)) expect({ what, passed }).toEqual({ what, passed: true });
    expect(nodeOf.get(token ?? 0) ?? at).toBe(at);
    nodeOf.set(token ?? 0, at);
    expect(seen.has(what)).toBe(false);
    seen.add(what);
  }
  for (const what of answered) expect(seen.has(what)).toBe(true);
}

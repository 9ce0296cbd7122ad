/**
 * recipesContract: what every recipe promises, on whatever engine it stands.
 *
 * It runs in memory on virtual time, and on groups and a real etcd; so it waits only through `settle` and `pass`, and
 * never for less than the engine's own accuracy.
 */
import { afterEach, beforeEach, describe, test } from "@jest/globals";
import { nodeRuntime } from "@foundation/core";
import type { Runtime } from "@foundation/core/ports";
import type { Engine } from "../../src/engine/engine.js";
import { createRecipes } from "../../src/index.js";
import { cuttable } from "./cuttable.js";
import type { Bench, Test } from "./recipes/bench.js";
import { barrierTests } from "./recipes/barriers.js";
import { configTests } from "./recipes/cluster-config.js";
import { electionTests } from "./recipes/elections.js";
import { kvTests } from "./recipes/kv.js";
import { watchTests } from "./recipes/kv-watches.js";
import { lockTests } from "./recipes/locks.js";
import { nameTests } from "./recipes/names.js";
import { rosterTests } from "./recipes/roster.js";
import { semaphoreTests } from "./recipes/semaphores.js";
import { sequenceTests } from "./recipes/sequences.js";

export interface RecipesContractSetup {
  /** A new engine over an empty keyspace; the suite closes it. */
  create(): Promise<Engine> | Engine;
  /** A second engine over the keyspace of the last one created. @default both clients use the first */
  another?(): Promise<Engine> | Engine;
  /** What the recipes run on. @default Node's */
  runtime?(): Partial<Runtime>;
  /** Lets so much time pass. @default real time */
  pass?(ms: number): Promise<void>;
  /** Gives a promise's value, letting time pass as it needs. @default awaits it */
  settle?<T>(promise: Promise<T>): Promise<T>;
  /** A time to live that leases of this engine may have, and how late they may end. @default 2_000 and 2_000 */
  leaseMs?: number;
  leaseLateMs?: number;
  dispose?(): Promise<void> | void;
}

export function recipesContract(name: string, setup: RecipesContractSetup): void {
  const settle = setup.settle ?? (<T>(promise: Promise<T>) => promise);
  const pass = setup.pass ?? ((ms: number) => new Promise<void>((done) => setTimeout(done, ms)));
  const ttl = setup.leaseMs ?? 2_000;
  let open: (() => Promise<void>)[] = [];
  let bench: Bench;

  const makeBench = async (): Promise<Bench> => {
    const first = await setup.create();
    const runtime = setup.runtime?.() ?? nodeRuntime();
    const second = (await setup.another?.()) ?? first;
    const recipesOf = (engine: Engine, client: string) => {
      const recipes = createRecipes(engine, { runtime, client });
      open.push(() => recipes.close());
      return recipes;
    };
    open = [() => first.close(), () => (second === first ? Promise.resolve() : second.close())];
    return {
      a: recipesOf(first, "a"),
      b: recipesOf(second, "b"),
      ttl,
      settle,
      pass,
      code: (promise) =>
        settle(
          promise.then(
            () => "resolved",
            (error: { code?: string }) => String(error.code ?? error),
          ),
        ),
      isOpen: async (promise) => {
        let isOpen = true;
        const close = () => {
          isOpen = false;
        };
        promise.then(close, close);
        await pass(300);
        return isOpen;
      },
      client: (client) => {
        const { engine, cut } = cuttable(second);
        return { recipes: recipesOf(engine, client), cut };
      },
      overMs: ttl + (setup.leaseLateMs ?? 2_000),
    };
  };

  describe(name, () => {
    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(async () => {
      for (const close of open.reverse()) await settle(close());
      open = [];
      await setup.dispose?.();
    });
    const run: Test = (title, body) => test(title, () => body(bench));
    describe("kv", () => kvTests(run));
    describe("kv: watches", () => watchTests(run));
    describe("locks", () => lockTests(run));
    describe("semaphores", () => semaphoreTests(run));
    describe("barriers", () => barrierTests(run));
    describe("elections", () => electionTests(run));
    describe("sequences", () => sequenceTests(run));
    describe("cluster configuration", () => configTests(run));
    describe("names", () => nameTests(run));
    describe("the roster", () => rosterTests(run));
  });
}

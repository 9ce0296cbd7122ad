/**
 * discoveryContract: what every DiscoveryStrategy must do: full sets, a first one even when empty, no throwing.
 */
import assert from "node:assert/strict";
import type { DiscoveryStrategy } from "@foundation/core/ports";
import { until, type ContractTime } from "../time.js";
import { addressesOf, runDiscovery } from "./discovery-run.js";
import { testsWith, type ContractRunner } from "./runner.js";

export interface DiscoveryFixture {
  readonly strategy: DiscoveryStrategy;
  readonly time: ContractTime;
  close(): void | Promise<void>;
}

export interface DiscoveryContractSetup {
  /** Makes a strategy whose backend knows nobody, or only what `initial` says. */
  create(): DiscoveryFixture | Promise<DiscoveryFixture>;
  /** The addresses known from the start. @default none */
  readonly initial?: readonly string[];
  /** Makes the backend know a peer at this address. */
  appear?(fixture: DiscoveryFixture, address: string): void | Promise<void>;
  /** Makes the backend forget it. */
  vanish?(fixture: DiscoveryFixture, address: string): void | Promise<void>;
  /** Makes look-ups fail from now on; at least one is then made by itself. `mend` ends it. */
  fail?(fixture: DiscoveryFixture): void | Promise<void>;
  mend?(fixture: DiscoveryFixture): void | Promise<void>;
}

const FIRST = "ws://127.0.0.1:7001";
const SECOND = "ws://127.0.0.1:7002";

/** Runs the suite against one strategy. */
export function discoveryContract(runner: ContractRunner, setup: DiscoveryContractSetup): void {
  const initial = [...(setup.initial ?? [])].sort();
  const test = testsWith(runner, setup.create);
  runner.describe("discovery", () => {
    test("the first set comes by itself, even when it is empty, and names its source", async (fixture) => {
      const run = runDiscovery(fixture);
      await until(fixture.time, "the first set comes", () => run.sets.length > 0);
      assert.deepEqual(addressesOf(run.sets[0]), initial);
      assert.equal(run.sets[0]?.source, fixture.strategy.name);
      await run.stop();
      assert.deepEqual(run.problems, []);
    });

    test("it ends without throwing when the signal fires, also while nothing happens", async (fixture) => {
      const run = runDiscovery(fixture);
      await until(fixture.time, "the first set comes", () => run.sets.length > 0);
      await fixture.time.pass(20);
      await run.stop();
      const after = run.sets.length;
      await fixture.time.pass(20);
      assert.equal(run.sets.length, after);
    });

    test("with a signal that has fired it ends at once", async (fixture) => {
      const run = runDiscovery(fixture, { signal: AbortSignal.abort() });
      await fixture.time.wait(run.ended);
    });

    test("it can be used again, and twice at once", async (fixture) => {
      const [one, two] = [runDiscovery(fixture), runDiscovery(fixture, { name: "twice" })];
      await until(fixture.time, "both get a set", () => one.sets.length > 0 && two.sets.length > 0);
      await one.stop();
      await two.stop();
      const again = runDiscovery(fixture);
      await until(fixture.time, "a set comes again", () => again.sets.length > 0);
      await again.stop();
    });
    const { appear, vanish, fail, mend } = setup;
    if (appear) changeTests(test, initial, { appear, vanish });
    if (fail && mend && appear) failureTests(test, initial, { appear, fail, mend });
  });
}

type Test = (name: string, run: (fixture: DiscoveryFixture) => unknown) => void;
type Changes = Required<Pick<DiscoveryContractSetup, "appear">> & {
  vanish: DiscoveryContractSetup["vanish"];
};

function changeTests(test: Test, initial: readonly string[], { appear, vanish }: Changes): void {
  test("every set is the full one, not the change", async (fixture) => {
    const run = runDiscovery(fixture);
    await appear(fixture, FIRST);
    await until(fixture.time, "the first peer is found", () => run.knows(FIRST));
    await appear(fixture, SECOND);
    await until(fixture.time, "the second peer is found", () => run.knows(SECOND));
    assert.deepEqual(addressesOf(run.sets.at(-1)), [...initial, FIRST, SECOND].sort());
    await vanish?.(fixture, FIRST);
    if (vanish) await until(fixture.time, "the first is gone", () => !run.knows(FIRST));
    await run.stop();
  });
}

type Failures = Required<Pick<DiscoveryContractSetup, "appear" | "fail" | "mend">>;

function failureTests(
  test: Test,
  initial: readonly string[],
  { appear, fail, mend }: Failures,
): void {
  test("a failed look-up is reported and yields nothing; afterwards discovery goes on", async (fixture) => {
    const run = runDiscovery(fixture);
    await until(fixture.time, "the first set comes", () => run.sets.length > 0);
    await fail(fixture);
    await until(fixture.time, "the failure is reported", () => run.problems.length > 0);
    for (const set of run.sets) assert.deepEqual(addressesOf(set), initial);
    assert.match(run.problems[0]?.code ?? "", /^ERR_/);
    await mend(fixture);
    await appear(fixture, FIRST);
    await until(fixture.time, "the peer is found", () => run.knows(FIRST));
    await run.stop();
  });
}

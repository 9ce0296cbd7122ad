/**
 * Histories as long and as concurrent as real runs give them: a right register is accepted, one with a planted fault is
 * not, and neither takes long. Processor time is measured, for wall time says little on a busy machine.
 */
import { describe, expect, test } from "@jest/globals";
import { checkLinearizable, registerModel, type LinearizabilityResult } from "../../src/index.js";
import type { RegisterInput, RegisterOutput } from "../../src/index.js";
import {
  simulatedRegister,
  type SimulatedRegisterOptions,
  type Value,
} from "../unit/linearizability/simulated-register.js";

type Result = LinearizabilityResult<RegisterInput<Value>, RegisterOutput<Value>>;

/** The verdict on as many keys of such registers, and the processor time it took. */
async function checked(
  keys: number,
  options: SimulatedRegisterOptions,
): Promise<{ readonly result: Result; readonly cpuMs: number }> {
  const history = Array.from({ length: keys }, (_, index) =>
    simulatedRegister({ ...options, seed: `${options.seed} ${index}`, key: `key ${index}` }),
  ).flat();
  const before = process.cpuUsage();
  const result = await checkLinearizable(history, registerModel<Value>(null));
  const { user, system } = process.cpuUsage(before);
  return { result, cpuMs: (user + system) / 1_000 };
}

describe("10,000 operations are checked in less than 10 s of processor time", () => {
  test.each([
    ["on 100 keys, by 10 clients each", 100, { clients: 10 }],
    ["on 100 keys, by 20 clients each", 100, { clients: 20 }],
    ["on 100 keys, a tenth of them without an answer", 100, { clients: 20, unknownPercent: 10 }],
    ["on 100 keys, with three values", 100, { clients: 20, unknownPercent: 20, values: 3 }],
    ["on 100 keys, most of them compare-and-sets", 100, { clients: 20, compareAndSetPercent: 80 }],
    ["on one key, by 20 clients", 1, { clients: 20, unknownPercent: 1 }],
  ])(
    "%s",
    async (_name, keys, options) => {
      const { result, cpuMs } = await checked(keys, {
        seed: "volume",
        operations: 10_000 / keys,
        ...options,
      });
      expect(result.ok).toBe(true);
      expect(cpuMs).toBeLessThan(10_000);
    },
    60_000,
  );
});

describe("of registers of 2 clients, some operations without an answer,", () => {
  const options = { operations: 300, clients: 2, unknownPercent: 1 };
  const seeds = Array.from({ length: 12 }, (_, seed) => seed);

  test.each(seeds)("the right one is accepted, seed %i", async (seed) => {
    expect(await checked(1, { ...options, seed })).toMatchObject({ result: { ok: true } });
  });

  const faults = ["stale-read", "lost-write", "double-apply", "wrong-compare"] as const;

  test.each(seeds.flatMap((seed) => faults.map((fault) => [fault, seed] as const)))(
    "those with the fault %s are told apart, seed %i",
    async (fault, seed) => {
      // Several, for a fault shows only when someone looks before it is overwritten.
      const { result } = await checked(6, { ...options, seed, fault });
      expect(result.ok).toBe(false);
    },
  );
});

/**
 * The topology is switched while everybody talks: whatever carries a message at that moment, it comes once and in the
 * order of its sender. `SWITCH_SEEDS=200` plays more seeds than a usual run.
 */
import { expect, test } from "@jest/globals";
import { SwitchLoad, type SwitchLoadOptions } from "../support/switch-load.js";

const SEEDS = Number(process.env["SWITCH_SEEDS"] ?? 2);
/** Of the machine, which may be busy with other things. */
const TIMEOUT_MS = 180_000;
const FIRST = Number(process.env["SWITCH_FIRST_SEED"] ?? 1);

/** Every second one switches again before the last switch has settled. */
function optionsOf(seed: number): SwitchLoadOptions {
  const everyMs = seed % 2 === 0 ? ([200, 1_500] as const) : ([1_000, 3_000] as const);
  const restMs = seed % 3 === 0 ? 5_000 : 0;
  return { nodes: 20, switches: 10, kills: 1, everyMs, restMs, stepMs: 50 };
}

test.each(Array.from({ length: SEEDS }, (_, i) => FIRST + i))(
  "nothing is lost, doubled or out of order while the topology is switched ten times, seed %i",
  async (seed) => {
    const outcome = await new SwitchLoad(`switch ${seed}`, optionsOf(seed)).play();
    expect(outcome.violations).toEqual([]);
    expect(outcome.messages).toBeGreaterThan(100);
    expect(outcome.broadcasts).toBeGreaterThan(1_000);
  },
  TIMEOUT_MS,
);

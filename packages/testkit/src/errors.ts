/** Every error code of @foundation/testkit. docs/errors.md is generated from here. */
import { defineErrors, error } from "@foundation/core";

/** What a simulation fails with. Told apart by `code`, or by `testkitErrors.ERR_….is(error)`. */
export const testkitErrors = defineErrors({
  ERR_SIMULATION_ESCAPED: error<{
    readonly what: string;
    readonly caller: string;
    readonly node: string;
  }>({
    summary: "Code of a simulated node asked for real time, chance or input and output.",
    fix: "Take clock, random, transport and storage from the Runtime; the message names the caller.",
    retryable: false,
  }),
  ERR_SIMULATION_FAILED: error<{
    readonly seed: string;
    readonly node: string;
    readonly atMs: number;
  }>({
    summary:
      "Code of a simulated node threw where nobody could catch it, or a promise was left rejected.",
    fix: "Read the cause; the same seed replays it.",
    retryable: false,
  }),
  ERR_SIMULATION_STUCK: error<{
    readonly seed: string;
    readonly node: string;
    readonly atMs: number;
    readonly silentMs: number;
  }>({
    summary:
      "An event of a simulation did not end: its code runs, or makes promise reactions, for ever. The process is ended.",
    fix: "Look at the stack in the message for a loop; the same seed replays it. `watchdogMs` allows more, 0 anything.",
    retryable: false,
  }),
});

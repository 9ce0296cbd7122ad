/**
 * The application of the demonstration: what a user would write.
 *
 * One process takes orders, one topic tells of them. Every order that runs is written to a journal before it is
 * answered, so that the conductor can compare what callers were told with what really happened.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { defineProcess, defineTopic } from "@foundation/foundation";

/** How long the work of one order takes, in ms: long enough that a kill finds calls in flight. */
const workMs = 4;

export interface Placed {
  readonly id: string;
  /** The operating-system process that ran it. */
  readonly pid: number;
  /** Orders since this instance of the process started. */
  readonly total: number;
}

export const orders = defineProcess({
  name: "orders",
  init: (args: { journal: string }) => ({ journal: args.journal, total: 0 }),
  call: {
    place: async ({ state }, id: string): Promise<Placed> => {
      appendFileSync(state.journal, `${id} ${process.pid}\n`);
      await pause(workMs);
      state.total += 1;
      return { id, pid: process.pid, total: state.total };
    },
  },
});

export const orderPlaced = defineTopic<{ id: string }>("orders.placed");

/** Processes and topics of the acceptance tests: one module, as an application would have it. */
import { defineProcess, defineTopic, FoundationError } from "@foundation/foundation";

export const counter = defineProcess({
  name: "acceptance.counter",
  init: (args: { from: number }) => ({ total: args.from }),
  call: {
    add: ({ state }, by: number) => (state.total += by),
    total: ({ state }) => state.total,
    where: ({ self }) => self.node,
    crash: () => {
      throw new TypeError("a bug");
    },
    refuse: () => {
      throw new FoundationError({
        code: "ERR_OUT_OF_STOCK",
        message: "No o-1 left",
        details: { id: "o-1" },
        retryable: false,
      });
    },
    hang: () => new Promise<never>(() => {}),
  },
  cast: {
    reset: ({ state }) => {
      state.total = 0;
    },
  },
});

export const placed = defineTopic<{ readonly id: string }>("acceptance.orders.placed");

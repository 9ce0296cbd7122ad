/** A strategy of ten lines keeps every promise; so does one that falls back from it, and one that unites it. */
import { describe, test } from "@jest/globals";
import type { DiscoveryStrategy } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import {
  discoveryBackendContract,
  virtualTime,
  type DiscoveryBackend,
  type DiscoveryBackendSetup,
  type DiscoveryFailure,
} from "@foundation/testkit";
import { discoveryErrors } from "../../src/errors.js";
import { defineStrategy, type StrategyAnswer } from "../../src/strategies/define-strategy.js";
import { fallback } from "../../src/strategies/fallback.js";
import { union } from "../../src/strategies/union.js";

const INTERVAL_MS = 1_000;

function setup(wrap: (strategy: DiscoveryStrategy) => DiscoveryStrategy): DiscoveryBackendSetup {
  return {
    create: (): DiscoveryBackend => {
      const peers = new Set<string>();
      let failure: DiscoveryFailure | undefined;
      let requests = 0;
      const refusal = { strategy: "own", what: "list nodes", reason: "403" };
      const answers: Record<DiscoveryFailure, () => StrategyAnswer | Promise<StrategyAnswer>> = {
        error: () => Promise.reject(new Error("the backend is out of order")),
        "not-found": () => Promise.reject(new Error("there is no such service")),
        forbidden: () => {
          throw discoveryErrors.ERR_LOOKUP_REFUSED(
            "403: this node may not list nodes; give it the right to",
            refusal,
          );
        },
        empty: () => [],
        partial: () => ({ peers: [...peers].slice(0, 1), partial: "a page is missing" }),
        stale: () => [...peers],
        malformed: () => ["http://not a node"],
        hang: () => new Promise<never>(() => {}),
      };
      const own = defineStrategy({
        name: "own",
        interval: INTERVAL_MS,
        look: () => {
          requests += 1;
          return failure === undefined ? [...peers] : answers[failure]();
        },
      });
      return {
        strategy: wrap(own),
        time: virtualTime(virtualClock()),
        add: (address) => void peers.add(address),
        remove: (address) => void peers.delete(address),
        fail: (kind) => {
          failure = kind;
        },
        recover: () => {
          failure = undefined;
        },
        requests: () => requests,
        close: () => {},
      };
    },
    failures: ["error", "forbidden", "not-found", "empty", "partial", "malformed", "hang"],
    pace: { requests: 1, perMs: INTERVAL_MS },
    retryMaxMs: 30_000,
    withinMs: 60_000,
  };
}

describe("a strategy of one's own", () => {
  discoveryBackendContract(
    { describe, test },
    setup((own) => own),
  );
});

describe("fallback with one strategy", () => {
  discoveryBackendContract(
    { describe, test },
    setup((own) => fallback([own])),
  );
});

describe("union with one strategy", () => {
  discoveryBackendContract(
    { describe, test },
    setup((own) => union([own])),
  );
});

import { describe, expect, test } from "@jest/globals";
import { discoveryContext, virtualClock } from "@foundation/core/testing";
import { defineStrategy, type StrategyAnswer } from "../../../src/strategies/define-strategy.js";

describe("a strategy of one's own", () => {
  test.each([[null], [{}], [{ address: 7 }], [{ address: "http://evil:1" }], [7]])(
    "an answer with %j among its peers is malformed, and looked for again no sooner than said",
    async (garbage) => {
      const clock = virtualClock();
      const abort = new AbortController();
      const codes: string[] = [];
      const context = discoveryContext({
        clock,
        signal: abort.signal,
        report: ({ code }) => codes.push(code),
      });
      let looks = 0;
      const look = () => {
        looks += 1;
        const peers = looks === 1 ? [{ address: "10.0.0.1:4100" }] : [garbage];
        return peers as unknown as StrategyAnswer;
      };
      const sets: string[][] = [];
      const ended = (async () => {
        const own = defineStrategy({ name: "own", interval: "60s", look });
        for await (const { peers } of own.discover(context)) {
          sets.push(peers.map(({ address }) => address));
        }
      })();
      await clock.advance(600_000);
      expect(sets).toEqual([["ws://10.0.0.1:4100"]]);
      expect(new Set(codes)).toEqual(new Set(["ERR_PEER_ADDRESS"]));
      expect(looks).toBeGreaterThan(5);
      expect(looks).toBeLessThanOrEqual(10);
      abort.abort();
      await clock.run(ended);
    },
  );
});

/** Reads of a quorum while an owner is cut off: what it was asked is not left open. */
import { expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { CACHE_TIMES } from "../../../src/limits.js";
import { Ring, ringPlacement } from "../../../src/protocol/ring.js";
import { Patience } from "../../../src/runtime/patience.js";
import { Reader } from "../../../src/runtime/reader.js";
import { unavailable, type World } from "../../../src/runtime/world.js";

test("an attempt that failed by one owner gives up what it asked of the other", async () => {
  const clock = virtualClock();
  const [refuses, silent] = ["a", "b"] as unknown as readonly [NodeId, NodeId];
  const ring = new Ring(1, [refuses, silent], 2, ringPlacement());
  let asked = 0;
  let open = 0;
  let most = 0;
  const ask: World["ask"] = (to, _verb, _payload, _timeoutMs, signal) => {
    if (to === refuses) return Promise.reject(unavailable("users", "it has another ring"));
    asked += 1;
    open += 1;
    most = Math.max(most, open);
    return new Promise((_, reject) => {
      signal?.addEventListener("abort", () => {
        open -= 1;
        reject(signal.reason as Error);
      });
    });
  };
  const closed = new AbortController().signal;
  const world = {
    ...{ name: "users", consistency: "quorum", clock, times: CACHE_TIMES, closed, ask },
    ring: () => ring,
  } as unknown as World;
  const patience = new Patience(world, { timeout: "1s" }, 5_000);
  const read = new Reader(world).read(["ann"], patience, false);
  await expect(clock.run(read)).rejects.toMatchObject({ code: "ERR_CACHE_UNAVAILABLE" });
  expect(asked).toBeGreaterThan(10);
  expect({ most, open }).toEqual({ most: 1, open: 0 });
});

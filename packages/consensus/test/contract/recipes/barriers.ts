/** The contract of recipes: barriers. */
import { expect } from "@jest/globals";
import type { Test } from "./bench.js";

export function barrierTests(run: Test): void {
  run(
    "all leave when the last has come, and the barrier can be used again",
    async ({ a, b, settle, isOpen }) => {
      for (const generation of [1, 2, 3]) {
        const first = a.barriers.wait("p", 3);
        const second = b.barriers.wait("p", 3);
        expect(await isOpen(first)).toBe(true);
        expect(await isOpen(second)).toBe(true);
        expect(await settle(a.barriers.waiting("p"))).toBe(2);
        const all = await settle(Promise.all([first, second, b.barriers.wait("p", 3)]));
        expect(all).toEqual([generation, generation, generation]);
      }
    },
  );

  run("those who come too late for one opening leave with the next", async ({ a, b, settle }) => {
    const waits = Array.from({ length: 9 }, (_, i) => (i % 2 ? a : b).barriers.wait("p", 3));
    const generations = await settle(Promise.all(waits));
    expect([...generations].sort()).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3]);
  });

  run("one who gives up is not counted", async ({ a, b, settle, code, isOpen }) => {
    expect(await code(a.barriers.wait("p", 2, { timeout: 200 }))).toBe("ERR_TIMEOUT");
    const stop = new AbortController();
    const aborted = a.barriers.wait("p", 2, { signal: stop.signal });
    expect(await isOpen(aborted)).toBe(true);
    stop.abort();
    expect(await code(aborted)).toBe("ERR_ABORTED");
    const waiting = b.barriers.wait("p", 2);
    expect(await isOpen(waiting)).toBe(true);
    expect(await settle(Promise.all([waiting, a.barriers.wait("p", 2)]))).toEqual([1, 1]);
  });

  run(
    "one who died is not counted once its lease is over",
    async ({ a, b, client, settle, pass, isOpen, code, ttl, overMs }) => {
      const { recipes, cut } = client("mortal");
      const dead = recipes.barriers.wait("p", 2, { ttl });
      expect(await isOpen(dead)).toBe(true);
      cut();
      const told = code(dead);
      await pass(overMs);
      expect(await told).toBe("ERR_LEASE_LOST");
      const waiting = a.barriers.wait("p", 2);
      expect(await isOpen(waiting)).toBe(true);
      expect(await settle(Promise.all([waiting, b.barriers.wait("p", 2)]))).toEqual([1, 1]);
    },
  );

  run(
    "another count is refused while somebody waits; a barrier of one does not wait",
    async ({ a, b, settle, code, isOpen }) => {
      const waiting = a.barriers.wait("p", 2);
      expect(await isOpen(waiting)).toBe(true);
      expect(await code(b.barriers.wait("p", 3))).toBe("ERR_INVALID_ARGUMENT");
      expect(await settle(b.barriers.wait("other", 1))).toBe(1);
      await settle(b.barriers.wait("p", 2));
    },
  );
}

/** The contract of recipes: semaphores. */
import { expect } from "@jest/globals";
import type { Recipes } from "../../../src/index.js";
import type { Test } from "./bench.js";

export function semaphoreTests(run: Test): void {
  run(
    "no more permits are out than there are, and they are given in order",
    async ({ a, b, settle, isOpen }) => {
      const acquire = (who: Recipes, permits = 1) =>
        who.semaphores.acquire("s", { limit: 3, permits });
      const first = await settle(acquire(a));
      const two = await settle(acquire(b, 2));
      const large = acquire(a, 3);
      expect(await isOpen(large)).toBe(true);
      const small = acquire(b);
      expect(await isOpen(small)).toBe(true);
      await settle(first.release());
      // One is free and would do for the small one, but nobody is overtaken.
      expect(await isOpen(small)).toBe(true);
      await settle(two.release());
      const all = await settle(large);
      expect(all.permits).toBe(3);
      expect(await isOpen(small)).toBe(true);
      const queue = await settle(a.semaphores.inspect("s"));
      expect(queue.holders.map(({ permits }) => permits)).toEqual([3]);
      expect(queue.waiting.map(({ client }) => client)).toEqual(["b"]);
      await settle(all.release());
      expect((await settle(small)).isHeld).toBe(true);
    },
  );

  run("one that does not wait gets permits or nothing", async ({ a, b, settle }) => {
    await settle(a.semaphores.acquire("s", { limit: 2 }));
    const other = await settle(b.semaphores.tryAcquire("s", { limit: 2 }));
    expect(other?.isHeld).toBe(true);
    expect(await settle(a.semaphores.tryAcquire("s", { limit: 2 }))).toBeUndefined();
  });

  run(
    "a different limit is refused while the semaphore is in use",
    async ({ a, b, settle, code }) => {
      const permit = await settle(a.semaphores.acquire("s", { limit: 2 }));
      expect(await code(b.semaphores.acquire("s", { limit: 3 }))).toBe("ERR_INVALID_ARGUMENT");
      expect(await code(b.semaphores.acquire("s", { limit: 2, permits: 3 }))).toBe(
        "ERR_INVALID_ARGUMENT",
      );
      await settle(permit.release());
      expect((await settle(b.semaphores.acquire("s", { limit: 3 }))).isHeld).toBe(true);
    },
  );

  run(
    "permits of a client that is gone come back",
    async ({ a, client, settle, pass, overMs, ttl }) => {
      const { recipes, cut } = client("mortal");
      await settle(recipes.semaphores.acquire("s", { limit: 1, ttl }));
      const next = a.semaphores.acquire("s", { limit: 1 });
      cut();
      await pass(overMs);
      expect((await settle(next)).isHeld).toBe(true);
    },
  );
}

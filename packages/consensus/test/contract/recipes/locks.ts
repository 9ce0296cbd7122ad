/** The contract of recipes: locks. */
import { expect } from "@jest/globals";
import type { Test } from "./bench.js";

export function lockTests(run: Test): void {
  run(
    "a lock has one holder; the next gets it when it is released, with a greater token",
    async ({ a, b, settle, isOpen }) => {
      const first = await settle(a.locks.acquire("l"));
      const waiting = b.locks.acquire("l");
      expect(await isOpen(waiting)).toBe(true);
      expect(first.isHeld).toBe(true);
      await settle(first.release());
      expect(first.isHeld).toBe(false);
      const second = await settle(waiting);
      expect(second.token).toBeGreaterThan(first.token);
      expect(second.isHeld).toBe(true);
      expect(first.signal.aborted).toBe(false);
      await settle(first.release());
      expect(second.isHeld).toBe(true);
    },
  );

  run(
    "locks of different names do not wait for each other, whatever their names are",
    async ({ a, b, settle }) => {
      const names = ["x", "x/y", "x%2Fy", "ü", "x ", "%"];
      const locks = await settle(Promise.all(names.map((name) => a.locks.acquire(name))));
      expect(await settle(b.locks.tryAcquire("x"))).toBeUndefined();
      await settle(Promise.all(locks.map((lock) => lock.release())));
      expect(await settle(b.locks.tryAcquire("x"))).toBeDefined();
    },
  );

  run("waiters get a lock in the order in which they came", async ({ a, b, settle, isOpen }) => {
    const order: number[] = [];
    let held = await settle(a.locks.acquire("l"));
    const waiting: Promise<typeof held>[] = [];
    for (let i = 0; i < 6; i += 1) {
      const next = (i % 2 ? a : b).locks.acquire("l");
      waiting.push(next);
      expect(await isOpen(next)).toBe(true);
    }
    for (const [i, next] of waiting.entries()) {
      void next.then(() => order.push(i));
      await settle(held.release());
      held = await settle(next);
    }
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await settle(a.locks.inspect("l"))).waiting).toEqual([]);
  });

  run("tryAcquire and wait: false do not wait", async ({ a, b, settle, code }) => {
    const lock = await settle(a.locks.acquire("l", { owner: "task 1" }));
    expect(await settle(b.locks.tryAcquire("l"))).toBeUndefined();
    expect(await code(b.locks.acquire("l", { wait: false }))).toBe("ERR_LOCK_HELD");
    await settle(lock.release());
    const other = await settle(b.locks.tryAcquire("l"));
    expect(other?.token).toBeGreaterThan(lock.token);
  });

  run(
    "one who gives up waiting leaves the queue and holds nobody up",
    async ({ a, b, settle, code, isOpen }) => {
      const lock = await settle(a.locks.acquire("l"));
      const stop = new AbortController();
      const aborted = b.locks.acquire("l", { signal: stop.signal });
      expect(await isOpen(aborted)).toBe(true);
      const next = a.locks.acquire("l");
      expect(await isOpen(next)).toBe(true);
      stop.abort();
      expect(await code(aborted)).toBe("ERR_ABORTED");
      expect(await code(b.locks.acquire("l", { timeout: 200 }))).toBe("ERR_TIMEOUT");
      await settle(lock.release());
      expect((await settle(next)).isHeld).toBe(true);
    },
  );

  run("inspect tells who holds and who waits, in order", async ({ a, b, settle, isOpen }) => {
    expect(await settle(a.locks.inspect("l"))).toEqual({ holder: undefined, waiting: [] });
    const { token } = await settle(a.locks.acquire("l", { owner: "import" }));
    expect(await isOpen(b.locks.acquire("l"))).toBe(true);
    const { holder, waiting } = await settle(b.locks.inspect("l"));
    expect(holder).toEqual({ client: "a", owner: "import", token });
    expect(waiting.map(({ client }) => client)).toEqual(["b"]);
  });

  run(
    "an owner that asks for what it has is refused, another of the same client waits",
    async ({ a, settle, code, isOpen }) => {
      const lock = await settle(a.locks.acquire("l", { owner: "one" }));
      expect(await code(a.locks.acquire("l", { owner: "one" }))).toBe("ERR_LOCK_REENTRANT");
      const other = a.locks.acquire("l", { owner: "two" });
      expect(await isOpen(other)).toBe(true);
      await settle(lock.release());
      await settle((await settle(other)).release());
      await settle((await settle(a.locks.acquire("l", { owner: "one" }))).release());
    },
  );

  run(
    "a holder that is cut off knows before another gets the lock",
    async ({ b, client, settle, pass, isOpen, ttl, overMs }) => {
      const { recipes, cut } = client("lonely");
      const lock = await settle(recipes.locks.acquire("l", { ttl }));
      await pass(3 * ttl);
      expect(lock.isHeld).toBe(true);
      const next = b.locks.acquire("l", { ttl });
      let held: boolean | undefined;
      void next.then(() => {
        held = lock.isHeld;
      });
      expect(await isOpen(next)).toBe(true);
      cut();
      await pass(overMs);
      expect((await settle(next)).token).toBeGreaterThan(lock.token);
      expect(held).toBe(false);
      expect(lock.signal.aborted).toBe(true);
      expect((lock.signal.reason as { code?: string }).code).toBe("ERR_LEASE_LOST");
      await settle(lock.release());
    },
  );

  run("names that are none are refused", async ({ a, code }) => {
    for (const name of ["", "x".repeat(300), "\ud800"]) {
      expect(await code(a.locks.acquire(name))).toBe("ERR_INVALID_ARGUMENT");
    }
    expect(await code(a.locks.acquire("l", { ttl: "soon" as never }))).toBe("ERR_INVALID_ARGUMENT");
  });

  run(
    "closing releases what is held, ends what waits, and takes no more",
    async ({ a, b, settle, code, isOpen }) => {
      const lock = await settle(a.locks.acquire("l"));
      const waiting = b.locks.acquire("l");
      expect(await isOpen(waiting)).toBe(true);
      await settle(a.locks.close());
      expect(lock.isHeld).toBe(false);
      const last = await settle(waiting);
      const third = b.locks.acquire("l");
      expect(await isOpen(third)).toBe(true);
      const ended = code(third);
      await settle(b.locks.close());
      expect(await ended).toBe("ERR_CLOSED");
      expect(last.isHeld).toBe(false);
      expect(await code(a.locks.acquire("l"))).toBe("ERR_CLOSED");
    },
  );
}

/** An engine that moves from one place in the group to another under its users. */
import { expect, test } from "@jest/globals";
import { createMemoryEngine, type Engine } from "@foundation/consensus";
import { virtualClock } from "@foundation/core/testing";
import { lazyEngine } from "../../../src/consensus/lazy-engine.js";

const clock = virtualClock();
const value = Uint8Array.of(1);

async function put(engine: Engine, ...keys: string[]): Promise<void> {
  for (const key of keys) await engine.txn({ then: [{ type: "put", key, value }] });
}

async function keyOf(changes: AsyncIterator<{ readonly changes: readonly unknown[] }>) {
  const { value: batch } = await changes.next();
  const [change] = batch.changes as readonly { readonly pair: { readonly key: string } }[];
  return change?.pair.key;
}

/** Two members that hold the same; the second one is used once the first is closed. */
function pair() {
  const engines = [createMemoryEngine({ clock }), createMemoryEngine({ clock })] as const;
  const [first, second] = engines;
  let now: Engine = first;
  const move = async (): Promise<void> => {
    now = second;
    await first.close();
  };
  return { first, second, move, lazy: lazyEngine(() => Promise.resolve(now)) };
}

test("a watch goes on where its engine's successor is, and misses and repeats nothing", async () => {
  await clock.run(
    (async () => {
      const { first, second, move, lazy } = pair();
      await put(first, "a");
      const watch = lazy.watch({ key: "a", end: "z" });
      await watch.ready();
      await put(first, "b");
      await put(second, "a", "b", "c");
      const changes = watch[Symbol.asyncIterator]();
      expect(await keyOf(changes)).toBe("b");
      const next = keyOf(changes);
      await move();
      expect(await next).toBe("c");
      await put(second, "d");
      expect(await keyOf(changes)).toBe("d");
      await watch.close();
    })(),
  );
});

test("one that has given nothing yet goes on from where it began", async () => {
  await clock.run(
    (async () => {
      const { first, second, move, lazy } = pair();
      await put(first, "a");
      await put(second, "a", "b");
      const watch = lazy.watch({ key: "a", end: "z" });
      await watch.ready();
      const next = keyOf(watch[Symbol.asyncIterator]());
      await move();
      expect(await next).toBe("b");
      await watch.close();
    })(),
  );
});

test("it ends when nobody takes the place of its engine, and when it is closed", async () => {
  await clock.run(
    (async () => {
      const { first, lazy } = pair();
      const watch = lazy.watch({ key: "a" });
      await watch.ready();
      const next = watch[Symbol.asyncIterator]().next();
      await first.close();
      expect(await next).toMatchObject({ done: true });
      const other = pair().lazy.watch({ key: "a" });
      const end = other[Symbol.asyncIterator]().next();
      await other.close();
      expect(await end).toMatchObject({ done: true });
    })(),
  );
});

test("a request to an engine that was closed under it is asked of the next one", async () => {
  await clock.run(
    (async () => {
      const { first, second, lazy } = pair();
      let opened = 0;
      const moved = lazyEngine(async () => (opened++ === 0 ? first : second));
      await first.close();
      await put(moved, "a");
      expect((await second.txn({ then: [{ type: "range", key: "a" }] })).revision).toBeGreaterThan(
        0,
      );
      await expect(put(lazy, "a")).rejects.toMatchObject({ code: "ERR_CLOSED" });
    })(),
  );
});

/** engineContract, watches: every change once, in order, from any revision. */
import { describe, expect, test } from "@jest/globals";
import {
  type Operation,
  type Revision,
  type Watch,
  type WatchBatch,
  rangeOf,
} from "../../../src/engine/engine.js";
import { type EngineWorld, utf8, inWords } from "./world.js";

export function watchTests(world: EngineWorld): void {
  const { txn, put, code, next, settle } = world;
  describe("watches", () => {
    const from = (watch: Watch): Promise<Revision> => settle(watch.ready());

    test("every change comes once, in order, and ready tells the first revision it gives", async () => {
      const { revision } = await put("b", "before");
      const watch = world.engine.watch(rangeOf(""));
      expect(await from(watch)).toBe(revision + 1);
      await put("a", "1");
      await put("a", "2");
      await txn({ type: "delete", key: "a" });
      expect(await next(watch)).toBe(`${revision + 1}: a=1`);
      expect(await next(watch)).toBe(`${revision + 2}: a=2 was 1`);
      expect(await next(watch)).toBe(`${revision + 3}: -a was 2`);
      await settle(watch.close());
    });

    test("a reader that waits is woken, also by another client's change", async () => {
      const watch = world.engine.watch({ key: "a" });
      const first = await from(watch);
      const waiting = watch[Symbol.asyncIterator]().next();
      await settle(world.other.txn({ then: [{ type: "put", key: "a", value: utf8.encode("1") }] }));
      const { value } = await settle(waiting);
      expect(inWords(value as WatchBatch)).toBe(`${first}: a=1`);
      await settle(watch.close());
    });

    test("a batch has all changes of one revision in the range, and no others", async () => {
      const watch = world.engine.watch(rangeOf("b/"));
      const first = await from(watch);
      const operations = ["a", "b/1", "b/2", "c"].map(
        (key): Operation => ({ type: "put", key, value: utf8.encode("1") }),
      );
      await txn(...operations);
      await put("c", "2");
      await put("b/3", "3");
      expect(await next(watch)).toBe(`${first}: b/1=1 b/2=1`);
      expect(await next(watch)).toBe(`${first + 2}: b/3=3`);
      await settle(watch.close());
    });

    test("a reader that waits gets a revision of many changes once", async () => {
      const watch = world.engine.watch(rangeOf(""));
      const first = await from(watch);
      const waiting = watch[Symbol.asyncIterator]().next();
      const both = ["a", "b"].map(
        (key): Operation => ({ type: "put", key, value: utf8.encode("1") }),
      );
      await txn(...both);
      expect(inWords((await settle(waiting)).value as WatchBatch)).toBe(`${first}: a=1 b=1`);
      await put("c", "2");
      expect(await next(watch)).toBe(`${first + 1}: c=2`);
      await settle(watch.close());
    });

    test("a watch of one key sees that key alone", async () => {
      const watch = world.engine.watch({ key: "a" });
      const first = await from(watch);
      await put("a0", "no");
      await put("a", "yes");
      expect(await next(watch)).toBe(`${first + 1}: a=yes`);
      await settle(watch.close());
    });

    test("a watch from the past gives the past first, then goes on", async () => {
      const { revision } = await put("a", "1");
      await put("b", "1");
      await put("a", "2");
      const watch = world.engine.watch({ key: "a" }, { from: revision });
      expect(await from(watch)).toBe(revision);
      expect(await next(watch)).toBe(`${revision}: a=1`);
      expect(await next(watch)).toBe(`${revision + 2}: a=2 was 1`);
      await put("a", "3");
      expect(await next(watch)).toBe(`${revision + 3}: a=3 was 2`);
      await settle(watch.close());
    });

    test("a watch from the future gives nothing before", async () => {
      const { revision } = await put("a", "1");
      const watch = world.engine.watch({ key: "a" }, { from: revision + 2 });
      await put("a", "2");
      await put("a", "3");
      expect(await next(watch)).toBe(`${revision + 2}: a=3 was 2`);
      await settle(watch.close());
    });

    test("a watch from what is forgotten rejects, and one from what is kept goes on", async () => {
      const { revision } = await put("a", "1");
      await put("a", "2");
      await put("a", "3");
      await settle(world.engine.compact(revision + 1));
      const forgotten = world.engine.watch({ key: "a" }, { from: revision });
      expect(await code(forgotten[Symbol.asyncIterator]().next())).toBe("ERR_REVISION_COMPACTED");
      await settle(forgotten.close());
      const kept = world.engine.watch({ key: "a" }, { from: revision + 2 });
      expect(await next(kept)).toContain(`${revision + 2}: a=3`);
      await settle(kept.close());
    });

    test("a watch that has nothing to give outlives compaction", async () => {
      const watch = world.engine.watch({ key: "a" });
      await from(watch);
      await put("b", "1");
      const { revision } = await put("b", "2");
      await settle(world.engine.compact(revision));
      await put("a", "1");
      expect(await next(watch)).toBe(`${revision + 1}: a=1`);
      await settle(watch.close());
    });

    test("a watch ends for its reader when it is closed, and closing twice is nothing", async () => {
      const watch = world.engine.watch({ key: "a" });
      await from(watch);
      const waiting = watch[Symbol.asyncIterator]().next();
      await settle(watch.close());
      await settle(watch.close());
      expect((await settle(waiting)).done).toBe(true);
      expect(await next(watch)).toBe("end");
    });

    test("a watch ends when its signal fires, and leaving the loop closes it", async () => {
      const controller = new AbortController();
      const watch = world.engine.watch({ key: "a" }, { signal: controller.signal });
      await from(watch);
      const waiting = watch[Symbol.asyncIterator]().next();
      controller.abort();
      expect((await settle(waiting)).done).toBe(true);
      const left = world.engine.watch({ key: "b" });
      await from(left);
      await put("b", "1");
      await settle(
        (async () => {
          for await (const { changes } of left) {
            expect(changes).toHaveLength(1);
            break;
          }
        })(),
      );
      expect(await next(left)).toBe("end");
    });

    test("many watches each get their own changes", async () => {
      const watches = Array.from({ length: 20 }, (_, i) => world.engine.watch({ key: `k${i}` }));
      for (const watch of watches) await from(watch);
      for (let i = 0; i < watches.length; i += 1) await put(`k${i}`, String(i));
      for (const [i, watch] of watches.entries()) {
        expect(await next(watch)).toMatch(new RegExp(`^\\d+: k${i}=${i}$`));
        await settle(watch.close());
      }
    });
  });
}

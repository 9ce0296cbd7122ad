/** The contract of recipes: watches of keys. */
import { expect } from "@jest/globals";
import { take, brief, type Test } from "./bench.js";

export function watchTests(run: Test): void {
  run(
    "a watch gives every change of its keys once, in order, with what was before",
    async ({ a, b, settle }) => {
      const watch = a.kv.watch<number>("w/");
      await settle(watch.ready());
      const made = await settle(b.kv.put("w/1", 1));
      await settle(b.kv.put("other", 1));
      await settle(b.kv.put("w/1", 2));
      await settle(b.kv.delete("w/1"));
      const events = await settle(take(watch, 3));
      expect(events.map(brief)).toEqual(["put w/1 1", "put w/1 2 was 1", "delete w/1 was 2"]);
      expect(events[0]?.revision).toBe(made);
      await settle(watch.close());
      expect((await settle(watch.next())).done).toBe(true);
    },
  );

  run(
    "a watch from a revision gives what happened since, a watch of one key only that key",
    async ({ a, settle }) => {
      const first = await settle(a.kv.put("w", 1));
      await settle(a.kv.put("wx", 1));
      await settle(a.kv.put("w", 2));
      const watch = a.kv.watch({ key: "w" }, { from: first });
      expect((await settle(take(watch, 2))).map(brief)).toEqual(["put w 1", "put w 2 was 1"]);
      await settle(watch.close());
    },
  );

  run("a watch that begins with what there is misses nothing between", async ({ a, settle }) => {
    await settle(a.kv.put("w/1", 1));
    const watch = a.kv.watch("w/", { initial: true });
    const [snapshot] = await settle(take(watch, 1));
    await settle(a.kv.put("w/2", 2));
    expect(snapshot?.type === "snapshot" && snapshot.entries.map(({ key }) => key)).toEqual([
      "w/1",
    ]);
    expect((await settle(take(watch, 1))).map(brief)).toEqual(["put w/2 2"]);
    await settle(watch.close());
  });

  run("the signal ends a watch without an error", async ({ a, settle }) => {
    const stop = new AbortController();
    const watch = a.kv.watch("w/", { signal: stop.signal });
    await settle(watch.ready());
    const next = watch.next();
    stop.abort();
    expect((await settle(next)).done).toBe(true);
  });
}

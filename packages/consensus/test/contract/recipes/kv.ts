/** The contract of recipes: keys and values. */
import { expect } from "@jest/globals";
import { step, when, type KvEntry } from "../../../src/index.js";
import type { Test } from "./bench.js";

export function kvTests(run: Test): void {
  run("get gives what put put, and undefined for what is not there", async ({ a, b, settle }) => {
    expect(await settle(a.kv.get("k"))).toBeUndefined();
    const value = { at: new Date(0), tags: new Set(["x"]), list: [1, null, "z"] };
    const revision = await settle(a.kv.put("k", value));
    expect(await settle(b.kv.get("k"))).toEqual(value);
    expect(await settle(b.kv.getEntry("k"))).toEqual({
      key: "k",
      value,
      revision,
      createRevision: revision,
      version: 1,
    });
  });

  run("delete says whether there was something", async ({ a, b, settle }) => {
    await settle(a.kv.put("k", 1));
    expect(await settle(b.kv.delete("k"))).toBe(true);
    expect(await settle(b.kv.delete("k"))).toBe(false);
    expect(await settle(a.kv.get("k"))).toBeUndefined();
  });

  run("undefined is no value: it cannot be put", async ({ a, code }) => {
    expect(await code(a.kv.put("k", undefined))).toBe("ERR_INVALID_ARGUMENT");
    expect(await code(a.kv.put("", 1))).toBe("ERR_INVALID_ARGUMENT");
  });

  run(
    "compareAndSet makes, changes and removes only what is as expected",
    async ({ a, settle }) => {
      const swap = (expected: unknown, next: unknown) =>
        settle(a.kv.compareAndSet("k", expected, next));
      expect(await swap("x", "y")).toBe(false);
      expect(await swap(undefined, "x")).toBe(true);
      expect(await swap(undefined, "y")).toBe(false);
      expect(await swap("x", "y")).toBe(true);
      expect(await settle(a.kv.get("k"))).toBe("y");
      expect(await swap("y", undefined)).toBe(true);
      expect(await settle(a.kv.get("k"))).toBeUndefined();
    },
  );

  run("compareAndSet compares values, not the order of their fields", async ({ a, settle }) => {
    await settle(a.kv.put("k", { one: 1, two: 2 }));
    expect(await settle(a.kv.compareAndSet("k", { two: 2, one: 2 }, "no"))).toBe(false);
    expect(await settle(a.kv.compareAndSet("k", { two: 2, one: 1 }, "yes"))).toBe(true);
    expect(await settle(a.kv.get("k"))).toBe("yes");
  });

  run("of many that compare and set one value at once, one does", async ({ a, b, settle }) => {
    await settle(a.kv.put("k", 0));
    const tries = Array.from({ length: 10 }, (_, i) =>
      (i % 2 ? a : b).kv.compareAndSet("k", 0, i + 1),
    );
    const done = await settle(Promise.all(tries));
    expect(done.filter(Boolean)).toHaveLength(1);
    expect(await settle(a.kv.get("k"))).toBe(done.indexOf(true) + 1);
  });

  run(
    "a transaction does its then if all conditions hold, and its else if not",
    async ({ a, settle }) => {
      const enrol = () =>
        settle(
          a.kv.transaction({
            if: [when("leader").isAbsent(), when("term").version("=", 0)],
            then: [step.put("leader", "n1"), step.put("term", 1)],
            else: [step.get<string>("leader"), step.remove("nothing")],
          }),
        );
      const first = await enrol();
      expect(first.succeeded && first.results).toEqual([undefined, undefined]);
      const second = await enrol();
      if (second.succeeded) throw new Error("the conditions do not hold");
      const [leader, removed] = second.results;
      const entry: KvEntry<string> | undefined = leader;
      expect(entry?.value).toBe("n1");
      expect(removed).toBe(false);
      expect(second.revision).toBe(first.revision);
      const third = await settle(
        a.kv.transaction({
          if: [when("leader").equals("n1"), when("term").revision("=", first.revision)],
          then: [step.remove("leader"), step.get<number>("term")],
        }),
      );
      expect(third.succeeded && third.results[0]).toBe(true);
      expect(third.succeeded && third.results[1]?.value).toBe(1);
    },
  );

  run(
    "a range gives what begins with a prefix, in order and page by page, as of one revision",
    async ({ a, settle }) => {
      const names = Array.from({ length: 25 }, (_, i) => `p/${String(i).padStart(2, "0")}`);
      for (const key of [...names, "o", "q"]) await settle(a.kv.put(key, key));
      const seen: string[] = [];
      const entries = a.kv.range<string>("p/", { pageSize: 4 });
      for (let at = 0; ; at += 1) {
        const { done, value } = await settle(entries.next());
        if (done) break;
        seen.push(value.value);
        if (at === 2) {
          await settle(a.kv.put("p/999", "later"));
          await settle(a.kv.delete("p/10"));
        }
      }
      expect(seen).toEqual(names);
      const some: string[] = [];
      const few = a.kv.range({ from: "p/03", to: "p/20" }, { limit: 3, pageSize: 2 });
      for (let next = await settle(few.next()); !next.done; next = await settle(few.next())) {
        some.push(next.value.key);
      }
      expect(some).toEqual(["p/03", "p/04", "p/05"]);
      expect(await settle(a.kv.deleteRange("p/"))).toBe(25);
    },
  );

  run(
    "a value with a time to live is there until it has passed, and goes by itself",
    async ({ a, settle, pass, ttl, overMs }) => {
      await settle(a.kv.put("k", 1, { ttl }));
      expect(await settle(a.kv.compareAndSet("k", 2, 3, { ttl }))).toBe(false);
      await pass(ttl / 2);
      expect(await settle(a.kv.get("k"))).toBe(1);
      await pass(overMs);
      expect(await settle(a.kv.get("k"))).toBeUndefined();
    },
  );

  run("keys of other recipes are out of reach", async ({ a, settle }) => {
    await settle(a.locks.acquire("l"));
    await settle(a.kv.put("k", 1));
    const all = a.kv.range("");
    expect((await settle(all.next())).value?.key).toBe("k");
    expect((await settle(all.next())).done).toBe(true);
  });
}

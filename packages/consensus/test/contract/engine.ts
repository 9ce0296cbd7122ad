/**
 * engineContract: what every Engine must do, sentence by sentence of src/engine/engine.ts.
 *
 * It runs in memory, on a group, and on a real etcd, so it waits only through `settle` and `pass`, and compares only
 * what all of them promise: a lease's end may be late, never early; revisions begin where they are found.
 */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { FoundationError } from "@foundation/core";
import {
  type Engine,
  type KeyValue,
  type Operation,
  rangeOf,
  type Revision,
  type TransactionResult,
  type Watch,
  type WatchBatch,
} from "../../src/engine/engine.js";

export interface EngineContractSetup {
  /** A new engine over an empty keyspace; the suite closes it. */
  create(): Promise<Engine> | Engine;
  /** A second engine over the keyspace of the last one created. @default tests with two clients use the first twice */
  another?(): Promise<Engine> | Engine;
  /** Lets so much time pass for the engine. @default real time */
  pass?(ms: number): Promise<void>;
  /** Gives a promise's value, letting time pass as it needs. @default awaits it */
  settle?<T>(promise: Promise<T>): Promise<T>;
  /** The shortest lease to ask for, milliseconds. @default 1_000 */
  leaseMs?: number;
  /** How much later than its time a lease may end, milliseconds. @default 1_000 */
  leaseLateMs?: number;
  /** After the last test of a keyspace. */
  dispose?(): Promise<void> | void;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

export function engineContract(name: string, setup: EngineContractSetup): void {
  const settle = setup.settle ?? (<T>(promise: Promise<T>) => promise);
  const pass = setup.pass ?? ((ms: number) => new Promise<void>((done) => setTimeout(done, ms)));
  const leaseMs = setup.leaseMs ?? 1_000;
  const lateMs = setup.leaseLateMs ?? 1_000;
  let engine: Engine;
  let other: Engine;

  const txn = (...then: Operation[]): Promise<TransactionResult> => settle(engine.txn({ then }));
  const put = (key: string, value: string, lease?: string): Promise<TransactionResult> =>
    txn({ type: "put", key, value: utf8.encode(value), ...(lease !== undefined && { lease }) });
  const read = async (range: Omit<Extract<Operation, { type: "range" }>, "type">) => {
    const { results } = await txn({ type: "range", ...range });
    const [result] = results;
    if (result?.type !== "range") throw new Error(`a range answered ${result?.type}`);
    return result;
  };
  const get = async (key: string): Promise<KeyValue | undefined> => (await read({ key })).pairs[0];
  const keys = async (prefix = ""): Promise<string[]> =>
    (await read(rangeOf(prefix))).pairs.map(({ key }) => key);
  const code = async (promise: Promise<unknown>): Promise<string> => {
    try {
      await settle(promise);
    } catch (error) {
      return (error as FoundationError).code;
    }
    return "resolved";
  };
  /** The next batch, in words. */
  const next = async (watch: Watch): Promise<string> => {
    const { value, done } = await settle(watch[Symbol.asyncIterator]().next());
    return done === true ? "end" : inWords(value);
  };

  describe(`the engine ${name}`, () => {
    beforeEach(async () => {
      engine = await setup.create();
      other = (await setup.another?.()) ?? engine;
    });

    afterEach(async () => {
      if (other !== engine) await settle(other.close());
      await settle(engine.close());
      await setup.dispose?.();
    });

    describe("keys", () => {
      test("a key that was put is read with its revisions, and another client reads it too", async () => {
        const first = await put("sky", "blue");
        const second = await put("sky", "grey");
        expect(second.revision).toBe(first.revision + 1);
        const pair = await get("sky");
        expect(pair).toMatchObject({
          key: "sky",
          createRevision: first.revision,
          modRevision: second.revision,
          version: 2,
        });
        expect(pair?.lease).toBeUndefined();
        expect(text.decode(pair?.value)).toBe("grey");
        const { results } = await settle(other.txn({ then: [{ type: "range", key: "sky" }] }));
        expect(results).toEqual([{ type: "range", pairs: [pair], count: 1 }]);
      });

      test("a key that is not there is an empty range, and reading changes no revision", async () => {
        const { revision } = await put("there", "1");
        const result = await txn({ type: "range", key: "not-there" });
        expect(result).toEqual({
          succeeded: true,
          revision,
          results: [{ type: "range", pairs: [], count: 0 }],
        });
      });

      test("a put tells what it replaced, a delete what it deleted", async () => {
        const first = await put("sky", "blue");
        expect(first.results).toEqual([{ type: "put" }]);
        const before = await get("sky");
        const second = await put("sky", "grey");
        expect(second.results).toEqual([{ type: "put", previous: before }]);
        const last = await get("sky");
        const third = await txn({ type: "delete", key: "sky" });
        expect(third.results).toEqual([{ type: "delete", previous: [last] }]);
        expect(third.revision).toBe(second.revision + 1);
        expect(await get("sky")).toBeUndefined();
      });

      test("deleting what is not there changes no revision", async () => {
        const { revision } = await put("there", "1");
        const result = await txn({ type: "delete", key: "not-there" });
        expect(result).toEqual({
          succeeded: true,
          revision,
          results: [{ type: "delete", previous: [] }],
        });
      });

      test("a key that was deleted and made again begins anew", async () => {
        await put("sky", "blue");
        await txn({ type: "delete", key: "sky" });
        const { revision } = await put("sky", "red");
        expect(await get("sky")).toMatchObject({
          createRevision: revision,
          modRevision: revision,
          version: 1,
        });
      });

      test("values may be empty and hold any byte; changing one that was given changes nothing", async () => {
        const value = Uint8Array.from({ length: 256 }, (_, i) => i);
        const given = Uint8Array.from(value);
        await txn(
          { type: "put", key: "bytes", value: given },
          { type: "put", key: "none", value: new Uint8Array(0) },
        );
        given.fill(1);
        const pair = await get("bytes");
        expect(Uint8Array.from(pair?.value ?? [])).toEqual(value);
        pair?.value.fill(2);
        expect(Uint8Array.from((await get("bytes"))?.value ?? [])).toEqual(value);
        expect((await get("none"))?.value).toHaveLength(0);
      });

      test("an empty key, half a surrogate pair and the last character are refused", async () => {
        for (const key of ["", "a\ud800", "\udc00", "z\u{10ffff}"]) {
          expect(await code(put(key, "1"))).toBe("ERR_INVALID_ARGUMENT");
        }
        expect(await keys()).toEqual([]);
      });
    });

    describe("ranges", () => {
      test("keys come in the order of their UTF-8 bytes", async () => {
        const ordered = [
          "\u0001",
          "A",
          "a",
          "a\0",
          "a/",
          "aa",
          "é",
          "\ud7ff",
          "\ue000",
          "\uffff",
          "\u{10000}",
          "😀",
        ];
        for (const key of [...ordered].reverse()) await put(key, key);
        expect(await keys()).toEqual(ordered);
        const { pairs } = await read({ key: "\ue000", end: "\u{10000}" });
        expect(pairs.map(({ key }) => key)).toEqual(["\ue000", "\uffff"]);
      });

      test("a range is from its key up to, not including, its end", async () => {
        for (const key of ["a", "b", "c", "d"]) await put(key, key);
        const { pairs, count } = await read({ key: "b", end: "d" });
        expect(pairs.map(({ key }) => key)).toEqual(["b", "c"]);
        expect(count).toBe(2);
        expect(await read({ key: "d", end: "b" })).toEqual({ type: "range", pairs: [], count: 0 });
        expect(await read({ key: "b", end: "b" })).toEqual({ type: "range", pairs: [], count: 0 });
      });

      test("the range of a prefix has the keys that begin with it, and no other", async () => {
        for (const key of ["a", "b", "b/1", "b/\uffff😀", "b0", "c"]) await put(key, key);
        expect(await keys("b/")).toEqual(["b/1", "b/\uffff😀"]);
        expect(await keys("b")).toEqual(["b", "b/1", "b/\uffff😀", "b0"]);
      });

      test("a limit gives the first keys, and the count of all", async () => {
        for (const key of ["a", "b", "c", "d"]) await put(key, key);
        const { pairs, count } = await read({ ...rangeOf(""), limit: 2 });
        expect(pairs.map(({ key }) => key)).toEqual(["a", "b"]);
        expect(count).toBe(4);
      });

      test("keys alone come without values", async () => {
        const { revision } = await put("a", "long");
        const { pairs } = await read({ key: "a", keysOnly: true });
        expect(pairs).toHaveLength(1);
        expect(pairs[0]).toMatchObject({ key: "a", modRevision: revision, version: 1 });
        expect(pairs[0]?.value).toHaveLength(0);
      });

      test("a range at a past revision is as it was, with its count and limit", async () => {
        await put("a", "1");
        await put("c", "1");
        const { revision } = await put("d", "1");
        await put("b", "2");
        await txn({ type: "delete", key: "c" }, { type: "put", key: "d", value: utf8.encode("2") });
        expect(await keys()).toEqual(["a", "b", "d"]);
        const past = await read({ ...rangeOf(""), revision });
        expect(past.pairs.map(({ key, value }) => key + text.decode(value))).toEqual([
          "a1",
          "c1",
          "d1",
        ]);
        expect(past.count).toBe(3);
        const limited = await read({ ...rangeOf(""), revision, limit: 2 });
        expect(limited.pairs.map(({ key }) => key)).toEqual(["a", "c"]);
        expect(limited.count).toBe(3);
      });

      test("a revision that has not been yet is refused", async () => {
        const { revision } = await put("a", "1");
        expect(await code(read({ key: "a", revision: revision + 1 }))).toBe("ERR_INVALID_ARGUMENT");
      });
    });

    describe("transactions", () => {
      test("all changes share one revision, and results stand in the places of their operations", async () => {
        const before = await put("b", "0");
        const result = await txn(
          { type: "put", key: "a", value: utf8.encode("1") },
          { type: "delete", key: "b" },
          { type: "put", key: "c", value: utf8.encode("1") },
          { type: "range", key: "a" },
        );
        expect(result.revision).toBe(before.revision + 1);
        expect(result.results.map(({ type }) => type)).toEqual(["put", "delete", "put", "range"]);
        expect((await get("a"))?.modRevision).toBe(result.revision);
        expect((await get("c"))?.modRevision).toBe(result.revision);
      });

      test("a range sees the puts and deletes before it and none after it", async () => {
        await put("a", "0");
        const { results, revision } = await txn(
          { type: "range", ...rangeOf("") },
          { type: "put", key: "b", value: utf8.encode("1") },
          { type: "delete", key: "a" },
          { type: "range", ...rangeOf("") },
        );
        const [first, , , last] = results;
        if (first?.type !== "range" || last?.type !== "range") throw new Error("not ranges");
        expect(first.pairs.map(({ key }) => key)).toEqual(["a"]);
        expect(last.pairs.map(({ key }) => key)).toEqual(["b"]);
        expect(last.pairs[0]?.modRevision).toBe(revision);
      });

      test("without comparisons, or when all hold, `then` is done; else `else`, or nothing", async () => {
        const { revision } = await put("a", "1");
        const done = utf8.encode("done");
        const held = await settle(
          engine.txn({
            if: [
              { key: "a", target: "version", is: "=", than: 1 },
              { key: "a", target: "modRevision", is: "=", than: revision },
            ],
            then: [{ type: "put", key: "then", value: done }],
            else: [{ type: "put", key: "else", value: done }],
          }),
        );
        expect(held.succeeded).toBe(true);
        const failed = await settle(
          engine.txn({
            if: [
              { key: "a", target: "version", is: "=", than: 1 },
              { key: "a", target: "modRevision", is: "=", than: revision + 7 },
            ],
            then: [{ type: "put", key: "wrong", value: done }],
            else: [{ type: "put", key: "else", value: done }],
          }),
        );
        expect(failed.succeeded).toBe(false);
        const neither = await settle(
          engine.txn({
            if: [{ key: "a", target: "version", is: "=", than: 9 }],
            then: [{ type: "put", key: "wrong", value: done }],
          }),
        );
        expect(neither).toEqual({ succeeded: false, revision: failed.revision, results: [] });
        expect(await keys()).toEqual(["a", "else", "then"]);
      });

      test("numbers are compared by =, !=, < and >", async () => {
        await put("a", "1");
        await put("a", "2");
        const holds = async (is: "=" | "!=" | "<" | ">", than: number) =>
          (await settle(engine.txn({ if: [{ key: "a", target: "version", is, than }], then: [] })))
            .succeeded;
        expect([await holds("=", 2), await holds("=", 1)]).toEqual([true, false]);
        expect([await holds("!=", 1), await holds("!=", 2)]).toEqual([true, false]);
        expect([await holds("<", 3), await holds("<", 2)]).toEqual([true, false]);
        expect([await holds(">", 1), await holds(">", 2)]).toEqual([true, false]);
      });

      test("a key that is not there has version and revisions 0, no lease, and no value", async () => {
        const holds = async (comparison: Parameters<Engine["txn"]>[0]["if"]) =>
          (await settle(engine.txn({ ...(comparison && { if: comparison }), then: [] }))).succeeded;
        const key = "not-there";
        for (const target of ["version", "createRevision", "modRevision"] as const) {
          expect(await holds([{ key, target, is: "=", than: 0 }])).toBe(true);
          expect(await holds([{ key, target, is: ">", than: 0 }])).toBe(false);
        }
        expect(await holds([{ key, target: "lease", is: "=", than: undefined }])).toBe(true);
        expect(await holds([{ key, target: "value", is: "=", than: new Uint8Array(0) }])).toBe(
          false,
        );
      });

      test("values and leases are compared", async () => {
        const lease = await settle(engine.grantLease(60_000));
        await put("a", "blue", lease.id);
        const holds = async (one: NonNullable<Parameters<Engine["txn"]>[0]["if"]>[number]) =>
          (await settle(engine.txn({ if: [one], then: [] }))).succeeded;
        const [blue, grey] = [utf8.encode("blue"), utf8.encode("grey")];
        expect(await holds({ key: "a", target: "value", is: "=", than: blue })).toBe(true);
        expect(await holds({ key: "a", target: "value", is: "=", than: grey })).toBe(false);
        expect(await holds({ key: "a", target: "value", is: "!=", than: grey })).toBe(true);
        expect(await holds({ key: "a", target: "lease", is: "=", than: lease.id })).toBe(true);
        expect(await holds({ key: "a", target: "lease", is: "=", than: undefined })).toBe(false);
        expect(await holds({ key: "a", target: "lease", is: "!=", than: undefined })).toBe(true);
      });

      test("a key changed twice in one branch is refused, and nothing is changed", async () => {
        const value = utf8.encode("1");
        const twice: Operation = { type: "put", key: "a", value };
        expect(await code(txn(twice, twice))).toBe("ERR_INVALID_ARGUMENT");
        expect(await code(txn(twice, { type: "delete", key: "a" }))).toBe("ERR_INVALID_ARGUMENT");
        const all: Operation = { type: "delete", ...rangeOf("") };
        expect(await code(txn(twice, all))).toBe("ERR_INVALID_ARGUMENT");
        expect(await keys()).toEqual([]);
      });

      test("one of many that compare and set at once wins each round", async () => {
        await put("counter", "0");
        const increment = async (client: Engine): Promise<boolean> => {
          const { results } = await client.txn({ then: [{ type: "range", key: "counter" }] });
          const pair = results[0]?.type === "range" ? results[0].pairs[0] : undefined;
          if (!pair) throw new Error("the counter is gone");
          const value = utf8.encode(String(Number(text.decode(pair.value)) + 1));
          const { succeeded } = await client.txn({
            if: [{ key: "counter", target: "modRevision", is: "=", than: pair.modRevision }],
            then: [{ type: "put", key: "counter", value }],
          });
          return succeeded;
        };
        const clients = [engine, other, engine, other];
        const won = await settle(Promise.all(clients.map(increment)));
        const wins = won.filter(Boolean).length;
        expect(wins).toBeGreaterThanOrEqual(1);
        expect(text.decode((await get("counter"))?.value)).toBe(String(wins));
      });

      test("a request whose signal has fired is not applied", async () => {
        const signal = AbortSignal.abort(new Error("enough"));
        const operation: Operation = { type: "put", key: "a", value: utf8.encode("1") };
        expect(await code(engine.txn({ then: [operation] }, { signal }))).toBe("ERR_ABORTED");
        expect(await get("a")).toBeUndefined();
      });
    });

    describe("watches", () => {
      const from = (watch: Watch): Promise<Revision> => settle(watch.ready());

      test("every change comes once, in order, and ready tells the first revision it gives", async () => {
        const { revision } = await put("b", "before");
        const watch = engine.watch(rangeOf(""));
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
        const watch = engine.watch({ key: "a" });
        const first = await from(watch);
        const waiting = watch[Symbol.asyncIterator]().next();
        await settle(other.txn({ then: [{ type: "put", key: "a", value: utf8.encode("1") }] }));
        const { value } = await settle(waiting);
        expect(inWords(value as WatchBatch)).toBe(`${first}: a=1`);
        await settle(watch.close());
      });

      test("a batch has all changes of one revision in the range, and no others", async () => {
        const watch = engine.watch(rangeOf("b/"));
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
        const watch = engine.watch(rangeOf(""));
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
        const watch = engine.watch({ key: "a" });
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
        const watch = engine.watch({ key: "a" }, { from: revision });
        expect(await from(watch)).toBe(revision);
        expect(await next(watch)).toBe(`${revision}: a=1`);
        expect(await next(watch)).toBe(`${revision + 2}: a=2 was 1`);
        await put("a", "3");
        expect(await next(watch)).toBe(`${revision + 3}: a=3 was 2`);
        await settle(watch.close());
      });

      test("a watch from the future gives nothing before", async () => {
        const { revision } = await put("a", "1");
        const watch = engine.watch({ key: "a" }, { from: revision + 2 });
        await put("a", "2");
        await put("a", "3");
        expect(await next(watch)).toBe(`${revision + 2}: a=3 was 2`);
        await settle(watch.close());
      });

      test("a watch from what is forgotten rejects, and one from what is kept goes on", async () => {
        const { revision } = await put("a", "1");
        await put("a", "2");
        await put("a", "3");
        await settle(engine.compact(revision + 1));
        const forgotten = engine.watch({ key: "a" }, { from: revision });
        expect(await code(forgotten[Symbol.asyncIterator]().next())).toBe("ERR_REVISION_COMPACTED");
        await settle(forgotten.close());
        const kept = engine.watch({ key: "a" }, { from: revision + 2 });
        expect(await next(kept)).toContain(`${revision + 2}: a=3`);
        await settle(kept.close());
      });

      test("a watch that has nothing to give outlives compaction", async () => {
        const watch = engine.watch({ key: "a" });
        await from(watch);
        await put("b", "1");
        const { revision } = await put("b", "2");
        await settle(engine.compact(revision));
        await put("a", "1");
        expect(await next(watch)).toBe(`${revision + 1}: a=1`);
        await settle(watch.close());
      });

      test("a watch ends for its reader when it is closed, and closing twice is nothing", async () => {
        const watch = engine.watch({ key: "a" });
        await from(watch);
        const waiting = watch[Symbol.asyncIterator]().next();
        await settle(watch.close());
        await settle(watch.close());
        expect((await settle(waiting)).done).toBe(true);
        expect(await next(watch)).toBe("end");
      });

      test("a watch ends when its signal fires, and leaving the loop closes it", async () => {
        const controller = new AbortController();
        const watch = engine.watch({ key: "a" }, { signal: controller.signal });
        await from(watch);
        const waiting = watch[Symbol.asyncIterator]().next();
        controller.abort();
        expect((await settle(waiting)).done).toBe(true);
        const left = engine.watch({ key: "b" });
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
        const watches = Array.from({ length: 20 }, (_, i) => engine.watch({ key: `k${i}` }));
        for (const watch of watches) await from(watch);
        for (let i = 0; i < watches.length; i += 1) await put(`k${i}`, String(i));
        for (const [i, watch] of watches.entries()) {
          expect(await next(watch)).toMatch(new RegExp(`^\\d+: k${i}=${i}$`));
          await settle(watch.close());
        }
      });
    });

    describe("compaction", () => {
      test("what was before is forgotten, what is still there is not", async () => {
        const { revision } = await put("a", "1");
        await put("b", "1");
        await put("a", "2");
        await settle(engine.compact(revision + 2));
        expect(await code(read({ key: "a", revision }))).toBe("ERR_REVISION_COMPACTED");
        expect(
          text.decode((await read({ key: "b", revision: revision + 2 })).pairs[0]?.value),
        ).toBe("1");
        expect(await keys()).toEqual(["a", "b"]);
      });

      test("compacting again, or what is forgotten already, is nothing to do", async () => {
        await put("a", "1");
        const { revision } = await put("a", "2");
        await settle(engine.compact(revision));
        await settle(engine.compact(revision));
        await settle(engine.compact(revision - 1));
        expect(text.decode((await get("a"))?.value)).toBe("2");
      });

      test("what has not been cannot be forgotten", async () => {
        const { revision } = await put("a", "1");
        expect(await code(engine.compact(revision + 1))).toBe("ERR_INVALID_ARGUMENT");
      });
    });

    describe("leases", () => {
      const end = () => pass(lateMs);

      test("a lease is granted for at least what was asked for", async () => {
        const lease = await settle(engine.grantLease(leaseMs));
        expect(lease.ttlMs).toBeGreaterThanOrEqual(leaseMs);
        const second = await settle(engine.grantLease(leaseMs));
        expect(second.id).not.toBe(lease.id);
        await settle(engine.revokeLease(lease.id));
        await settle(engine.revokeLease(second.id));
      });

      test("its keys are deleted together when it runs out, and not before", async () => {
        const { id, ttlMs } = await settle(engine.grantLease(leaseMs));
        const puts = ["a", "b"].map(
          (key): Operation => ({ type: "put", key, value: utf8.encode(key), lease: id }),
        );
        const { revision } = await txn(...puts, { type: "put", key: "c", value: utf8.encode("c") });
        expect((await get("a"))?.lease).toBe(id);
        const watch = engine.watch(rangeOf(""), { from: revision + 1 });
        await settle(watch.ready());
        await pass(ttlMs * 0.6);
        expect(await keys()).toEqual(["a", "b", "c"]);
        await pass(ttlMs * 0.4);
        await end();
        expect(await keys()).toEqual(["c"]);
        expect(await next(watch)).toBe(`${revision + 1}: -a was a -b was b`);
        await settle(watch.close());
      });

      test("a renewal lets it live for its time again", async () => {
        const { id, ttlMs } = await settle(engine.grantLease(leaseMs));
        await put("a", "1", id);
        for (let i = 0; i < 3; i += 1) {
          await pass(ttlMs * 0.6);
          const kept = await settle(engine.keepLease(id));
          expect(kept).toEqual({ id, ttlMs });
        }
        expect(await keys()).toEqual(["a"]);
        await pass(ttlMs);
        await end();
        expect(await keys()).toEqual([]);
      });

      test("what is not there can be neither renewed nor attached to", async () => {
        const { id, ttlMs } = await settle(engine.grantLease(leaseMs));
        await pass(ttlMs);
        await end();
        expect(await code(engine.keepLease(id))).toBe("ERR_LEASE_LOST");
        const both: Operation[] = [
          { type: "put", key: "a", value: utf8.encode("1") },
          { type: "put", key: "b", value: utf8.encode("1"), lease: id },
        ];
        expect(await code(txn(...both))).toBe("ERR_LEASE_LOST");
        expect(await keys()).toEqual([]);
      });

      test("revoking ends it now and deletes its keys; revoking what is gone is nothing", async () => {
        const { id } = await settle(engine.grantLease(60_000));
        const { revision } = await put("a", "1", id);
        await put("b", "1", id);
        const watch = engine.watch(rangeOf(""), { from: revision + 2 });
        await settle(watch.ready());
        await settle(engine.revokeLease(id));
        expect(await next(watch)).toBe(`${revision + 2}: -a was 1 -b was 1`);
        await settle(watch.close());
        await settle(engine.revokeLease(id));
        expect(await code(engine.keepLease(id))).toBe("ERR_LEASE_LOST");
        expect((await put("c", "1")).revision).toBe(revision + 3);
      });

      test("a put without the lease, or with another, takes the key from it", async () => {
        const first = await settle(engine.grantLease(60_000));
        const second = await settle(engine.grantLease(60_000));
        for (const key of ["a", "b", "c"]) await put(key, "1", first.id);
        await put("b", "2");
        await put("c", "2", second.id);
        expect((await get("b"))?.lease).toBeUndefined();
        await settle(engine.revokeLease(first.id));
        expect(await keys()).toEqual(["b", "c"]);
        await settle(engine.revokeLease(second.id));
        expect(await keys()).toEqual(["b"]);
      });

      test("a lease without keys changes no revision when it ends", async () => {
        const { revision } = await put("a", "1");
        const { id } = await settle(engine.grantLease(60_000));
        await settle(engine.revokeLease(id));
        expect((await put("a", "2")).revision).toBe(revision + 1);
      });
    });

    describe("closing", () => {
      test("a closed engine takes nothing more, its watches end, and closing twice is nothing", async () => {
        const watch = engine.watch({ key: "a" });
        await settle(watch.ready());
        const waiting = watch[Symbol.asyncIterator]().next();
        await settle(engine.close());
        await settle(engine.close());
        expect((await settle(waiting)).done).toBe(true);
        expect(await code(engine.txn({ then: [{ type: "range", key: "a" }] }))).toBe("ERR_CLOSED");
        expect(await code(engine.grantLease(60_000))).toBe("ERR_CLOSED");
        expect(() => engine.watch({ key: "a" })).toThrow(
          expect.objectContaining({ code: "ERR_CLOSED" }),
        );
      });
    });
  });
}

function inWords({ revision, changes }: WatchBatch): string {
  const words = changes.map((change) => {
    const was = change.previous ? ` was ${text.decode(change.previous.value)}` : "";
    if (change.type === "delete") {
      if (change.revision !== revision) throw new Error("a change of another revision");
      return `-${change.key}${was}`;
    }
    if (change.pair.modRevision !== revision) throw new Error("a change of another revision");
    return `${change.pair.key}=${text.decode(change.pair.value)}${was}`;
  });
  return `${revision}: ${words.join(" ")}`;
}

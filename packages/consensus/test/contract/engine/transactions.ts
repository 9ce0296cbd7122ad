/** engineContract, transactions: conditions and what follows. */
import { describe, expect, test } from "@jest/globals";
import { type Engine, type Operation, rangeOf } from "../../../src/engine/engine.js";
import { type EngineWorld, utf8, text } from "./world.js";

export function transactionTests(world: EngineWorld): void {
  const { txn, put, get, keys, code, settle } = world;
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
        world.engine.txn({
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
        world.engine.txn({
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
        world.engine.txn({
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
        (
          await settle(
            world.engine.txn({ if: [{ key: "a", target: "version", is, than }], then: [] }),
          )
        ).succeeded;
      expect([await holds("=", 2), await holds("=", 1)]).toEqual([true, false]);
      expect([await holds("!=", 1), await holds("!=", 2)]).toEqual([true, false]);
      expect([await holds("<", 3), await holds("<", 2)]).toEqual([true, false]);
      expect([await holds(">", 1), await holds(">", 2)]).toEqual([true, false]);
    });

    test("a key that is not there has version and revisions 0, no lease, and no value", async () => {
      const holds = async (comparison: Parameters<Engine["txn"]>[0]["if"]) =>
        (await settle(world.engine.txn({ ...(comparison && { if: comparison }), then: [] })))
          .succeeded;
      const key = "not-there";
      for (const target of ["version", "createRevision", "modRevision"] as const) {
        expect(await holds([{ key, target, is: "=", than: 0 }])).toBe(true);
        expect(await holds([{ key, target, is: ">", than: 0 }])).toBe(false);
      }
      expect(await holds([{ key, target: "lease", is: "=", than: undefined }])).toBe(true);
      expect(await holds([{ key, target: "value", is: "=", than: new Uint8Array(0) }])).toBe(false);
    });

    test("values and leases are compared", async () => {
      const lease = await settle(world.engine.grantLease(60_000));
      await put("a", "blue", lease.id);
      const holds = async (one: NonNullable<Parameters<Engine["txn"]>[0]["if"]>[number]) =>
        (await settle(world.engine.txn({ if: [one], then: [] }))).succeeded;
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
      const clients = [world.engine, world.other, world.engine, world.other];
      const won = await settle(Promise.all(clients.map(increment)));
      const wins = won.filter(Boolean).length;
      expect(wins).toBeGreaterThanOrEqual(1);
      expect(text.decode((await get("counter"))?.value)).toBe(String(wins));
    });

    test("a request whose signal has fired is not applied", async () => {
      const signal = AbortSignal.abort(new Error("enough"));
      const operation: Operation = { type: "put", key: "a", value: utf8.encode("1") };
      expect(await code(world.engine.txn({ then: [operation] }, { signal }))).toBe("ERR_ABORTED");
      expect(await get("a")).toBeUndefined();
    });
  });
}

/** engineContract, keys: what is put, read and deleted. */
import { describe, expect, test } from "@jest/globals";
import { type EngineWorld, text } from "./world.js";

export function keyTests(world: EngineWorld): void {
  const { txn, put, get, keys, code, settle } = world;
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
      const { results } = await settle(world.other.txn({ then: [{ type: "range", key: "sky" }] }));
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
}

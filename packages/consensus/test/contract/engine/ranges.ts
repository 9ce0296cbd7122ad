/** engineContract, ranges: order, limits, counts. */
import { describe, expect, test } from "@jest/globals";
import { rangeOf } from "../../../src/engine/engine.js";
import { type EngineWorld, utf8, text } from "./world.js";

export function rangeTests(world: EngineWorld): void {
  const { txn, put, read, keys, code } = world;
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
}

/** engineContract, compaction: what may be forgotten. */
import { describe, expect, test } from "@jest/globals";
import { type EngineWorld, text } from "./world.js";

export function compactionTests(world: EngineWorld): void {
  const { put, read, get, keys, code, settle } = world;
  describe("compaction", () => {
    test("what was before is forgotten, what is still there is not", async () => {
      const { revision } = await put("a", "1");
      await put("b", "1");
      await put("a", "2");
      await settle(world.engine.compact(revision + 2));
      expect(await code(read({ key: "a", revision }))).toBe("ERR_REVISION_COMPACTED");
      expect(text.decode((await read({ key: "b", revision: revision + 2 })).pairs[0]?.value)).toBe(
        "1",
      );
      expect(await keys()).toEqual(["a", "b"]);
    });

    test("compacting again, or what is forgotten already, is nothing to do", async () => {
      await put("a", "1");
      const { revision } = await put("a", "2");
      await settle(world.engine.compact(revision));
      await settle(world.engine.compact(revision));
      await settle(world.engine.compact(revision - 1));
      expect(text.decode((await get("a"))?.value)).toBe("2");
    });

    test("what has not been cannot be forgotten", async () => {
      const { revision } = await put("a", "1");
      expect(await code(world.engine.compact(revision + 1))).toBe("ERR_INVALID_ARGUMENT");
    });
  });
}

/** engineContract, closing an engine. */
import { describe, expect, test } from "@jest/globals";
import { type EngineWorld } from "./world.js";

export function closingTests(world: EngineWorld): void {
  const { code, settle } = world;
  describe("closing", () => {
    test("a closed engine takes nothing more, its watches end, and closing twice is nothing", async () => {
      const watch = world.engine.watch({ key: "a" });
      await settle(watch.ready());
      const waiting = watch[Symbol.asyncIterator]().next();
      await settle(world.engine.close());
      await settle(world.engine.close());
      expect((await settle(waiting)).done).toBe(true);
      expect(await code(world.engine.txn({ then: [{ type: "range", key: "a" }] }))).toBe(
        "ERR_CLOSED",
      );
      expect(await code(world.engine.grantLease(60_000))).toBe("ERR_CLOSED");
      expect(() => world.engine.watch({ key: "a" })).toThrow(
        expect.objectContaining({ code: "ERR_CLOSED" }),
      );
    });
  });
}

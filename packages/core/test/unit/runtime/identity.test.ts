import { describe, expect, test } from "@jest/globals";
import { IDENTITY_FILE, isBoot, isNodeId, loadIdentity } from "../../../src/index.js";
import { memoryStorage, seededRandom, virtualClock } from "../../../src/testing/index.js";

describe("loadIdentity", () => {
  const random = seededRandom("identity");
  const clock = virtualClock();

  test("with storage the id stays and every start has a greater boot, whatever the wall clock does", async () => {
    const storage = memoryStorage();
    const starts = [];
    for (let i = 0; i < 20; i++) {
      clock.skewWall(-i * 1_000_000);
      starts.push(await loadIdentity({ clock, random, storage }));
      storage.crash();
    }
    const [first] = starts;
    expect(isNodeId(first?.id) && isBoot(first?.boot)).toBe(true);
    expect(new Set(starts.map(({ id }) => id))).toEqual(new Set([first?.id]));
    const boots = starts.map(({ boot }) => boot);
    expect(boots).toEqual([...boots].sort());
    expect(new Set(boots).size).toBe(20);
  });

  test("without storage both are new", async () => {
    const [a, b] = [await loadIdentity({ clock, random }), await loadIdentity({ clock, random })];
    expect(a.id).not.toBe(b.id);
    expect(isBoot(a.boot)).toBe(true);
  });

  test("no boot is given when its counter could not be made durable", async () => {
    const storage = memoryStorage();
    storage.failOn("replace", "ENOSPC: no space left on device");
    await expect(loadIdentity({ clock, random, storage })).rejects.toMatchObject({
      code: "ERR_STORAGE",
      details: { file: IDENTITY_FILE, operation: "replace" },
    });
  });

  test.each(["", "{", "null", "[]", '{"version":2}', '{"version":1,"id":"x","starts":1}'])(
    "a damaged file is refused and left alone: %p",
    async (content) => {
      const storage = memoryStorage();
      await storage.replace(IDENTITY_FILE, Buffer.from(content));
      const loading = loadIdentity({ clock, random, storage });
      await expect(loading).rejects.toMatchObject({ code: "ERR_STORAGE" });
      await expect(loading).rejects.toThrow(/damaged.*remove it to start as a new node/);
      expect(Buffer.from((await storage.read(IDENTITY_FILE)) ?? []).toString()).toBe(content);
    },
  );
});

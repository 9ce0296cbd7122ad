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

  test("a disk that was set back to an older image gives a boot that no start before it had", async () => {
    const own = virtualClock();
    const storage = memoryStorage();
    const first = await loadIdentity({ clock: own, random, storage });
    const image = (await storage.read(IDENTITY_FILE)) as Uint8Array;
    let last = first;
    for (let i = 0; i < 5; i++) {
      await own.advance(1_000);
      last = await loadIdentity({ clock: own, random, storage });
    }
    await own.advance(1_000);
    await storage.replace(IDENTITY_FILE, image);
    const restored = await loadIdentity({ clock: own, random, storage });
    expect(restored.id).toBe(first.id);
    expect(restored.boot > last.boot).toBe(true);
  });

  test("no damage of one bit is taken for another identity", async () => {
    const storage = memoryStorage();
    await loadIdentity({ clock, random, storage });
    const whole = (await storage.read(IDENTITY_FILE)) as Uint8Array;
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = whole.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      await storage.replace(IDENTITY_FILE, damaged);
      await expect(loadIdentity({ clock, random, storage })).rejects.toMatchObject({
        code: "ERR_STORAGE",
      });
    }
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

  test.each([0, 2])(
    "a file of format version %i is refused as such and left alone",
    async (version) => {
      const storage = memoryStorage();
      const content = JSON.stringify({ version, who: "written by another release" });
      await storage.replace(IDENTITY_FILE, Buffer.from(content));
      const loading = loadIdentity({ clock, random, storage });
      await expect(loading).rejects.toMatchObject({ code: "ERR_STORAGE" });
      await expect(loading).rejects.toThrow(
        `format is version ${version}, and this release reads version 1: start the release that wrote it`,
      );
      expect(Buffer.from((await storage.read(IDENTITY_FILE)) ?? []).toString()).toBe(content);
    },
  );

  test.each(["", "{", "null", "[]", '{"version":"2"}', '{"version":1,"id":"x","order":1}'])(
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

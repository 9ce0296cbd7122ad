import { describe, expect, test } from "@jest/globals";
import { memoryStorage, virtualClock } from "@foundation/core/testing";
import { fileOf, keyOf } from "../../../src/documents/storage-key.js";
import { DataDirectoryStorageAdapter } from "../../../src/automerge-repo/storage-adapter.js";

const FOLDER = "automerge";

describe("the file of a storage key", () => {
  test.each([
    [["storage-adapter-id"]],
    [["4NMNnkMhL8jXrdJ9jamS58PAVdXu", "sync-state", "a b/c.."]],
    [["", "ü", "_", "."]],
  ])("%j has a name that every file system takes, and is found again by it", (key) => {
    const file = fileOf(FOLDER, key);
    expect(file).toMatch(/^[a-z0-9._/-]+$/);
    expect(keyOf(FOLDER, file)).toEqual(key);
  });

  test("keys that differ in case, or end where another goes on, have files of their own", () => {
    const keys = [["a"], ["A"], ["a", "b"], ["a", "v"], ["a.v"], ["ab"], ["a", ""]];
    const files = keys.map((key) => fileOf(FOLDER, key));
    expect(new Set(files).size).toBe(keys.length);
    for (const file of files) {
      // No file where another needs a folder.
      expect(files.filter((other) => other.startsWith(`${file}/`))).toEqual([]);
    }
  });

  test("no key, or one part that is too long, is refused", () => {
    for (const key of [[], ["x".repeat(241)], ["Ü".repeat(100)]]) {
      expect(() => fileOf(FOLDER, key)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    }
  });

  test("a file that this did not write is no key", () => {
    for (const file of ["automerge/a", "other/a.v", "automerge/a_zz.v", "automerge/.v"]) {
      expect(keyOf(FOLDER, file)).toBeUndefined();
    }
  });
});

describe("documents in a data directory", () => {
  test("are there after a restart, in the order they were saved, also behind a clock that went back", async () => {
    const storage = memoryStorage();
    const clock = virtualClock();
    const before = new DataDirectoryStorageAdapter({ storage, clock });
    await before.save(["d", "incremental", "z"], Uint8Array.of(1));
    await before.save(["d", "incremental", "a"], Uint8Array.of(2));
    await clock.advance(1_000);
    const after = new DataDirectoryStorageAdapter({ storage, clock });
    await after.save(["d", "incremental", "m"], Uint8Array.of(3));
    const chunks = await after.loadRange(["d"]);
    expect(chunks.map(({ data }) => [...data])).toEqual([[1], [2], [3]]);
  });

  test("of two repositories in one directory are apart", async () => {
    const storage = memoryStorage();
    const one = new DataDirectoryStorageAdapter({ storage, folder: "one" });
    const two = new DataDirectoryStorageAdapter({ storage, folder: "two" });
    await one.save(["d"], Uint8Array.of(1));
    expect(await two.load(["d"])).toBeUndefined();
    expect(await two.loadRange([])).toEqual([]);
    await two.removeRange([]);
    expect(await one.load(["d"])).toEqual(Uint8Array.of(1));
  });

  test("of more files than are read at once come whole", async () => {
    const adapter = new DataDirectoryStorageAdapter({ storage: memoryStorage() });
    for (let i = 0; i < 50; i += 1) await adapter.save(["d", `${i}`], Uint8Array.of(i));
    const chunks = await adapter.loadRange(["d"]);
    expect(chunks.map(({ data }) => data[0])).toEqual([...Array(50).keys()]);
    await adapter.removeRange(["d"]);
    expect(await adapter.loadRange(["d"])).toEqual([]);
  });
});

/**
 * storageContract: what every Storage must do: atomic replacement, order, honest durability, typed errors.
 */
import assert from "node:assert/strict";
import type { Storage } from "@foundation/core/ports";
import { realTime, rejectsWith, type ContractTime } from "../time.js";
import { nodeClock } from "@foundation/core";
import { testsWith, type ContractRunner } from "./runner.js";

export interface StorageFixture {
  readonly storage: Storage;
  /** Another handle on the same files, after `storage` was closed. */
  reopen(): Storage | Promise<Storage>;
  close(): void | Promise<void>;
}

export interface StorageContractSetup {
  /** Makes an empty storage. */
  create(): StorageFixture | Promise<StorageFixture>;
  /** Does what a power cut does to what was not synced; the same handle or a reopened one is used on. */
  crash?(fixture: StorageFixture): Storage | Promise<Storage>;
}

type Test = (name: string, run: (fixture: StorageFixture) => unknown) => void;

// Storage has no clock: its promises settle by themselves.
const time: ContractTime = realTime(nodeClock());

/** Runs the suite against one storage. */
export function storageContract(runner: ContractRunner, setup: StorageContractSetup): void {
  const test = testsWith(runner, setup.create);
  runner.describe("storage: files", () => fileTests(test));
  runner.describe("storage: appending", () => appendTests(test));
  runner.describe("storage: refusals", () => refusalTests(test));
  const { crash } = setup;
  if (crash) runner.describe("storage: crashes", () => crashTests(test, crash));
}

function fileTests(test: Test): void {
  test("a file that was never written is undefined", async ({ storage }) => {
    assert.equal(await storage.read("nothing"), undefined);
    assert.deepEqual(await listed(storage, ""), []);
  });

  test("replace puts the whole content in place, shorter, longer and empty", async ({
    storage,
  }) => {
    for (const content of ["first and longer", "second", "", "again"]) {
      await storage.replace("file", bytes(content));
      assert.equal(text(await storage.read("file")), content);
    }
  });

  test("list gives the names that begin with the prefix, sorted, folders included", async ({
    storage,
  }) => {
    for (const name of ["b", "a/2", "a/1", "a/deep/er", "ab"])
      await storage.replace(name, bytes(name));
    assert.deepEqual(await listed(storage, ""), ["a/1", "a/2", "a/deep/er", "ab", "b"]);
    assert.deepEqual(await listed(storage, "a/"), ["a/1", "a/2", "a/deep/er"]);
    assert.deepEqual(await listed(storage, "a"), ["a/1", "a/2", "a/deep/er", "ab"]);
    assert.deepEqual(await listed(storage, "zzz"), []);
  });

  test("remove removes, and does nothing for what is not there", async ({ storage }) => {
    await storage.replace("file", bytes("x"));
    await storage.remove("file");
    await storage.remove("file");
    assert.equal(await storage.read("file"), undefined);
    assert.deepEqual(await listed(storage, ""), []);
    await storage.replace("file", bytes("y"));
    assert.equal(text(await storage.read("file")), "y");
  });

  test("the caller's buffer and the bytes read are its own", async ({ storage }) => {
    const buffer = bytes("aaaa");
    const replacing = storage.replace("file", buffer);
    buffer.fill(98);
    await replacing;
    const appending = storage.append("file", buffer);
    buffer.fill(99);
    await appending;
    const read = await storage.read("file");
    assert.equal(text(read), "aaaabbbb");
    read?.fill(100);
    assert.equal(text(await storage.read("file")), "aaaabbbb");
  });

  test("what was written is there after closing and opening again", async (fixture) => {
    await fixture.storage.replace("kept/file", bytes("x"));
    await fixture.storage.append("log", bytes("y"));
    await fixture.storage.sync("log");
    await fixture.storage.close();
    await fixture.storage.close();
    const again = await fixture.reopen();
    assert.equal(text(await again.read("kept/file")), "x");
    assert.equal(text(await again.read("log")), "y");
    await again.close();
  });
}

function appendTests(test: Test): void {
  test("append makes the file and adds at the end, in the order of the calls", async ({
    storage,
  }) => {
    const appending = Array.from({ length: 100 }, (_, i) => storage.append("log", bytes(`${i},`)));
    await Promise.all(appending);
    const expected = Array.from({ length: 100 }, (_, i) => `${i},`).join("");
    assert.equal(text(await storage.read("log")), expected);
  });

  test("operations on one file take effect in the order they were called, without waiting between", async ({
    storage,
  }) => {
    const all = [
      storage.append("log", bytes("one")),
      storage.replace("log", bytes("two")),
      storage.append("log", bytes("three")),
      storage.truncate("log", 5),
      storage.append("log", bytes("!")),
      storage.sync("log"),
    ];
    const read = storage.read("log");
    await Promise.all(all);
    assert.equal(text(await read), "twoth!");
    const removing = [storage.remove("log"), storage.append("log", bytes("new"))];
    await Promise.all(removing);
    assert.equal(text(await storage.read("log")), "new");
  });

  test("truncate cuts, to nothing too, and leaves a shorter file as it is", async ({ storage }) => {
    await storage.append("log", bytes("123456"));
    await storage.truncate("log", 4);
    assert.equal(text(await storage.read("log")), "1234");
    await storage.truncate("log", 100);
    assert.equal(text(await storage.read("log")), "1234");
    await storage.truncate("log", 0);
    assert.equal(text(await storage.read("log")), "");
    await storage.append("log", bytes("x"));
    assert.equal(text(await storage.read("log")), "x");
  });

  test("many files can be appended to in turn", async ({ storage }) => {
    for (let round = 0; round < 2; round++) {
      const all = Array.from({ length: 100 }, (_, i) =>
        storage.append(`log-${i}`, bytes(String(round))),
      );
      await Promise.all(all);
    }
    await Promise.all(Array.from({ length: 100 }, (_, i) => storage.sync(`log-${i}`)));
    for (let i = 0; i < 100; i++) assert.equal(text(await storage.read(`log-${i}`)), "01");
  });

  test("sync of a file that is not there does nothing", async ({ storage }) => {
    await storage.sync("nothing");
    assert.equal(await storage.read("nothing"), undefined);
  });
}

function refusalTests(test: Test): void {
  test("names that are none, or lead elsewhere, are refused by every operation", async ({
    storage,
  }) => {
    const bad = [
      "",
      "/etc/passwd",
      "../x",
      "a/../b",
      "a//b",
      "a/",
      "UPPER",
      "sp ace",
      "a\\b",
      ".",
      "x".repeat(300),
    ];
    for (const name of bad) {
      const attempts: (() => Promise<unknown>)[] = [
        () => storage.read(name),
        () => storage.replace(name, bytes("x")),
        () => storage.append(name, bytes("x")),
        () => storage.truncate(name, 0),
        () => storage.sync(name),
        () => storage.remove(name),
      ];
      for (const attempt of attempts) await rejectsWith(time, attempt(), "ERR_STORAGE");
    }
    assert.deepEqual(await listed(storage, ""), []);
  });

  test("cutting a file that is not there is an error that names file and operation", async ({
    storage,
  }) => {
    const { details } = await rejectsWith(time, storage.truncate("nothing", 0), "ERR_STORAGE");
    assert.equal(details["file"], "nothing");
    assert.equal(details["operation"], "truncate");
    assert.ok(String(details["reason"]).length > 0);
  });

  test("a failure does not hold up what comes after it", async ({ storage }) => {
    const failing = storage.truncate("file", 0);
    const good = storage.append("file", bytes("x"));
    await rejectsWith(time, failing, "ERR_STORAGE");
    await good;
    assert.equal(text(await storage.read("file")), "x");
  });

  test("close waits for what is running; afterwards everything is refused", async (fixture) => {
    const { storage } = fixture;
    const running = Array.from({ length: 20 }, () => storage.append("log", bytes("x")));
    await storage.close();
    await Promise.all(running);
    await rejectsWith(time, storage.read("log"), "ERR_STORAGE");
    await rejectsWith(time, storage.replace("log", bytes("x")), "ERR_STORAGE");
    await rejectsWith(time, storage.list(""), "ERR_STORAGE");
    const again = await fixture.reopen();
    assert.equal(text(await again.read("log")), "x".repeat(20));
    await again.close();
  });
}

function crashTests(test: Test, crash: NonNullable<StorageContractSetup["crash"]>): void {
  test("what was replaced or synced survives a crash; of the rest there is at most a beginning", async (fixture) => {
    for (let round = 0; round < 50; round++) {
      const { storage } = fixture;
      await storage.replace("whole", bytes(`round ${round}`));
      await storage.replace("log", bytes(""));
      await storage.append("log", bytes("synced;"));
      await storage.sync("log");
      await storage.append("log", bytes("not synced"));
      await storage.append(`new-${round}`, bytes("not synced"));
      const after = await crash(fixture);
      assert.equal(text(await after.read("whole")), `round ${round}`);
      const log = text(await after.read("log")) ?? "";
      assert.ok(log.startsWith("synced;"), log);
      assert.ok(log.length <= "synced;not synced".length, log);
    }
  });
}

/** A copy: under jest an adapter's array may be of another realm, which `deepEqual` calls different. */
async function listed(storage: Storage, prefix: string): Promise<string[]> {
  return [...(await storage.list(prefix))];
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function text(content: Uint8Array | undefined): string | undefined {
  return content && new TextDecoder().decode(content);
}

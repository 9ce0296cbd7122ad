import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requires } from "@foundation-tooling/jest";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { fileStorage, openDataDirectory } from "../../src/index.js";

/** A program that takes the directory, says so, and then waits for its end. */
const HOLDER = `
  const { openDataDirectory, nodeSignals } = await import("@foundation/core");
  try {
    await openDataDirectory(process.argv[1]);
    nodeSignals().onTerminate((signal) => { console.log(signal); process.exit(7); });
    console.log("taken");
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.code);
  }
`;

let directory = "";
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "foundation-data-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  await rm(directory, { recursive: true, force: true });
});

function hold(): { child: ChildProcess; line: () => Promise<string> } {
  const args = ["--conditions=@foundation/source", "--import", "tsx", "--input-type=module"];
  const child = spawn(process.execPath, [...args, "--eval", HOLDER, directory], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const line = async (): Promise<string> => {
    const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    return chunk.toString().trim();
  };
  return { child, line };
}

/** What a user of the storage would see. */
async function storageFiles(): Promise<string[]> {
  const storage = fileStorage(directory);
  const names = [...(await storage.list(""))];
  await storage.close();
  return names;
}

describe("openDataDirectory", () => {
  test("a second process is refused while the first runs, and gets the directory after kill -9", async () => {
    const first = hold();
    expect(await first.line()).toBe("taken");
    expect(await hold().line()).toBe("ERR_DATA_IN_USE");
    await expect(openDataDirectory(directory)).rejects.toMatchObject({
      code: "ERR_DATA_IN_USE",
      details: { owner: `process ${first.child.pid}` },
    });
    const ended = once(first.child, "exit");
    first.child.kill("SIGKILL");
    await ended;
    const storage = await openDataDirectory(directory);
    await storage.close();
    expect(await storageFiles()).toEqual([]);
  }, 30_000);

  test("a signal of the operating system reaches nodeSignals", async () => {
    const { child, line } = hold();
    expect(await line()).toBe("taken");
    const heard = line();
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    expect(await heard).toBe("SIGTERM");
    expect(await ended).toEqual([7, null]);
  }, 30_000);

  test("one process cannot take it twice, and can take it again after closing", async () => {
    const storage = await openDataDirectory(directory);
    await expect(openDataDirectory(directory)).rejects.toMatchObject({ code: "ERR_DATA_IN_USE" });
    await storage.close();
    await (await openDataDirectory(directory)).close();
  });

  test("of many that find a stale lock at once, one wins", async () => {
    for (let round = 0; round < 40; round++) {
      const stale = JSON.stringify({ pid: process.pid, birth: "1" });
      if (round % 2 === 0) await writeFile(join(directory, `lock~${round * 3 + 1}`), stale);
      const attempts = await Promise.allSettled(
        Array.from({ length: 8 }, () => openDataDirectory(directory)),
      );
      const won = attempts.filter((attempt) => attempt.status === "fulfilled");
      expect(won).toHaveLength(1);
      for (const { value } of won) await value.close();
      expect(await readdir(directory)).toHaveLength(1);
    }
    expect(await storageFiles()).toEqual([]);
  });

  test("a lock with a pid that another process has now, or with garbage, is stale", async () => {
    const reused = JSON.stringify({ pid: 1, birth: "another time" });
    for (const [i, content] of [reused, "garbage", "", "null", '{"pid":"x"}'].entries()) {
      await writeFile(join(directory, `lock~${i * 10 + 1}`), content);
      await (await openDataDirectory(directory)).close();
    }
  });

  test("a directory that cannot be made is an ERR_STORAGE", async () => {
    const file = join(directory, "a-file");
    await writeFile(file, "");
    await expect(openDataDirectory(join(file, "below"))).rejects.toMatchObject({
      code: "ERR_STORAGE",
    });
  });
});

const fullDevice = await requires("a full device (/dev/full)", () => existsSync("/dev/full"));

describe("fileStorage", () => {
  fullDevice.test(
    "a full disk is an ERR_STORAGE that says so, and nothing follows a torn piece",
    async () => {
      const storage = fileStorage(directory);
      await symlink("/dev/full", join(directory, "log"));
      await expect(storage.append("log", Buffer.from("x"))).rejects.toMatchObject({
        code: "ERR_STORAGE",
        details: { file: "log", operation: "append", reason: expect.stringContaining("ENOSPC") },
      });
      await expect(storage.append("log", Buffer.from("y"))).rejects.toMatchObject({
        details: { reason: expect.stringContaining("failed half way") },
      });
      await storage.replace("log", Buffer.from("whole"));
      await storage.append("log", Buffer.from(" again"));
      expect(Buffer.from((await storage.read("log")) ?? []).toString()).toBe("whole again");
      await storage.close();
    },
  );

  test("a file whose sync failed takes nothing more until it is replaced", async () => {
    const storage = fileStorage(directory);
    // What is written to this device is taken, and what was taken cannot be synced.
    await symlink("/dev/null", join(directory, "log"));
    await storage.append("log", Buffer.from("x"));
    await expect(storage.sync("log")).rejects.toMatchObject({
      code: "ERR_STORAGE",
      details: { file: "log", operation: "sync" },
    });
    const refused = { details: { reason: expect.stringContaining("an earlier sync failed") } };
    await expect(storage.append("log", Buffer.from("y"))).rejects.toMatchObject(refused);
    await expect(storage.sync("log")).rejects.toMatchObject(refused);
    await storage.replace("log", Buffer.from("whole"));
    await storage.append("log", Buffer.from(" again"));
    await storage.sync("log");
    await storage.close();
  });

  test("a leftover of an interrupted replace is neither listed nor in the way", async () => {
    const storage = fileStorage(directory);
    await writeFile(join(directory, "file~123-1"), "half a fi");
    await storage.replace("file", Buffer.from("whole"));
    expect(await storage.list("")).toHaveLength(1);
    expect(await readFile(join(directory, "file"), "utf8")).toBe("whole");
    await storage.close();
  });

  test("what the operating system refuses is an ERR_STORAGE with its reason", async () => {
    const storage = fileStorage(directory);
    await storage.replace("folder/file", Buffer.from("x"));
    await expect(storage.replace("folder", Buffer.from("x"))).rejects.toMatchObject({
      code: "ERR_STORAGE",
      details: {
        file: "folder",
        operation: "replace",
        reason: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST/),
      },
    });
    await expect(storage.append("folder/file/below", Buffer.from("x"))).rejects.toMatchObject({
      code: "ERR_STORAGE",
    });
    expect(await storage.list("")).toHaveLength(1);
    await storage.close();
  });
});

/**
 * A machine that does not give what a node asks for: no room, no folder, no permission. Each is a
 * typed error at the start that names the place, and nothing of the failed start is left.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import type { StartOptions } from "@foundation/foundation";
import { startNode, uniqueName } from "../support/clusters.js";
import { refusalOf } from "../support/undisturbed.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "foundation-machine-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of a file system that has no byte left; gives what removes it. */
function fullDisk(at: string): () => void {
  mkdirSync(at);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", at], { stdio: "ignore" });
  try {
    writeFileSync(join(at, "ballast"), Buffer.alloc(64 * 1024));
  } catch {
    // As full as it can be.
  }
  return () => execFileSync("umount", [at], { stdio: "ignore" });
}

const mounts = await requires("the right to mount a file system", () => {
  const at = mkdtempSync(join(tmpdir(), "foundation-mount-"));
  try {
    fullDisk(join(at, "disk"))();
    return true;
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
});

describe("a data directory", () => {
  mounts.test(
    "on a full disk is ERR_STORAGE that says so, and the node starts once there is room",
    async () => {
      const disk = join(folder, "disk");
      const unmount = fullDisk(disk);
      try {
        const name = uniqueName();
        const start = () => startNode({ name, dataDir: join(disk, "data") });
        const refused = await refusalOf(start);
        expect(refused).toMatchObject({ code: "ERR_STORAGE" });
        expect(refused.message).toMatch(/ENOSPC|no space/i);
        rmSync(join(disk, "ballast"));
        const { cluster } = await start();
        await cluster.leave();
      } finally {
        unmount();
      }
    },
  );

  test("that is a file is ERR_STORAGE that names it, and so is one below a file", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const dataDir of [file, join(file, "below")]) {
      const refused = await refusalOf(() => startNode({ name: uniqueName(), dataDir }));
      expect(refused).toMatchObject({
        code: "ERR_STORAGE",
        message: expect.stringContaining(dataDir),
      });
    }
  });

  test.each(["", "{", '{"version":1,"id":"x","order":0}', "null", "\0".repeat(100)])(
    "whose identity is damaged (%j) is refused, never replaced",
    async (text) => {
      mkdirSync(join(folder, "data", "node"), { recursive: true });
      writeFileSync(join(folder, "data", "node", "identity.json"), text);
      const start = () => startNode({ name: uniqueName(), dataDir: join(folder, "data") });
      expect(await refusalOf(start)).toMatchObject({ code: "ERR_STORAGE" });
      // The failed start has given the directory back.
      expect(await refusalOf(start)).toMatchObject({ code: "ERR_STORAGE" });
    },
  );
});

describe("a node's description of itself", () => {
  const long = "x".repeat(300);
  test.each<[string, StartOptions["node"]]>([
    ["a label of 40 KB", { labels: { note: "x".repeat(40_000) } }],
    ["5,000 roles", { roles: Array.from({ length: 5_000 }, (_, i) => `role-${i}`) }],
    ["a role of 300 characters", { roles: [long] }],
    ["a label's key of 300 characters", { labels: { [long]: "1" } }],
  ])("with %s, which no other node would accept, is refused at its start", async (_what, node) => {
    const name = uniqueName();
    const refused = await refusalOf(() => startNode({ name, node: node ?? {} }));
    expect(refused.code).toMatch(/^ERR_(CONFIG_INVALID|INVALID_ARGUMENT)$/);
  });
});

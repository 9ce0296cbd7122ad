import { chmod, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { runDirectory } from "../../../src/filesystem/run-directory.js";

let base = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "foundation-run-"));
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe("the run directory", () => {
  test("is made private, with the folders above it", async () => {
    const directory = join(base, "a", "b");
    expect(await runDirectory({ directory })).toBe(directory);
    expect((await lstat(directory)).mode & 0o777).toBe(0o700);
  });

  test("is in the user's run-time folder where there is one", async () => {
    expect(await runDirectory({ env: { XDG_RUNTIME_DIR: base } })).toBe(join(base, "foundation"));
  });

  test.each([["relative/path"], ["/nonexistent-run-time-folder"], [""], [undefined]])(
    "an unusable run-time folder (%s) is passed over",
    async (XDG_RUNTIME_DIR) => {
      const directory = await runDirectory({ env: { XDG_RUNTIME_DIR } });
      expect(directory).toBe(join(tmpdir(), `foundation-${process.getuid?.() ?? "user"}`));
    },
  );

  test("a folder that others may use is refused, with the chmod to run", async () => {
    const directory = join(base, "open");
    await mkdir(directory);
    await chmod(directory, 0o750);
    await expect(runDirectory({ directory })).rejects.toMatchObject({
      code: "ERR_RUN_DIRECTORY_INSECURE",
      message: expect.stringContaining(`chmod 700 ${directory}`),
      details: { directory, reason: "others may use it (mode 0750)" },
    });
  });

  test("a symbolic link is refused, even to a private folder", async () => {
    await mkdir(join(base, "real"), { mode: 0o700 });
    const directory = join(base, "link");
    await symlink(join(base, "real"), directory);
    await expect(runDirectory({ directory })).rejects.toMatchObject({
      code: "ERR_RUN_DIRECTORY_INSECURE",
      details: { reason: "it is a symbolic link" },
    });
  });

  test("a file in its place, and a file above it, are typed errors", async () => {
    const directory = join(base, "file");
    await writeFile(directory, "");
    await expect(runDirectory({ directory })).rejects.toMatchObject({
      code: "ERR_RUN_DIRECTORY_INSECURE",
      details: { reason: "it is not a folder" },
    });
    await expect(runDirectory({ directory: join(directory, "below") })).rejects.toMatchObject({
      code: "ERR_RUN_DIRECTORY_UNUSABLE",
      details: { operation: "mkdir" },
    });
  });
});

import { chmod, lstat, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { userSecret } from "../../../src/filesystem/user-secret.js";

let directory = "";
let file = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "foundation-secret-"));
  file = join(directory, "secret");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("the user's secret", () => {
  test("is 256 bits, made once and kept for this user alone", async () => {
    const secret = await userSecret({ directory });
    expect(Buffer.from(secret.reveal(), "base64url")).toHaveLength(32);
    expect(JSON.stringify({ secret, text: `${secret}` })).not.toContain(secret.reveal());
    expect((await lstat(file)).mode & 0o777).toBe(0o600);
    expect((await userSecret({ directory })).reveal()).toBe(secret.reveal());
  });

  test("of many that start at once all get the same one, and no draft is left", async () => {
    const makers = Array.from({ length: 50 }, (_, i) =>
      userSecret({ directory, random: seededRandom(i) }),
    );
    const made = (await Promise.all(makers)).map((secret) => secret.reveal());
    expect(new Set(made).size).toBe(1);
    expect(await readdir(directory)).toEqual(["secret"]);
  });

  test("a secret that others can read is refused, and the message has the chmod", async () => {
    const secret = await userSecret({ directory });
    await chmod(file, 0o640);
    const failure = await userSecret({ directory }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "ERR_SECRET_EXPOSED",
      message: expect.stringContaining(`chmod 600 ${file}`),
    });
    expect(JSON.stringify(failure)).not.toContain(secret.reveal());
  });

  test.each([[""], ["short\n"], ["not base64 at all, but long enough to be a secret\n"]])(
    "a file that holds no secret (%j) is refused, never replaced",
    async (text) => {
      await writeFile(file, text, { mode: 0o600 });
      await expect(userSecret({ directory })).rejects.toMatchObject({ code: "ERR_SECRET_DAMAGED" });
    },
  );

  test("a link in its place is refused", async () => {
    await symlink("/dev/zero", file);
    await expect(userSecret({ directory })).rejects.toMatchObject({
      code: "ERR_SECRET_DAMAGED",
      details: { reason: "it is a symbolic link" },
    });
  });

  test("a folder that others may use is refused before anything is read", async () => {
    await chmod(directory, 0o755);
    await expect(userSecret({ directory })).rejects.toMatchObject({
      code: "ERR_RUN_DIRECTORY_INSECURE",
    });
  });
});

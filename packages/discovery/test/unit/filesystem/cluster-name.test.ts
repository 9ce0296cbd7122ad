import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { clusterName } from "../../../src/filesystem/cluster-name.js";

let root = "";
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "foundation-name-")));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function packageAt(folder: string, manifest: string): Promise<string> {
  const path = join(root, folder);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "package.json"), manifest);
  return path;
}

describe("the cluster's name", () => {
  test("is the nearest package's name and a hash of its folder", async () => {
    const path = await packageAt("shop", '{"name": "@acme/Shop"}');
    await mkdir(join(path, "src/deep"), { recursive: true });
    const name = await clusterName(join(path, "src/deep"));
    expect(name).toEqual({
      name: expect.stringMatching(/^acme-shop-[0-9a-f]{8}$/),
      root: path,
      because: `the nearest package is @acme/Shop in ${path}`,
    });
    expect(await clusterName(path)).toEqual(name);
  });

  test("two checkouts of one package have different names", async () => {
    const one = await clusterName(await packageAt("one", '{"name": "shop"}'));
    const two = await clusterName(await packageAt("two", '{"name": "shop"}'));
    expect(one.name).not.toBe(two.name);
  });

  test("a link to the folder leads to the same name", async () => {
    const path = await packageAt("shop", '{"name": "shop"}');
    await symlink(path, join(root, "link"));
    expect((await clusterName(join(root, "link"))).name).toBe((await clusterName(path)).name);
  });

  test.each([["{}"], ['{"name": 5}'], ["not json"], ['{"name": ""}']])(
    "a manifest without a name (%s) leaves it to the folder",
    async (manifest) => {
      const { name } = await clusterName(await packageAt("my-app", manifest));
      expect(name).toMatch(/^my-app-[0-9a-f]{8}$/);
    },
  );

  test("the name is short and made of plain characters, whatever the package is called", async () => {
    for (const odd of ["ÄÖÜ/é", "-._", "x".repeat(5_000), "a\u0000b\n", "../../etc"]) {
      const path = await packageAt("odd", JSON.stringify({ name: odd }));
      expect((await clusterName(path)).name).toMatch(/^[a-z0-9][a-z0-9._-]{0,60}-[0-9a-f]{8}$/);
    }
  });

  test("a folder that is not there still has a name", async () => {
    expect((await clusterName(join(root, "gone"))).name).toMatch(/-[0-9a-f]{8}$/);
  });
});

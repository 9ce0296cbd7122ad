import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requires } from "@foundation-tooling/jest";
import { afterEach, beforeEach, expect } from "@jest/globals";
import { OtherCheckout } from "../../src/other-checkout.js";

const git = await requires("git", () => execFileSync("git", ["--version"]).length > 0);
const never = new AbortController().signal;
let from = "";
let checkout: OtherCheckout | undefined;

const write = (path: string, text: string) => writeFileSync(join(from, path), text);

git.describe("another checkout", () => {
  beforeEach(() => {
    from = mkdtempSync(join(tmpdir(), "foundation-from-"));
    const run = (...args: readonly string[]) => execFileSync("git", args, { cwd: from });
    run("init", "--quiet");
    write("committed.ts", "const limit = 3;\n");
    write("changed.ts", "old\n");
    write(".gitignore", "ignored.ts\n");
    run("add", ".");
    run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "first");
    write("changed.ts", "new\n");
    mkdirSync(join(from, "folder"));
    write("folder/added.ts", "added\n");
    write("ignored.ts", "ignored\n");
  });

  afterEach(() => {
    checkout?.remove();
    rmSync(from, { recursive: true });
  });

  git.test(
    "has the same sources, also those not committed yet, and is gone afterwards",
    async () => {
      const made = await OtherCheckout.create(never, from);
      checkout = made;
      const there = (path: string) => readFileSync(join(made.root, path), "utf8");
      expect(["committed.ts", "changed.ts", "folder/added.ts"].map(there)).toEqual([
        "const limit = 3;\n",
        "new\n",
        "added\n",
      ]);
      expect(existsSync(join(made.root, "ignored.ts"))).toBe(false);
      made.remove();
      expect(existsSync(made.root)).toBe(false);
    },
  );

  git.test("can have a line changed, which does not change the first one", async () => {
    checkout = await OtherCheckout.create(never, from);
    const change = { file: "committed.ts", find: "limit = 3", replace: "limit = 1" };
    checkout.change(change);
    expect(readFileSync(join(checkout.root, "committed.ts"), "utf8")).toBe("const limit = 1;\n");
    expect(readFileSync(join(from, "committed.ts"), "utf8")).toBe("const limit = 3;\n");
    expect(() => checkout?.change(change)).toThrow(/it occurs 0 times/);
  });

  git.test("says what git said when there is nothing to clone", async () => {
    rmSync(join(from, ".git"), { recursive: true });
    await expect(OtherCheckout.create(never, from)).rejects.toThrow(/git clone .* ended with/);
  });

  git.test("is not made when it was stopped before", async () => {
    const stopped = AbortSignal.abort();
    await expect(OtherCheckout.create(stopped, from)).rejects.toThrow(/abort/i);
  });
});

/**
 * The built packages, as Node itself loads them: every entry point can be imported and required,
 * and both give the same module, so no class exists twice.
 */
import { describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const acceptance = resolve(import.meta.dirname, "..");
const packages = resolve(acceptance, "../../packages");

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

const entries = readdirSync(packages).flatMap((folder) => {
  const manifest = JSON.parse(
    readFileSync(join(packages, folder, "package.json"), "utf8"),
  ) as Manifest;
  return Object.entries(manifest.exports).flatMap(([entry, target]) =>
    typeof target === "string"
      ? []
      : [{ name: manifest.name + entry.slice(1), built: join(packages, folder, target.default) }],
  );
});

describe("built packages", () => {
  test.each(entries)("$name is built, imports and requires as one module", ({ name, built }) => {
    expect({ name, built: existsSync(built) || "missing: run npm run build" }).toEqual({
      name,
      built: true,
    });
    const code = `
      import { createRequire } from "node:module";
      const imported = await import("${name}");
      const required = createRequire(import.meta.url)("${name}");
      const names = Object.keys(imported);
      const same = names.every((each) => imported[each] === required[each]);
      console.log(JSON.stringify({ same, url: import.meta.resolve("${name}") }));`;
    const args = ["--no-warnings", "--input-type=module", "-e", code];
    const run = spawnSync(process.execPath, args, { cwd: acceptance, encoding: "utf8" });
    expect(run.stderr).toBe("");
    const { same, url } = JSON.parse(run.stdout) as { same: boolean; url: string };
    expect(same).toBe(true);
    expect(url.endsWith(built.slice(packages.length).replaceAll("\\", "/"))).toBe(true);
  });
});

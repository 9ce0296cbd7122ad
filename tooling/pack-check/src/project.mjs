/**
 * An empty project outside the workspace, as a user has it: a package.json, npm, and our tarballs.
 * Nothing of the repository is reachable from it.
 */
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment } from "../../run/machine.mjs";
import { run } from "./packages.mjs";

/**
 * Makes the project and installs into it.
 *
 * @param {string} folder made by the call
 * @param {Record<string, string>} dependencies name → tarball path or version
 */
export function createProject(folder, dependencies) {
  mkdirSync(folder, { recursive: true });
  const specs = Object.entries(dependencies).map(([name, target]) => {
    return [name, target.endsWith(".tgz") ? `file:${target}` : target];
  });
  const manifest = {
    name: "example",
    version: "1.0.0",
    private: true,
    type: "module",
    dependencies: Object.fromEntries(specs),
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  const args = ["install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  run("npm", args, { cwd: folder, env: environment(), shell: process.platform === "win32" });
}

/** Bytes and files below a folder; 0 when it is not there. */
export function sizeOf(folder) {
  let bytes = 0;
  let files = 0;
  const visit = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const each = join(path, entry.name);
      if (entry.isDirectory()) visit(each);
      else if (entry.isFile()) {
        bytes += statSync(each).size;
        files += 1;
      }
    }
  };
  visit(folder);
  return { bytes, files };
}

/** Names of everything installed, scopes resolved. */
export function installed(folder) {
  const base = join(folder, "node_modules");
  return readdirSync(base)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) => {
      return name.startsWith("@")
        ? readdirSync(join(base, name)).map((each) => `${name}/${each}`)
        : name;
    });
}

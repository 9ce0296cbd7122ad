/**
 * clusterName: the name of the cluster an application belongs to when nobody chose one.
 *
 * The nearest package's name, for people, and a hash of the real path of its root folder, so that
 * two applications, two checkouts or a test run never merge by accident.
 */
import { createHash } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { discoveryLimits } from "../limits.js";

/** A default name and where it comes from. */
export interface ClusterName {
  /** e.g. `shop-1f3a9c04` */
  readonly name: string;
  /** The root folder of the nearest package, or the given folder when there is none. */
  readonly root: string;
  /** Why it is that name, for `explain()`. */
  readonly because: string;
}

/**
 * The default name of the cluster of a program in that folder.
 *
 * @example
 * ```ts
 * import { clusterName } from "@foundation/discovery"
 *
 * const { name, because } = await clusterName(process.cwd())
 * console.log(name, because)
 * ```
 */
export async function clusterName(cwd: string): Promise<ClusterName> {
  const start = await realpath(cwd).catch(() => cwd);
  let root = start;
  for (let i = 0; i < discoveryLimits.foldersMax; i += 1) {
    const manifest = await readFile(join(root, "package.json"), "utf8").catch(() => undefined);
    if (manifest !== undefined) {
      const packageName = nameIn(manifest);
      const because =
        packageName === undefined
          ? `the package in ${root} has no name, so its folder gives it`
          : `the nearest package is ${packageName} in ${root}`;
      return { name: named(packageName ?? basename(root), root), root, because };
    }
    const parent = dirname(root);
    if (parent === root) break;
    root = parent;
  }
  return {
    name: named(basename(start), start),
    root: start,
    because: `there is no package.json in or above ${start}, so the folder gives the name`,
  };
}

function nameIn(manifest: string): string | undefined {
  try {
    const { name } = JSON.parse(manifest) as { readonly name?: unknown };
    return typeof name === "string" && name !== "" ? name.slice(0, 256) : undefined;
  } catch {
    return undefined;
  }
}

function named(text: string, root: string): string {
  const readable = text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, discoveryLimits.nameCharsMax)
    .replace(/[^a-z0-9]+$/, "");
  const digest = createHash("sha256").update(root).digest("hex").slice(0, 8);
  return `${readable === "" ? "app" : readable}-${digest}`;
}

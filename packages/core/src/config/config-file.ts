/**
 * The configuration file: `foundation.config.mjs`, `.js` or `.json`.
 *
 * It is looked for in the given folder and upwards to the root of its package (the first folder with
 * a package.json), so a program started in a subfolder finds it and never that of another project.
 * A file that is there but cannot be used is an error, never ignored.
 *
 * Files are looked for synchronously: it is a handful of calls at the start, and a simulation, which owns the order of
 * everything asynchronous, cannot own the thread pool's.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { coreErrors } from "../errors/errors.js";
import type { Clock } from "../ports/clock.js";
import { nodeClock } from "../runtime/node-clock.js";
import type { ConfigLayer } from "./layer.js";
import { configLimits } from "./limits.js";

const NAMES = ["foundation.config.mjs", "foundation.config.js", "foundation.config.json"];

/**
 * Gives back what it is given: an editor then knows the options inside the file.
 *
 * @example
 * ```ts
 * import { defineConfig } from "@foundation/core/config"
 *
 * export default defineConfig({ cluster: "local" })
 * ```
 */
export function defineConfig<const Config extends object>(config: Config): Config {
  return config;
}

/**
 * The layer `file` of the configuration file that belongs to a folder, or undefined without one.
 *
 * @param cwd the folder to begin with, usually the current one
 * @param options.clock measures how long a module takes; the file system is real @default Node's
 * @throws {ERR_CONFIG_UNREADABLE} when the file cannot be read, throws, takes longer than ten seconds,
 * or holds no object, and when two files claim to be the one
 */
export async function loadConfigFile(
  cwd: string,
  { clock = nodeClock() }: { readonly clock?: Clock } = {},
): Promise<ConfigLayer | undefined> {
  let folder = resolve(cwd);
  for (let i = 0; i < configLimits.foldersMax; i += 1) {
    const files: string[] = [];
    for (const name of NAMES) {
      if (exists(join(folder, name))) files.push(join(folder, name));
    }
    const [file, second] = files;
    if (file !== undefined && second !== undefined) throw ambiguous(file, second);
    if (file !== undefined) return { name: "file", origin: file, values: await read(file, clock) };
    const parent = dirname(folder);
    if (parent === folder || exists(join(folder, "package.json"))) return undefined;
    folder = parent;
  }
  return undefined;
}

async function read(file: string, clock: Clock): Promise<Record<string, unknown>> {
  const value = file.endsWith(".json") ? readJson(file) : await runModule(file, clock);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  const found = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  const where = file.endsWith(".json") ? "hold" : "export by default";
  throw unreadable(file, `it must ${where} an object, found ${found}`);
}

function readJson(file: string): unknown {
  try {
    const { size } = statSync(file);
    if (size > configLimits.jsonFileBytesMax) {
      throw new RangeError(
        `it has ${size} bytes, at most ${configLimits.jsonFileBytesMax} are read`,
      );
    }
    return JSON.parse(readFileSync(file, "utf8")) as unknown;
  } catch (error) {
    throw unreadable(file, reasonOf(error), error);
  }
}

async function runModule(file: string, clock: Clock): Promise<unknown> {
  const timer = new AbortController();
  const tooLate = clock.sleep(configLimits.moduleMsMax, { signal: timer.signal }).then(() => {
    throw new RangeError(
      `it has not loaded after ${configLimits.moduleMsMax} ms: a top-level await in it does not end`,
    );
  });
  try {
    const loading = import(pathToFileURL(file).href) as Promise<{ readonly default?: unknown }>;
    return (await Promise.race([loading, tooLate])).default;
  } catch (error) {
    throw unreadable(file, reasonOf(error), error);
  } finally {
    timer.abort();
  }
}

function exists(file: string): boolean {
  try {
    statSync(file);
    return true;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    return code !== "ENOENT" && code !== "ENOTDIR";
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function unreadable(file: string, reason: string, cause?: unknown): Error {
  return coreErrors.ERR_CONFIG_UNREADABLE(
    `The configuration file ${file} cannot be used: ${reason}. Correct the file, or remove it.`,
    { file, reason },
    cause,
  );
}

function ambiguous(file: string, second: string): Error {
  const reason = `${second} is there too, and only one of them can be meant`;
  return unreadable(file, reason);
}

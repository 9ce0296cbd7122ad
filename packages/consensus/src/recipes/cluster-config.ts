/**
 * ClusterConfig: settings that the whole cluster shares, each a path and a value.
 *
 * Every node keeps a copy that follows the store, so that reading one costs nothing; whoever must not be late asks with
 * consensus. What happens when two nodes set one path at the same time is said by whoever sets it.
 *
 * Guarantee: writes of a path are ordered, and a policy is applied to the newest value. Limit: `get` may be late by as
 * long as the store is away; each path is a value of its own, so a change of two paths is two changes.
 */
import { isDeepStrictEqual } from "node:util";
import type { Comparison, Engine, KeyValue, RequestOptions, Revision } from "../engine/engine.js";
import { rangeOf } from "../engine/engine.js";
import { consensusErrors } from "../errors.js";
import { follow } from "./follow.js";
import { RECIPE_LIMITS } from "./limits.js";
import { pairsOf } from "./sessions/session.js";
import { watchKv, type KvWatch, type KvWatchOptions } from "./kv/watch.js";
import {
  closedHandle,
  invalidArgument,
  keySegment,
  recipeWorld,
  type RecipeOptions,
  type RecipeWorld,
} from "./world.js";

/** Where a setting is: `["feature", "x"]`. */
export type ConfigPath = readonly string[];

/**
 * What to do when another has changed the setting:
 * - `"last-writer"`: overwrite it;
 * - `"compare"`: refuse if it is not as this node last saw it;
 * - `"refuse"`: refuse if it has another value already;
 * - a function: gives the value from the newest and the proposed one; may be called several times.
 */
export type ConflictPolicy =
  | "last-writer"
  | "compare"
  | "refuse"
  | ((current: unknown, proposed: unknown) => unknown);

export interface SetOptions extends RequestOptions {
  /** @default "last-writer" */
  readonly conflict?: ConflictPolicy | undefined;
}

/** Settings of a cluster. */
export interface ClusterConfig extends AsyncDisposable {
  /** Resolves when the copy of this node is there. */
  ready(): Promise<void>;
  /**
   * Sets a path for all nodes; `undefined` takes it away. Resolves, to the revision of the store, when it is decided and
   * this node's `get` gives it or a newer one.
   *
   * @throws {ERR_CONFIG_CONFLICT} the policy refused; {ERR_OUTCOME_UNKNOWN} it may be set; else as the engine's `txn`
   */
  setClusterWide(path: ConfigPath, value: unknown, options?: SetOptions): Promise<Revision>;
  /** The newest value, asked of the store. */
  getWithConsensus<T = unknown>(path: ConfigPath, options?: RequestOptions): Promise<T | undefined>;
  /** The value in this node's copy; undefined also before `ready`. */
  get<T = unknown>(path: ConfigPath): T | undefined;
  /** All settings below a path in this node's copy, with their whole paths. */
  entries(path?: ConfigPath): readonly { readonly path: ConfigPath; readonly value: unknown }[];
  /** Changes of a path and all below it; its keys are paths joined by "/", as `pathOf` reads them. */
  watch<T = unknown>(path: ConfigPath, options?: KvWatchOptions): KvWatch<T>;
  /** The path of a watched key. */
  pathOf(key: string): ConfigPath;
  close(): Promise<void>;
}

/**
 * The cluster's settings over an engine.
 *
 * @example
 * ```ts
 * import { createClusterConfig, createMemoryEngine } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const config = createClusterConfig(engine)
 * await config.setClusterWide(["feature", "x"], true)
 * console.log(config.get(["feature", "x"])) // true
 * await config.close()
 * await engine.close()
 * ```
 */
export function createClusterConfig(engine: Engine, options: RecipeOptions = {}): ClusterConfig {
  return new Settings(recipeWorld(engine, options));
}

interface Setting {
  readonly value: unknown;
  readonly revision: Revision;
}

class Settings implements ClusterConfig {
  readonly #world: RecipeWorld;
  readonly #prefix: string;
  readonly #closed = new AbortController();
  /** The copy, from the first use on: who never asks for a setting costs the store no watch. */
  #following: Promise<void> | undefined;
  #copy = new Map<string, Setting>();
  /** Of the store, up to which the copy is complete. */
  #copied: Revision = -1;
  #failure: unknown;
  #waiters: { readonly revision: Revision; readonly settle: () => void }[] = [];

  constructor(world: RecipeWorld) {
    this.#world = world;
    this.#prefix = `${world.prefix}config/`;
  }

  ready(): Promise<void> {
    this.#copyFromNowOn();
    return this.#until(0);
  }

  async setClusterWide(
    path: ConfigPath,
    proposed: unknown,
    { conflict = "last-writer", ...request }: SetOptions = {},
  ): Promise<Revision> {
    this.#copyFromNowOn();
    const key = this.#keyOf(path);
    const known = this.#copy.get(key);
    let seen = await this.#read(key, request);
    for (let round = 0; round < RECIPE_LIMITS.rewritesMax; round += 1) {
      if (refuses(conflict, { known, seen, proposed })) break;
      const isMerged = typeof conflict === "function" && seen !== undefined;
      const value = isMerged ? conflict(seen?.value, proposed) : proposed;
      if (seen && isDeepStrictEqual(seen.value, value)) return seen.revision;
      const than = seen?.revision ?? 0;
      const condition = { key, target: "modRevision", is: "=", than } as const;
      const revision = await this.#write(
        key,
        value,
        conflict === "last-writer" ? [] : [condition],
        request,
      );
      if (revision !== undefined) {
        await this.#until(revision);
        return revision;
      }
      seen = await this.#read(key, request);
    }
    throw conflictError(path, conflict, seen?.revision ?? 0);
  }

  async getWithConsensus<T = unknown>(
    path: ConfigPath,
    options?: RequestOptions,
  ): Promise<T | undefined> {
    return (await this.#read(this.#keyOf(path), options))?.value as T | undefined;
  }

  get<T = unknown>(path: ConfigPath): T | undefined {
    this.#copyFromNowOn();
    return this.#copy.get(this.#keyOf(path))?.value as T | undefined;
  }

  entries(path: ConfigPath = []) {
    this.#copyFromNowOn();
    const below = path.length === 0 ? this.#prefix : `${this.#keyOf(path)}/`;
    return [...this.#copy]
      .filter(([key]) => key.startsWith(below) || `${key}/` === below)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { value }]) => ({ path: this.pathOf(key.slice(this.#prefix.length)), value }));
  }

  watch<T = unknown>(path: ConfigPath, options: KvWatchOptions = {}): KvWatch<T> {
    const key = path.length === 0 ? this.#prefix : this.#keyOf(path);
    // A sibling whose name only begins alike has more after this, where children have a slash.
    const range = path.length === 0 ? rangeOf(key) : { key, end: `${key}0` };
    return watchKv<T>(
      this.#world,
      this.#prefix,
      range,
      options,
      (found) => path.length === 0 || found === key || found.startsWith(`${key}/`),
    );
  }

  pathOf(key: string): ConfigPath {
    return key.split("/").map(decodeURIComponent);
  }

  async close(): Promise<void> {
    this.#closed.abort(closedHandle("This configuration"));
    await this.#following;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #copyFromNowOn(): void {
    if (this.#closed.signal.aborted) this.#failure ??= this.#closed.signal.reason;
    else this.#following ??= this.#follow();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closed;
    try {
      for await (const each of follow(this.#world, rangeOf(this.#prefix), { signal })) {
        if (each.type === "snapshot") {
          this.#copy = new Map(each.pairs.map((pair) => [pair.key, this.#settingOf(pair)]));
        } else {
          for (const change of each.changes) {
            if (change.type === "delete") this.#copy.delete(change.key);
            else this.#copy.set(change.pair.key, this.#settingOf(change.pair));
          }
        }
        this.#arrived(each.revision);
      }
      this.#fail(signal.reason);
    } catch (error) {
      // Who closes it while it is read for the first time knows.
      if (!signal.aborted) {
        this.#world.logger.error("the copy of the cluster's configuration is followed no more", {
          error,
        });
      }
      this.#fail(error);
    }
  }

  #arrived(revision: Revision): void {
    this.#copied = revision;
    const due = this.#waiters.filter((waiter) => waiter.revision <= revision);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    for (const { settle } of due) settle();
  }

  #fail(error: unknown): void {
    this.#failure = error;
    for (const { settle } of this.#waiters.splice(0)) settle();
  }

  /** Until the copy has everything up to this revision. */
  async #until(revision: Revision): Promise<void> {
    if (this.#copied < revision && this.#failure === undefined) {
      await new Promise<void>((settle) => this.#waiters.push({ revision, settle }));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #settingOf({ value, modRevision }: KeyValue): Setting {
    return { value: this.#world.codec.decode(value), revision: modRevision };
  }

  async #read(key: string, request?: RequestOptions): Promise<Setting | undefined> {
    this.#checkOpen();
    const { engine } = this.#world;
    const { results } = await engine.txn({ then: [{ type: "range", key }] }, request);
    const [pair] = pairsOf(results[0]);
    return pair && this.#settingOf(pair);
  }

  /** The revision, or undefined when a condition did not hold. */
  async #write(
    key: string,
    value: unknown,
    conditions: readonly Comparison[],
    request: RequestOptions,
  ): Promise<Revision | undefined> {
    const { codec, engine } = this.#world;
    const write =
      value === undefined
        ? ({ type: "delete", key } as const)
        : ({ type: "put", key, value: codec.encode(value) } as const);
    const { succeeded, revision } = await engine.txn({ if: conditions, then: [write] }, request);
    return succeeded ? revision : undefined;
  }

  #keyOf(path: ConfigPath): string {
    if (path.length === 0) throw invalidArgument("path", "at least one name", "an empty list");
    return this.#prefix + path.map((name) => keySegment(name, "path")).join("/");
  }

  #checkOpen(): void {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
  }
}

interface Encounter {
  /** What this node knew. */
  readonly known: Setting | undefined;
  readonly seen: Setting | undefined;
  readonly proposed: unknown;
}

function refuses(conflict: ConflictPolicy, { known, seen, proposed }: Encounter): boolean {
  if (conflict === "compare") return (seen?.revision ?? 0) !== (known?.revision ?? 0);
  if (conflict === "refuse") return seen !== undefined && !isDeepStrictEqual(seen.value, proposed);
  return false;
}

function conflictError(path: ConfigPath, conflict: ConflictPolicy, revision: Revision): Error {
  const policy = typeof conflict === "function" ? "function" : conflict;
  return consensusErrors.ERR_CONFIG_CONFLICT(
    `The setting ${path.join(".")} was changed by another (revision ${revision}) and the policy is "${policy}"; ` +
      "read it with getWithConsensus() and decide anew",
    { path, policy, revision },
  );
}

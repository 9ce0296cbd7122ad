/**
 * Elections: one leader among candidates, the best of them where candidates differ.
 *
 * Guarantee: tokens of an election grow strictly from leader to leader, and while clocks tick alike at most one candidate
 * has `isLeader`; a better candidate takes over without a moment of two. Limit: a leader that was paused may act once more
 * when it wakes; only receivers that compare tokens protect against it.
 */
import { parseDuration, type Duration } from "@foundation/core";
import type { Engine } from "../../engine/engine.js";
import { follow } from "../follow.js";
import { RECIPE_TIMES } from "../limits.js";
import { joinSignals, Patience, type WaitOptions } from "../patience.js";
import { persist } from "../persistence.js";
import { pairsOf } from "../sessions/session.js";
import { sessionsOf } from "../sessions/sessions.js";
import {
  closedHandle,
  invalidArgument,
  keySegment,
  recipeWorld,
  type RecipeOptions,
  type RecipeWorld,
} from "../world.js";
import type { CandidateNote } from "./ballot.js";
import { Candidacy, leaderKeyOf } from "./campaign.js";
import type { Leadership } from "./leadership.js";
import { scoreOf, type Preference } from "./preference.js";

/** What elections take beside what every recipe takes. */
export interface ElectionsOptions extends RecipeOptions {
  /** Of this node, for preferences: zone, rack, role. @default none */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** How to stand. */
export interface CampaignOptions {
  /** How long a leader that has died is leader. @default "10s" */
  readonly ttl?: Duration | undefined;
  /** How good a leader this one would be. @default 0 */
  readonly preference?: Preference | undefined;
  /** As leader it gives way to a candidate that is better by more than this … @default 0 */
  readonly margin?: number | undefined;
  /** … and has been so for this long … @default "3s" */
  readonly settle?: Duration | undefined;
  /** … when its own work has stopped (`done`), or after this. @default "5s" */
  readonly grace?: Duration | undefined;
  /** Resigns when it fires. */
  readonly signal?: AbortSignal | undefined;
}

/** One candidacy; its loop yields each leadership as it is won. */
export interface Campaign extends AsyncIterable<Leadership>, AsyncDisposable {
  readonly name: string;
  readonly isLeader: boolean;
  /** Undefined while it does not lead. */
  readonly leadership: Leadership | undefined;
  /** That of the leadership; undefined while it does not lead. */
  readonly token: number | undefined;
  /** Resolves when it leads. @throws {ERR_TIMEOUT}, {ERR_ABORTED}, {ERR_CLOSED} it has resigned */
  elected(options?: WaitOptions): Promise<Leadership>;
  /** Gives up leadership and candidacy. Resolves when others may lead. Idempotent. */
  resign(): Promise<void>;
  /** As `resign`. */
  close(): Promise<void>;
}

/** Who leads. */
export interface LeaderInfo {
  readonly client: string;
  readonly token: number;
}

/** Elections over one engine. */
export interface Elections extends AsyncDisposable {
  /** Stands for election until it resigns. @throws {ERR_INVALID_ARGUMENT}, {ERR_CLOSED} */
  campaign(name: string, options?: CampaignOptions): Campaign;
  /** Who leads, asked of the store. */
  leader(name: string, options?: WaitOptions): Promise<LeaderInfo | undefined>;
  /** Who leads, now and after each change; undefined while nobody does. */
  observe(
    name: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncGenerator<LeaderInfo | undefined, void, undefined>;
  /** Resigns everywhere, and refuses more. */
  close(): Promise<void>;
}

/**
 * Elections over an engine.
 *
 * @example
 * ```ts
 * import { createElections, createMemoryEngine } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const elections = createElections(engine, { labels: { zone: "eu-1a" } })
 * const campaign = elections.campaign("scheduler", {
 *   preference: [{ label: "zone", is: "eu-1a", weight: 10 }],
 * })
 * const { token, signal } = await campaign.elected()
 * console.log(token, signal.aborted)
 * await elections.close()
 * await engine.close()
 * ```
 */
export function createElections(engine: Engine, options: ElectionsOptions = {}): Elections {
  const world = recipeWorld(engine, options);
  const leases = sessionsOf(world, options);
  const closed = new AbortController();
  const running = new Set<Candidacy>();
  const close = async () => {
    closed.abort(closedHandle("These elections"));
    await Promise.all([...running].map((candidacy) => candidacy.stop(closed.signal.reason)));
    await leases.close();
  };
  const checkOpen = () => {
    if (closed.signal.aborted) throw closed.signal.reason;
  };
  return {
    campaign(name, campaign = {}) {
      checkOpen();
      const settings = settingsOf(prefixOf(world, name), name, campaign, options.labels ?? {});
      const candidacy = new Candidacy(world, leases.sessions, settings);
      running.add(candidacy);
      return handleOf(world, name, candidacy, campaign.signal, () => running.delete(candidacy));
    },
    async leader(name, wait = {}) {
      checkOpen();
      const look = { type: "range", key: leaderKeyOf(prefixOf(world, name)) } as const;
      const patience = new Patience(world.clock, wait, `election "${name}"`, closed.signal);
      const asking = persist(world, patience.signal, () => engine.txn({ then: [look] }));
      const { results } = await asking.finally(() => patience.end());
      return infoOf(world, pairsOf(results[0])[0]);
    },
    async *observe(name, { signal } = {}) {
      checkOpen();
      const key = leaderKeyOf(prefixOf(world, name));
      const either = joinSignals(signal, closed.signal);
      try {
        for await (const each of follow(world, { key }, { signal: either.signal })) {
          if (each.type === "snapshot") yield infoOf(world, each.pairs[0]);
          else {
            for (const change of each.changes) {
              yield change.type === "put" ? infoOf(world, change.pair) : undefined;
            }
          }
        }
      } finally {
        either.end();
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function handleOf(
  world: RecipeWorld,
  name: string,
  candidacy: Candidacy,
  signal: AbortSignal | undefined,
  onEnd: () => void,
): Campaign {
  let resigning: Promise<void> | undefined;
  const resign = () => {
    signal?.removeEventListener("abort", onAbort);
    resigning ??= candidacy.stop(closedHandle(`The campaign in "${name}"`)).finally(onEnd);
    return resigning;
  };
  const onAbort = () => void resign();
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return {
    name,
    get isLeader() {
      return candidacy.term !== undefined;
    },
    get leadership() {
      return candidacy.term;
    },
    get token() {
      return candidacy.term?.token;
    },
    async elected(wait = {}) {
      const patience = new Patience(world.clock, wait, `the leadership of "${name}"`);
      return await candidacy.elected(patience.signal).finally(() => patience.end());
    },
    resign,
    close: resign,
    [Symbol.asyncIterator]: () => candidacy.terms,
    [Symbol.asyncDispose]: resign,
  };
}

function settingsOf(
  prefix: string,
  name: string,
  options: CampaignOptions,
  labels: Readonly<Record<string, string>>,
) {
  const { ttlMs, settleMs, graceMs, claimStepMs } = RECIPE_TIMES;
  const { margin = 0 } = options;
  if (!(Number.isFinite(margin) && margin >= 0)) {
    throw invalidArgument("margin", "a number of at least 0", String(margin));
  }
  return {
    name,
    prefix,
    ttlMs: parseDuration(options.ttl ?? ttlMs, "ttl"),
    score: scoreOf(options.preference ?? 0, labels),
    graceMs: parseDuration(options.grace ?? graceMs, "grace"),
    times: { claimStepMs, settleMs: parseDuration(options.settle ?? settleMs, "settle"), margin },
  };
}

function prefixOf(world: RecipeWorld, name: string): string {
  return `${world.prefix}elections/${keySegment(name)}/`;
}

function infoOf(
  world: RecipeWorld,
  pair: { readonly value: Uint8Array; readonly modRevision: number } | undefined,
): LeaderInfo | undefined {
  if (!pair) return undefined;
  const { client } = world.codec.decode(pair.value) as CandidateNote;
  return { client, token: pair.modRevision };
}

/**
 * CachePlan: which caches a world has, as its seed draws them, and what each of them promises.
 *
 * One is always a quorum's, one always keeps copies near; the rest is whatever the seed says.
 */
import type { CacheOptions } from "@foundation/cache";
import type { Random } from "@foundation/core/ports";

export interface CachePlan {
  readonly name: string;
  readonly options: CacheOptions;
  readonly isQuorum: boolean;
  readonly isNear: boolean;
  /** It may lose entries at any time: its limits are small. */
  readonly mayForget: boolean;
  /** Owners of each key, as far as there are nodes. */
  readonly replicas: number;
  /** Nodes that open it. */
  readonly on: readonly string[];
}

/** Small, so that every transfer takes several pages. */
const LIMITS = { pageBytesMax: 150, pullsMax: 4 };
/** So that few deletions, notes and tags are remembered one by one. */
const FORGETFUL = { ...LIMITS, tombstonesMax: 3, tagFloorsMax: 2, nearKeysMax: 2 };
export const NEAR_TTL_MS = 2_000;
export const REPAIR_MS = 4_000;

export function drawPlans(random: Random, names: readonly string[]): readonly CachePlan[] {
  return [
    quorumPlan("agreed", random, names),
    eventualPlan("near", random, names, true),
    eventualPlan("plain", random, names, false),
    ...(random.next() < 0.5 ? [eventualPlan("more", random, names, random.next() < 0.5)] : []),
  ];
}

function quorumPlan(name: string, random: Random, names: readonly string[]): CachePlan {
  const replicas = 2 + Math.floor(random.next() * 2);
  const confirmedWithinMs = random.next() < 0.5 ? 3_000 : 10_000;
  const options: CacheOptions = {
    consistency: "quorum",
    replicas,
    times: { confirmedWithinMs },
    limits: LIMITS,
  };
  const rest = { isQuorum: true, isNear: false, mayForget: false, on: names };
  return { name, options, replicas, ...rest };
}

function eventualPlan(
  name: string,
  random: Random,
  names: readonly string[],
  isNear: boolean,
): CachePlan {
  const isReplicated = random.next() < 0.25;
  const replicas = isReplicated ? names.length : 1 + Math.floor(random.next() * 3);
  const mayForget = random.next() < 0.3;
  const isEvicting = mayForget && random.next() < 0.5;
  const options: CacheOptions = {
    ...(isReplicated ? { topology: "replicated" as const } : { replicas }),
    ...(isNear && { near: { ttl: NEAR_TTL_MS } }),
    ...(isEvicting && { maxEntries: 5 }),
    times: { repairMs: REPAIR_MS },
    limits: mayForget ? FORGETFUL : LIMITS,
  };
  const some = names.filter(() => random.next() < 0.7);
  const on = random.next() < 0.7 || some.length < 2 ? names : some;
  return { name, options, isQuorum: false, isNear, mayForget, replicas, on };
}

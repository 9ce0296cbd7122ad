/** choose: one strategy by its name, with what the strategies of one service remember. */
import type { Contender, Strategy } from "./contender.js";
import { consistentHash } from "./strategies/consistent-hash.js";
import { leastConnections } from "./strategies/least-connections.js";
import { leastLatency } from "./strategies/least-latency.js";
import { locality } from "./strategies/locality.js";
import { random } from "./strategies/random.js";
import { roundRobin, type Turn } from "./strategies/round-robin.js";
import { weighted, type Credits } from "./strategies/weighted.js";

/** What the strategies of one service remember. */
export interface Memory {
  readonly turn: Turn;
  readonly credits: Credits;
}

/** What a choice depends on beside the contenders. */
export interface Chance {
  /** Two independent draws from 0 to 1, 1 not included. */
  readonly one: number;
  readonly two: number;
  /** For `consistent-hash`. */
  readonly key: string;
}

/** A memory of nothing. */
export function newMemory(): Memory {
  return { turn: { last: "" }, credits: new Map() };
}

/** The instance that gets the request, or undefined when there is none. */
export function choose<C extends Contender>(
  strategy: Strategy,
  contenders: readonly C[],
  memory: Memory,
  chance: Chance,
): C | undefined {
  switch (strategy) {
    case "round-robin":
      return roundRobin(contenders, memory.turn);
    case "random":
      return random(contenders, chance.one);
    case "least-connections":
      return leastConnections(contenders, chance.one);
    case "least-latency":
      return leastLatency(contenders, chance.one, chance.two);
    case "weighted":
      return weighted(contenders, memory.credits);
    case "consistent-hash":
      return consistentHash(contenders, chance.key);
    case "locality":
      return locality(contenders, chance.one);
    default:
      return strategy satisfies never;
  }
}

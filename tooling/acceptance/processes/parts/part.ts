/**
 * Part: one more thing that users do with processes in a world of the hunt, and its books.
 *
 * A seed draws which parts its world has. While things go wrong a part acts like any user. When nothing is wrong it has an
 * *exercise*: what it does then has a certain outcome.
 */
import type { Random } from "@foundation/core/ports";
import type { ProcessBook } from "../process-book.js";
import type { Node, Sim } from "../process-node.js";
import type { Weather } from "../weather.js";
import type { Workload } from "../workload.js";

export const features = ["trees", "groups", "saving", "merging", "balancing"] as const;
/** What a world may have beside single processes. */
export type Feature = (typeof features)[number];

/** What a part has of its world. */
export interface PartWorld {
  readonly sim: Sim;
  readonly random: Random;
  readonly book: ProcessBook;
  readonly workload: Workload;
  readonly weather: Weather;
}

export interface Part {
  /** What is there before anything goes wrong. */
  begin?(): Promise<void>;
  /** One thing that a user does somewhere while things go wrong. */
  act?(node: Node): void;
  /** What has a certain outcome, nothing being wrong; gives what was wrong with it. */
  exercise?(): Promise<readonly string[]>;
  /** What a user does all the time while a minority is cut off for long. */
  meanwhile?(): void;
  /** What is wrong when all is healed and at rest. */
  judge?(): Promise<readonly string[]>;
  /** Identities that it started and nobody stops: all of them, and those that must run. */
  readonly identities?: readonly string[];
  living?(): readonly string[];
  /** Processes of its own that run besides. */
  beside?(): number;
  /** From now on what is known is known to all. */
  settle?(): void;
}

/** A node that serves users. */
export function anyNode({ workload, random }: PartWorld): Node {
  const nodes = workload.ready();
  const node = nodes[Math.floor(random.next() * nodes.length)];
  if (node === undefined) throw new Error("no node serves users");
  return node;
}

export function oneOf<T>(random: Random, all: readonly T[]): T | undefined {
  return all[Math.floor(random.next() * all.length)];
}

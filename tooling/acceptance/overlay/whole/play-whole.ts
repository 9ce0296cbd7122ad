/**
 * playWhole: one world of whole overlays from its first node to its last crash.
 *
 * It forms in a rollout, mixes, is looked at, broadcasts and rests; nodes come and go for a while; then a part of all
 * nodes crashes, starts again when the survivors were looked at, and a larger part crashes. All of it happens in one
 * world, since forming is what costs most: every node learns of every other one.
 */
import type { Joined } from "../joining.js";
import { churn, type Churn, type WholeChurnOrder } from "./whole-churn.js";
import { crashSome, type Crash } from "./whole-crash.js";
import { joined, rollOut, startAll } from "./whole-joining.js";
import { lookAt, type Looked } from "./whole-steady.js";
import { WholeWorld } from "./whole-world.js";

export interface WholeOrder {
  readonly seed: string;
  readonly nodes: number;
  /** Between two starts. */
  readonly startEveryMs: number;
  /** From the last start until it is looked at. @default it is not */
  readonly look?: {
    readonly mixMs: number;
    readonly restMs: number;
    readonly singleSource: number;
    readonly multiSource: number;
  };
  /** @default nobody comes and goes */
  readonly churn?: WholeChurnOrder;
  /** Parts of all nodes, from 0 to 1, one after the other. */
  readonly crashes: readonly number[];
  /** From the moment that all are one again until the next crash. */
  readonly settleMs: number;
}

export interface WholePlayed {
  readonly joined: Joined;
  readonly looked: Looked | undefined;
  readonly churn: Churn | undefined;
  readonly crashes: readonly Crash[];
  readonly findingCount: number;
  readonly findings: readonly string[];
  readonly events: number;
  readonly virtualMs: number;
}

/** @param onPart is told what is over, for the person who waits */
export async function playWhole(
  order: WholeOrder,
  onPart: (what: string, virtualMs: number) => void = () => {},
): Promise<WholePlayed> {
  using world = new WholeWorld(order.seed);
  const told = await rollOut(world, order.nodes, order.startEveryMs, (what) => {
    onPart(what, world.now);
  });
  onPart("formed", world.now);
  const looked = await look(world, order);
  if (looked !== undefined) onPart("looked at", world.now);
  const churned = order.churn && (await churn(world, order.churn));
  if (churned !== undefined) onPart("churned", world.now);
  const crashes: Crash[] = [];
  for (const share of order.crashes) {
    if (crashes.length > 0) await startAgain(world, order);
    await world.run(order.settleMs);
    crashes.push(await crashSome(world, share));
    onPart(`crash of ${Math.round(share * 100)} % over`, world.now);
  }
  const { findingCount, findings, events, now } = world;
  const found = { findingCount, findings, events, virtualMs: now };
  return { joined: told, looked, churn: churned, crashes, ...found };
}

async function look(world: WholeWorld, order: WholeOrder): Promise<Looked | undefined> {
  if (order.look === undefined) return undefined;
  await world.run(order.look.mixMs);
  return lookAt(world, order.look);
}

/** Who crashed last starts again, until all are there. */
async function startAgain(world: WholeWorld, order: WholeOrder): Promise<void> {
  const up = new Set(world.up().map(({ name }) => name));
  const names = new Set(world.nodes.map(({ name }) => name).filter((name) => !up.has(name)));
  const missing = [...names].slice(-(order.nodes - up.size));
  await startAll(world, missing, order.startEveryMs);
  await joined(world);
}

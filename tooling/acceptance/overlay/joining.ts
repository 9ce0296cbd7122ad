/**
 * How the nodes of a world come to be: one after the other, as in a quick rollout, or all within a second through a few
 * seeds; and how long it takes until they are one.
 */
import { OverlayWorld, type CoreSettings } from "./overlay-world.js";

export interface WorldOrder {
  readonly seed: string;
  readonly nodes: number;
  readonly settings?: CoreSettings;
}

export interface Joined {
  /** From the last start until all were one component; undefined: they were not within a minute. */
  readonly oneComponentMs: number | undefined;
  /** Until then. */
  readonly messagesPerNode: number;
  /** Where nodes have directories: from the last start until every one listed every one. */
  readonly listedMs?: number | undefined;
}

/** Nodes that were there first; all join through them. */
const SEEDS = 5;
/** Between two starts of a rollout; where there are many nodes, all of it takes so long at most. */
const START_EVERY_MS = 10;
const ROLLOUT_MS_MAX = 50_000;
/** A storm takes so long. */
const STORM_MS = 1_000;
const ONE_COMPONENT_WITHIN_MS = 60_000;
/** A walk through a large graph takes its time: looked at less often. */
const LARGE_NODES = 2_000;
const LOOK_EVERY_MS = 50;
const LOOK_AT_LARGE_EVERY_MS = 250;

/** A world in which all have started, one after the other, and how they became one. */
export function rolledOut(order: WorldOrder): { world: OverlayWorld; joined: Joined } {
  const everyMs = Math.min(START_EVERY_MS, ROLLOUT_MS_MAX / order.nodes);
  return joinedWorld(order, (node) => node * everyMs);
}

/** The same, all but the seeds at once. */
export function stormed(order: WorldOrder): { world: OverlayWorld; joined: Joined } {
  return joinedWorld(order, (node, world) => {
    return node < SEEDS ? 0 : STORM_MS + STORM_MS * world.random.next();
  });
}

export function lookEveryMs(nodes: number): number {
  return nodes > LARGE_NODES ? LOOK_AT_LARGE_EVERY_MS : LOOK_EVERY_MS;
}

export function isOne(world: OverlayWorld): boolean {
  return world.graph().components().length === 1;
}

function joinedWorld(
  { seed, nodes, settings }: WorldOrder,
  startAtMs: (node: number, world: OverlayWorld) => number,
): { world: OverlayWorld; joined: Joined } {
  const world = new OverlayWorld(seed, settings);
  const seeds = () => world.nodes.slice(0, SEEDS).map(({ id }) => id);
  let lastMs = 0;
  for (let node = 0; node < nodes; node += 1) {
    const atMs = startAtMs(node, world);
    lastMs = Math.max(lastMs, Math.ceil(atMs));
    world.after(atMs, { happen: () => void world.start(seeds()) });
  }
  world.run(lastMs);
  const isReady = () => isOne(world);
  const oneComponentMs = world.until(isReady, lookEveryMs(nodes), ONE_COMPONENT_WITHIN_MS);
  const messagesPerNode = world.meter.messages / nodes;
  return { world, joined: { oneComponentMs, messagesPerNode } };
}

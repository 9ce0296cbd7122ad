/**
 * playSteady: an overlay without faults: it forms, it is looked at when it has mixed, one node and then many broadcast,
 * and at last it is at rest.
 */
import { reachOf, type Broadcast } from "./broadcast.js";
import { spreadOf, type Paths, type Spread } from "./graph.js";
import { rolledOut, type Joined, type WorldOrder } from "./joining.js";
import type { OverlayNode } from "./overlay-node.js";
import type { OverlayWorld } from "./overlay-world.js";
import { foundIn, type Found } from "./played.js";

export interface SteadyOrder extends WorldOrder {
  /** Of 10 s, between the join and the look. */
  readonly shuffleCycles: number;
  readonly singleSource: number;
  readonly multiSource: number;
  readonly restMs: number;
}

/** Several broadcasts, one a second. */
export interface Series {
  readonly broadcasts: number;
  /** Mean and greatest relative message redundancy. */
  readonly redundancy: number;
  readonly redundancyMost: number;
  readonly lastHop: number;
  readonly lastHopMost: number;
  readonly lastMs: number;
  readonly lastMsMost: number;
  readonly missed: number;
}

export interface Shape {
  readonly components: number;
  readonly paths: Paths;
  readonly clustering: number;
  readonly inDegree: Spread;
  /** Views that hold for a second somebody who does not hold them. */
  readonly oneSided: number;
  /** Where it can be seen. */
  readonly passive?: Spread;
  readonly links: Spread;
}

export interface Rest {
  readonly messagesPerNodeSecond: number;
  readonly bytesPerNodeSecond: number;
  /** By kind. */
  readonly kinds: Readonly<Record<string, number>>;
}

export interface SteadyPlayed extends Found {
  readonly joined: Joined;
  readonly shape: Shape;
  /** Before anybody broadcast, and after: what is known of origins is compared at rest too. */
  readonly restBefore: Rest;
  readonly rest: Rest;
  readonly first: Series;
  readonly single: Series;
  readonly multi: Series;
}

const CYCLE_MS = 10_000;
const BROADCAST_EVERY_MS = 1_000;
/** After the last of a series: all of it has arrived, and what was missed had a chance to be asked for. */
const SERIES_ENDS_MS = 4_000;
const PATH_SOURCES = 500;

export function playSteady(order: SteadyOrder): SteadyPlayed {
  const { world, joined } = rolledOut(order);
  world.run(order.shuffleCycles * CYCLE_MS);
  const shape = shapeOf(world);
  const restBefore = restOf(world, order.restMs);
  const source = pickUp(world);
  const first = playSeries(world, 1, () => source);
  const single = playSeries(world, order.singleSource, () => source);
  const multi = playSeries(world, order.multiSource, () => pickUp(world));
  const rest = restOf(world, order.restMs);
  return { joined, shape, restBefore, rest, first, single, multi, ...foundIn(world) };
}

export function shapeOf(world: OverlayWorld): Shape {
  const graph = world.graph();
  return {
    components: graph.components().length,
    paths: graph.paths(world.random, PATH_SOURCES),
    clustering: graph.clustering(),
    inDegree: graph.inDegree,
    oneSided: world.lastingOneSided(),
    passive: spreadOf(world.up().map(({ view }) => view.passive.length)),
    links: spreadOf(world.up().map(({ linkCount }) => linkCount)),
  };
}

export function pickUp(world: OverlayWorld): OverlayNode {
  for (;;) {
    const node = world.nodes[world.random.uint32() % world.nodes.length];
    if (node?.isUp === true) return node;
  }
}

export function playSeries(world: OverlayWorld, count: number, origin: () => OverlayNode): Series {
  const broadcasts: Broadcast[] = [];
  for (let number = 0; number < count; number += 1) {
    broadcasts.push(world.broadcast(origin()));
    world.run(BROADCAST_EVERY_MS);
  }
  world.run(SERIES_ENDS_MS);
  const up = world.up().map(({ index }) => index);
  return seriesOf(broadcasts, reachOf(broadcasts, up).missed);
}

export function seriesOf(broadcasts: readonly Broadcast[], missed: number): Series {
  const redundancy = spreadOf(broadcasts.map((one) => one.redundancy));
  const lastHop = spreadOf(broadcasts.map((one) => one.lastHop));
  const lastMs = spreadOf(broadcasts.map((one) => one.lastMs));
  return {
    broadcasts: broadcasts.length,
    redundancy: redundancy.mean,
    redundancyMost: redundancy.most,
    lastHop: lastHop.mean,
    lastHopMost: lastHop.most,
    lastMs: lastMs.mean,
    lastMsMost: lastMs.most,
    missed,
  };
}

function restOf(world: OverlayWorld, restMs: number): Rest {
  const { meter } = world;
  const before = new Map(meter.counts);
  meter.start(world.now);
  world.run(restMs);
  const { seconds, messages, bytes } = meter.stop(world.now);
  const nodeSeconds = world.up().length * seconds;
  const kinds: Record<string, number> = {};
  for (const [kind, count] of [...meter.counts].sort()) {
    const sent = count - (before.get(kind) ?? 0);
    if (sent > 0) kinds[kind] = sent / nodeSeconds;
  }
  return {
    messagesPerNodeSecond: messages / nodeSeconds,
    bytesPerNodeSecond: bytes / nodeSeconds,
    kinds,
  };
}

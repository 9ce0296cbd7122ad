/** Looks at a whole overlay without faults: its shape, what it costs at rest, and broadcasts of one node and of many. */
import { reachOf, type Broadcast } from "../broadcast.js";
import { spreadOf } from "../graph.js";
import { seriesOf, type Rest, type Series, type Shape } from "../play-steady.js";
import { pickUp } from "./whole-joining.js";
import type { WholeNode, WholeWorld } from "./whole-world.js";

const BROADCAST_EVERY_MS = 1_000;
/** After the last of a series: all of it has arrived, and what was missed had a chance to be asked for. */
const SERIES_ENDS_MS = 4_000;
const PATH_SOURCES = 500;
/** A few round trips: what two nodes agree on is known to both by then. */
const AGREES_WITHIN_MS = 1_000;

export interface Looked {
  readonly shape: Shape;
  readonly restBefore: Rest;
  readonly rest: Rest;
  readonly first: Series;
  readonly single: Series;
  readonly multi: Series;
}

export async function lookAt(
  world: WholeWorld,
  {
    restMs,
    singleSource,
    multiSource,
  }: { readonly restMs: number; readonly singleSource: number; readonly multiSource: number },
): Promise<Looked> {
  const shape = await shapeOf(world);
  const restBefore = await restOf(world, restMs);
  const source = pickUp(world);
  const first = await playSeries(world, 1, () => source);
  const single = await playSeries(world, singleSource, () => source);
  const multi = await playSeries(world, multiSource, () => pickUp(world));
  const rest = await restOf(world, restMs);
  return { shape, restBefore, rest, first, single, multi };
}

export async function shapeOf(world: WholeWorld): Promise<Shape> {
  const graph = world.graph();
  return {
    components: graph.components().length,
    paths: graph.paths(world.random, PATH_SOURCES),
    clustering: graph.clustering(),
    inDegree: graph.inDegree,
    oneSided: await lastingOneSided(world),
    links: spreadOf(world.links()),
  };
}

export async function playSeries(
  world: WholeWorld,
  count: number,
  origin: () => WholeNode,
): Promise<Series> {
  world.tap.isReadingTrees = true;
  const broadcasts: Broadcast[] = [];
  for (let number = 0; number < count; number += 1) {
    broadcasts.push(world.broadcast(origin()));
    await world.run(BROADCAST_EVERY_MS);
  }
  await world.run(SERIES_ENDS_MS);
  world.tap.isReadingTrees = false;
  const up = world.up().map(({ index }) => index);
  return seriesOf(broadcasts, reachOf(broadcasts, up).missed);
}

async function restOf(world: WholeWorld, restMs: number): Promise<Rest> {
  const { tap } = world;
  tap.start(world.now);
  await world.run(restMs);
  const { seconds, messages, bytes, kinds } = tap.stop(world.now);
  const nodeSeconds = world.up().length * seconds;
  const perSecond = [...kinds].sort().map(([kind, count]) => [kind, count / nodeSeconds] as const);
  return {
    messagesPerNodeSecond: messages / nodeSeconds,
    bytesPerNodeSecond: bytes / nodeSeconds,
    kinds: Object.fromEntries(perSecond),
  };
}

/** As `OverlayWorld.lastingOneSided`: those that stay so for longer than an agreement takes. */
async function lastingOneSided(world: WholeWorld): Promise<number> {
  const up = world.up();
  const pairs = world.graph().oneSided.map(([node, peer]) => [up[node], up[peer]] as const);
  await world.run(AGREES_WITHIN_MS);
  return pairs.filter(([node, peer]) => {
    if (!node?.isUp || !peer?.isUp) return false;
    const has = (one: WholeNode, other: WholeNode) => {
      return world.overlayOf(one)?.neighbours().includes(other.id) === true;
    };
    return has(node, peer) && !has(peer, node);
  }).length;
}

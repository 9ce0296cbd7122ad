/**
 * playChurn: nodes die and others join all the time, and somebody broadcasts every few seconds.
 *
 * A broadcast is owed to every node that had joined some seconds before it was sent, and that was still up when it was
 * looked for: a few seconds later, which is the first pass, and again when what was missed must have been found.
 */
import { Reach, type Broadcast, type Reached } from "./broadcast.js";
import { rolledOut, type WorldOrder } from "./joining.js";
import type { OverlayNode } from "./overlay-node.js";
import type { OverlayWorld } from "./overlay-world.js";
import { pickUp, seriesOf, shapeOf, type Series, type Shape } from "./play-steady.js";
import { foundIn, type Found } from "./played.js";

export interface ChurnOrder extends WorldOrder {
  readonly minutes: number;
  /** The part of all nodes that dies, and that joins, in a minute; from 0 to 1. */
  readonly perMinute: number;
  readonly settleMs: number;
  readonly broadcastEveryMs: number;
}

export interface ChurnPlayed extends Found {
  readonly died: number;
  readonly firstPass: Reached;
  readonly afterRepair: Reached;
  readonly series: Series;
  /** When it is over. */
  readonly shape: Shape;
}

const MINUTE_MS = 60_000;
/** Who started so shortly before a broadcast is not owed it. */
const JOINED_BEFORE_MS = 10_000;
const FIRST_PASS_MS = 3_000;
const REPAIRED_MS = 30_000;
const CONTACTS = 3;

export function playChurn(order: ChurnOrder): ChurnPlayed {
  const { world } = rolledOut(order);
  world.run(order.settleMs);
  const forMs = order.minutes * MINUTE_MS;
  const died = Math.round(order.nodes * order.perMinute * order.minutes);
  for (let count = 0; count < died; count += 1) {
    world.after(forMs * world.random.next(), { happen: () => world.crash(pickUp(world)) });
    world.after(forMs * world.random.next(), { happen: () => startOne(world) });
  }
  const firstPass = new Reach();
  const afterRepair = new Reach();
  const broadcasts: Broadcast[] = [];
  for (let passedMs = 0; passedMs < forMs; passedMs += order.broadcastEveryMs) {
    const broadcast = world.broadcast(pickMember(world));
    broadcasts.push(broadcast);
    const look = (reach: Reach) => ({ happen: () => reach.add(broadcast, owed(world, broadcast)) });
    world.after(FIRST_PASS_MS, look(firstPass));
    world.after(REPAIRED_MS, look(afterRepair));
    world.run(order.broadcastEveryMs);
  }
  world.run(REPAIRED_MS);
  return {
    died,
    firstPass: firstPass.reached,
    afterRepair: afterRepair.reached,
    series: seriesOf(broadcasts, afterRepair.reached.missed),
    shape: shapeOf(world),
    ...foundIn(world),
  };
}

function startOne(world: OverlayWorld): void {
  world.start(world.directory.pick(CONTACTS, world.random));
}

/** One that is up and has joined some seconds ago. */
function pickMember(world: OverlayWorld): OverlayNode {
  for (;;) {
    const node = pickUp(world);
    if (node.startedAtMs <= world.now - JOINED_BEFORE_MS) return node;
  }
}

function* owed(world: OverlayWorld, broadcast: Broadcast): Iterable<number> {
  for (const { index, isUp, startedAtMs } of world.nodes) {
    if (isUp && startedAtMs <= broadcast.sentAtMs - JOINED_BEFORE_MS) yield index;
  }
}

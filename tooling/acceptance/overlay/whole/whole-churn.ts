/**
 * churn: nodes of a whole overlay die and others join for a while, and somebody broadcasts all the time.
 *
 * A broadcast is handed over while its origin is a member. So whoever hears of the origin's death before the broadcast
 * has come does not get it: the last words of a node are counted apart, and nobody is owed them.
 */
import { Reach, type Broadcast, type Reached } from "../broadcast.js";
import type { ChurnPlayed } from "../play-churn.js";
import { seriesOf } from "../play-steady.js";
import { nameOf, pickUp } from "./whole-joining.js";
import { shapeOf } from "./whole-steady.js";
import type { WholeNode, WholeWorld } from "./whole-world.js";

export interface WholeChurnOrder {
  readonly forMs: number;
  /** The part of all nodes that dies, and that joins, in a minute; from 0 to 1. */
  readonly perMinute: number;
  readonly broadcastEveryMs: number;
}

/** What is told of it beside what is told of the whole run. */
export interface Churn
  extends Pick<ChurnPlayed, "died" | "firstPass" | "afterRepair" | "series" | "shape"> {
  /** Broadcasts whose origin died before the first pass was over. */
  readonly lastWords?: Reached;
}

const MINUTE_MS = 60_000;
/** Who started so shortly before a broadcast is not owed it. */
const JOINED_BEFORE_MS = 10_000;
const FIRST_PASS_MS = 3_000;
const REPAIRED_MS = 15_000;
const CONTACTS = 3;

export async function churn(
  world: WholeWorld,
  { forMs, perMinute, broadcastEveryMs }: WholeChurnOrder,
): Promise<Churn> {
  const died = Math.round((world.up().length * perMinute * forMs) / MINUTE_MS);
  const began = world.nodes.length;
  for (let count = 0; count < died; count += 1) {
    const name = nameOf(began + count);
    world.at(forMs * world.random.next(), () => world.crash(pickUp(world)));
    world.at(forMs * world.random.next(), () => {
      world.start(
        name,
        Array.from({ length: CONTACTS }, () => pickUp(world)),
      );
    });
  }
  const firstPass = new Reach();
  const afterRepair = new Reach();
  const lastWords = new Reach();
  const broadcasts: Broadcast[] = [];
  world.tap.isReadingTrees = true;
  for (let passedMs = 0; passedMs < forMs; passedMs += broadcastEveryMs) {
    const broadcast = world.broadcast(pickMember(world));
    broadcasts.push(broadcast);
    const look = (reach: Reach, last?: Reach) => () => {
      const counted = isLastWord(world, broadcast) ? last : reach;
      counted?.add(broadcast, owed(world, broadcast));
    };
    world.at(FIRST_PASS_MS, look(firstPass));
    world.at(REPAIRED_MS, look(afterRepair, lastWords));
    await world.run(broadcastEveryMs);
  }
  await world.run(REPAIRED_MS);
  world.tap.isReadingTrees = false;
  return {
    died,
    firstPass: firstPass.reached,
    afterRepair: afterRepair.reached,
    lastWords: lastWords.reached,
    series: seriesOf(broadcasts, afterRepair.reached.missed),
    shape: await shapeOf(world),
  };
}

/** One that is up and has joined some seconds ago. */
function pickMember(world: WholeWorld): WholeNode {
  const members = world.up().filter((node) => node.startedAtMs <= world.now - JOINED_BEFORE_MS);
  return pickUp(world, members);
}

/** Its origin died while it was on its way. */
function isLastWord(world: WholeWorld, { origin, sentAtMs }: Broadcast): boolean {
  const crashedAtMs = world.nodes[origin]?.crashedAtMs ?? Number.POSITIVE_INFINITY;
  return crashedAtMs < sentAtMs + FIRST_PASS_MS;
}

function* owed(world: WholeWorld, broadcast: Broadcast): Iterable<number> {
  for (const { index, isUp, startedAtMs } of world.nodes) {
    if (isUp && startedAtMs <= broadcast.sentAtMs - JOINED_BEFORE_MS) yield index;
  }
}

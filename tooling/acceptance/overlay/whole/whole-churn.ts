/** churn: nodes of a whole overlay die and others join for a while, and somebody broadcasts all the time. */
import { Reach, type Broadcast } from "../broadcast.js";
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
export type Churn = Pick<ChurnPlayed, "died" | "firstPass" | "afterRepair" | "series" | "shape">;

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
  const broadcasts: Broadcast[] = [];
  world.tap.isReadingTrees = true;
  for (let passedMs = 0; passedMs < forMs; passedMs += broadcastEveryMs) {
    const broadcast = world.broadcast(pickMember(world));
    broadcasts.push(broadcast);
    world.at(FIRST_PASS_MS, () => firstPass.add(broadcast, owed(world, broadcast)));
    world.at(REPAIRED_MS, () => afterRepair.add(broadcast, owed(world, broadcast)));
    await world.run(broadcastEveryMs);
  }
  await world.run(REPAIRED_MS);
  world.tap.isReadingTrees = false;
  return {
    died,
    firstPass: firstPass.reached,
    afterRepair: afterRepair.reached,
    series: seriesOf(broadcasts, afterRepair.reached.missed),
    shape: await shapeOf(world),
  };
}

/** One that is up and has joined some seconds ago. */
function pickMember(world: WholeWorld): WholeNode {
  const members = world.up().filter((node) => node.startedAtMs <= world.now - JOINED_BEFORE_MS);
  return pickUp(world, members);
}

function* owed(world: WholeWorld, broadcast: Broadcast): Iterable<number> {
  for (const { index, isUp, startedAtMs } of world.nodes) {
    if (isUp && startedAtMs <= broadcast.sentAtMs - JOINED_BEFORE_MS) yield index;
  }
}

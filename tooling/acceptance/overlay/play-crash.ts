/**
 * playCrash: a part of all nodes dies at one moment.
 *
 * Ten survivors broadcast within the first second, while the links to the dead are still believed in; then it is
 * watched until the survivors are one component, and ten more broadcast.
 */
import { reachOf, type Broadcast, type Reached } from "./broadcast.js";
import { isOne, lookEveryMs, rolledOut, type WorldOrder } from "./joining.js";
import type { OverlayWorld } from "./overlay-world.js";
import { pickUp, playSeries, type Series } from "./play-steady.js";
import { foundIn, type Found } from "./played.js";

export interface CrashOrder extends WorldOrder {
  /** Of all nodes, from 0 to 1. */
  readonly share: number;
  /** From the join until the crash. */
  readonly settleMs: number;
}

export interface CrashPlayed extends Found {
  readonly share: number;
  readonly survivors: number;
  /** From the crash until the survivors were one component; undefined: they never were. */
  readonly oneComponentMs: number | undefined;
  /** Where nodes have directories: until every survivor listed the survivors and nobody else. */
  readonly listedMs?: number | undefined;
  /** The largest part of the survivors that was connected right after the crash, from 0 to 1. */
  readonly largestAtOnce: number;
  /** Of the components at the end. */
  readonly components: number;
  /** Sent in the first second: who had it 3 s after the crash, and in the end. */
  readonly atOnce: Reached;
  readonly atOnceInTheEnd: Reached;
  /** Sent after the repair. */
  readonly afterRepair: Series;
  /** From the crash until they were one, or until it was given up. */
  readonly messagesPerSurvivor: number;
}

const AT_ONCE_EVERY_MS = 100;
const AT_ONCE_MS = 1_000;
const FIRST_PASS_MS = 3_000;
const HEALS_WITHIN_MS = 60_000;
/** Nothing is broadcast between the first and the second ten for so long. */
const REPAIRED_MS = 10_000;
/** What was sent at once is looked at for the last time so long after the crash, at the earliest. */
const END_MS = 40_000;

export function playCrash(order: CrashOrder): CrashPlayed {
  const { world } = rolledOut(order);
  world.run(order.settleMs);
  const crashedAt = world.now;
  const messagesBefore = world.meter.messages;
  crashSome(world, order.share);
  const survivors = world.up();
  const indexes = survivors.map(({ index }) => index);
  const largestAtOnce = (world.graph().components()[0] ?? 0) / survivors.length;
  const watch = new Watch(world, crashedAt, survivors.length);
  const broadcasts: Broadcast[] = [];
  for (let sentMs = 0; sentMs < AT_ONCE_MS; sentMs += AT_ONCE_EVERY_MS) {
    broadcasts.push(world.broadcast(pickUp(world)));
    watch.run(AT_ONCE_EVERY_MS);
  }
  watch.run(crashedAt + FIRST_PASS_MS - world.now);
  const atOnce = reachOf(broadcasts, indexes);
  watch.untilOne(crashedAt + HEALS_WITHIN_MS);
  const messages = (watch.messages ?? world.meter.messages) - messagesBefore;
  world.run(Math.max(0, crashedAt + REPAIRED_MS - world.now));
  const afterRepair = playSeries(world, 10, () => pickUp(world));
  world.run(Math.max(0, crashedAt + END_MS - world.now));
  return {
    share: order.share,
    survivors: survivors.length,
    oneComponentMs: watch.oneComponentMs,
    largestAtOnce,
    components: world.graph().components().length,
    atOnce,
    atOnceInTheEnd: reachOf(broadcasts, indexes),
    afterRepair,
    messagesPerSurvivor: messages / survivors.length,
    ...foundIn(world),
  };
}

/** Lets time pass and sees when the survivors are one component. */
class Watch {
  oneComponentMs: number | undefined;
  /** Sent until then. */
  messages: number | undefined;
  readonly #lookMs: number;

  constructor(
    readonly world: OverlayWorld,
    readonly crashedAtMs: number,
    survivors: number,
  ) {
    this.#lookMs = lookEveryMs(survivors);
  }

  run(forMs: number): void {
    const until = this.world.now + forMs;
    while (this.world.now < until) {
      this.#look();
      this.world.run(Math.min(this.#lookMs, until - this.world.now));
    }
  }

  untilOne(untilMs: number): void {
    this.#look();
    while (this.oneComponentMs === undefined && this.world.now < untilMs) this.run(this.#lookMs);
    this.#look();
  }

  #look(): void {
    if (this.oneComponentMs !== undefined || !isOne(this.world)) return;
    this.oneComponentMs = this.world.now - this.crashedAtMs;
    this.messages = this.world.meter.messages;
  }
}

function crashSome(world: OverlayWorld, share: number): void {
  let left = Math.round(world.nodes.length * share);
  while (left > 0) {
    world.crash(pickUp(world));
    left -= 1;
  }
}

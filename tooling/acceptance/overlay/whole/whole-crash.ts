/**
 * crashSome: a part of the nodes of a whole overlay dies at one moment, as in the experiment with the cores.
 *
 * Ten survivors broadcast within the first second; it is watched until the survivors are one component and list each
 * other and nobody else; and ten more broadcast.
 */
import { reachOf, type Broadcast } from "../broadcast.js";
import type { CrashPlayed } from "../play-crash.js";
import { pickUp } from "./whole-joining.js";
import { playSeries } from "./whole-steady.js";
import type { WholeNode, WholeWorld } from "./whole-world.js";

/** What is told of a crash beside what is told of the whole run. */
export type Crash = Omit<
  CrashPlayed,
  "findingCount" | "findings" | "events" | "virtualMs" | "sent" | "marks"
>;

const AT_ONCE_EVERY_MS = 100;
const AT_ONCE_MS = 1_000;
const FIRST_PASS_MS = 3_000;
const HEALS_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 250;
/** Nothing is broadcast between the first and the second ten for so long. */
const REPAIRED_MS = 10_000;

export async function crashSome(world: WholeWorld, share: number): Promise<Crash> {
  const before = world.up().length;
  const messagesBefore = world.tap.messages;
  for (const node of drawn(world, Math.round(before * share))) world.crash(node);
  const survivors = world.up();
  const indexes = survivors.map(({ index }) => index);
  const watch = new Watch(world);
  const largestAtOnce = (world.graph().components()[0] ?? 0) / survivors.length;
  world.tap.isReadingTrees = true;
  const broadcasts: Broadcast[] = [];
  for (let sentMs = 0; sentMs < AT_ONCE_MS; sentMs += AT_ONCE_EVERY_MS) {
    broadcasts.push(world.broadcast(pickUp(world, survivors)));
    await watch.run(AT_ONCE_EVERY_MS);
  }
  await watch.run(FIRST_PASS_MS - watch.passedMs);
  const atOnce = reachOf(broadcasts, indexes);
  while (!watch.isOver && watch.passedMs < HEALS_WITHIN_MS) await watch.run(LOOK_EVERY_MS);
  const messages = (watch.messages ?? world.tap.messages) - messagesBefore;
  await world.run(REPAIRED_MS - watch.passedMs);
  const afterRepair = await playSeries(world, 10, () => pickUp(world, survivors));
  return {
    share,
    survivors: survivors.length,
    oneComponentMs: watch.oneComponentMs,
    listedMs: watch.listedMs,
    largestAtOnce,
    components: world.graph().components().length,
    atOnce,
    atOnceInTheEnd: reachOf(broadcasts, indexes),
    afterRepair,
    messagesPerSurvivor: messages / survivors.length,
  };
}

/** Lets time pass and sees when the survivors are one, and when they know who survived. */
class Watch {
  oneComponentMs: number | undefined;
  listedMs: number | undefined;
  /** Sent until they were one. */
  messages: number | undefined;
  readonly #world: WholeWorld;
  readonly #beganMs: number;

  constructor(world: WholeWorld) {
    this.#world = world;
    this.#beganMs = world.now;
  }

  get passedMs(): number {
    return this.#world.now - this.#beganMs;
  }

  get isOver(): boolean {
    return this.oneComponentMs !== undefined && this.listedMs !== undefined;
  }

  async run(forMs: number): Promise<void> {
    const until = this.#world.now + forMs;
    while (this.#world.now < until) {
      await this.#world.run(Math.min(LOOK_EVERY_MS, until - this.#world.now));
      this.#look();
    }
  }

  #look(): void {
    if (this.oneComponentMs === undefined && this.#world.isOne()) {
      this.oneComponentMs = this.passedMs;
      this.messages = this.#world.tap.messages;
    }
    if (this.listedMs === undefined && this.#world.isListed()) this.listedMs = this.passedMs;
  }
}

/** So many different nodes that are up. */
function drawn(world: WholeWorld, count: number): readonly WholeNode[] {
  const left = [...world.up()];
  return Array.from({ length: count }, () => {
    const at = world.random.uint32() % left.length;
    const last = left.pop() as WholeNode;
    if (at === left.length) return last;
    const node = left[at] as WholeNode;
    left[at] = last;
    return node;
  });
}

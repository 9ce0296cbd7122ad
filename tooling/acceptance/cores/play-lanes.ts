/**
 * playLanes: reliable lanes between all nodes, without links, sockets or membership: only what counts, keeps, credits and
 * cuts. Connections break at random, nodes start anew, and now and then one forgets another for good.
 *
 * At any time: what one start sent to another is handled in order, once, and without a gap unless one of them has given
 * the other up. In the end, all of it has arrived and nothing waits, is kept or is held.
 */
import { createCoreWorld, type CoreHost } from "@foundation/testkit";
import { LaneNode, type LaneBook, type LaneInput, type Start, type Wire } from "./lane-node.js";
import { CoreNemesis, drawCoreSwarm, pick } from "./nemesis.js";
import { settle } from "./play-membership.js";
import { mustBeEmpty, playedOf, type CorePlayed } from "./played.js";

export interface PlayLanesOptions {
  readonly seed: string;
  readonly nodes: number;
  /** How long faults rage, in virtual milliseconds. */
  readonly forMs: number;
}

const POSTS_PER_SECOND = 60;
const BURST_MAX = 12;
const LARGE_BYTES = 3_000;
const SMALL_BYTES = 200;
const FORGET_CHANCE = 0.01;
const ARRIVE = "60s";

export function playLanes(options: PlayLanesOptions): Promise<CorePlayed> {
  // Nothing in it waits; what it throws is still the promise's.
  return Promise.resolve(new Run(options).play());
}

/** What one start has sent to another, and what of it was handled. */
interface Pair {
  sent: number;
  got: number;
  isParted: boolean;
}

class Book implements LaneBook {
  readonly violations: string[] = [];
  readonly #pairs = new Map<string, Pair>();

  pair(from: Start, to: Start): Pair {
    const key = `${nameOf(from)} to ${nameOf(to)}`;
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    const pair = { sent: 0, got: 0, isParted: false };
    this.#pairs.set(key, pair);
    return pair;
  }

  got(from: Start, to: Start, number: number): void {
    const pair = this.pair(from, to);
    const isNext = pair.isParted ? number > pair.got : number === pair.got + 1;
    if (!isNext || number > pair.sent) {
      this.wrong(`${nameOf(to)} got ${number} of ${nameOf(from)} after ${pair.got}`);
    }
    pair.got = number;
  }

  parted(one: Start, other: Start): void {
    this.pair(one, other).isParted = true;
    this.pair(other, one).isParted = true;
  }

  wrong(what: string): void {
    this.violations.push(what);
  }

  /** Of starts that live. */
  missing(isAlive: (name: string) => boolean): readonly string[] {
    return [...this.#pairs].flatMap(([key, { sent, got, isParted }]) => {
      const [from = "", to = ""] = key.split(" to ");
      if (isParted || sent === got || !isAlive(from) || !isAlive(to)) return [];
      return [`${key}: ${got} of ${sent} have arrived`];
    });
  }
}

class Run {
  readonly #options: PlayLanesOptions;
  readonly #swarm;
  readonly #book = new Book();
  readonly #world;
  #isBusy = true;

  constructor(options: PlayLanesOptions) {
    const { seed, nodes } = options;
    this.#options = options;
    const swarm = drawCoreSwarm(seed);
    // It is the links that matter here: they break often.
    this.#swarm = { ...swarm, faultEveryMs: swarm.faultEveryMs / 4 };
    this.#world = createCoreWorld({
      seed,
      nodes,
      transport: "streams",
      conditions: swarm.conditions,
      create: (host: CoreHost<LaneInput, Wire>) => new LaneNode(host, this.#book, nodes),
    });
  }

  play(): CorePlayed {
    return playedOf(this.#world, this.#options, () => this.#run());
  }

  #run(): void {
    const world = this.#world;
    const nemesis = new CoreNemesis(world, this.#swarm);
    nemesis.start();
    this.#work();
    world.run(this.#options.forMs);
    nemesis.stop();
    this.#isBusy = false;
    mustBeEmpty(this.#book.violations);
    settle(world, this.#swarm);
    // What a half-open connection swallowed is known when something is sent on it.
    world.run("2s");
    for (const { node } of world.nodes) this.#postToAll(node);
    world.until(() => this.#open().length === 0, ARRIVE);
    mustBeEmpty([...this.#book.violations, ...this.#open()]);
  }

  /** What is still to come. */
  #open(): readonly string[] {
    const starts = new Set(this.#world.nodes.map(nameOf));
    const missing = this.#book.missing((name) => starts.has(name));
    return [...missing, ...this.#world.nodes.flatMap(({ core }) => core.waiting)];
  }

  #work(): void {
    const world = this.#world;
    const { random } = world;
    const everyMs = 1_000 / POSTS_PER_SECOND / this.#options.nodes;
    world.at(random.next() * 2 * everyMs, () => {
      if (!this.#isBusy) return;
      const { node } = pick(random, world.nodes);
      const to = pick(random, world.nodes).node;
      const [what, size, count] = [random.next(), random.next(), random.next()];
      if (to !== node && what < FORGET_CHANCE) this.#forget(node, to);
      else if (to !== node) {
        const bytes = size < 0.8 ? size * SMALL_BYTES : (size - 0.8) * 5 * LARGE_BYTES;
        const times = count < 0.8 ? 1 : Math.ceil((count - 0.8) * 5 * BURST_MAX);
        for (let time = 0; time < times; time += 1) this.#post(node, to, Math.floor(bytes));
      }
      this.#work();
    });
  }

  #postToAll(node: number): void {
    for (const { node: to } of this.#world.nodes) if (to !== node) this.#post(node, to, 1);
  }

  #post(node: number, to: number, bytes: number): void {
    const from = this.#world.node(node);
    if (from.state !== "up") return;
    const target = from.core.startOf(to);
    if (target === undefined) return;
    const pair = this.#book.pair(from, target);
    pair.sent += 1;
    this.#world.input(node, { type: "post", to, number: pair.sent, bytes });
  }

  #forget(node: number, peer: number): void {
    if (this.#world.node(node).state === "up") this.#world.input(node, { type: "forget", peer });
  }
}

function nameOf({ node, boot }: Start): string {
  return `${node}/${boot}`;
}

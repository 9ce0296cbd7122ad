/**
 * Weather: what goes wrong with nodes and links, drawn by the hunt itself and not by the simulator, because the books must
 * know at each moment who can reach whom.
 *
 * Invariant: after `clear` nothing that it did is left, and every node it took down is started again.
 */
import type { Random } from "@foundation/core/ports";
import { lanConditions, type Simulator } from "@foundation/testkit";

export const weatherKinds = [
  "clog",
  "crash",
  "discovery",
  "drift",
  "half-open",
  "jump",
  "one-way",
  "partition",
  "pause",
  "power",
  "reset",
  "stall",
  "suspend",
] as const;
export type WeatherKind = (typeof weatherKinds)[number];

export interface WeatherOptions {
  readonly kinds: readonly WeatherKind[];
  /** On average, in virtual milliseconds. */
  readonly everyMs: number;
  readonly lastsMsMax: number;
  readonly downMsMax: number;
}

/** From the left to the right nothing passes. */
interface Cut {
  readonly left: readonly string[];
  readonly right: readonly string[];
}

interface Passing {
  readonly untilMs: number;
  readonly end: () => void;
}

type Sim = Simulator<unknown>;

const HOUR_MS = 3_600_000;
const DRIFT_MAX = 0.1;

export class Weather {
  readonly #sim: Sim;
  readonly #random: Random;
  readonly #options: WeatherOptions;
  readonly #passing: Passing[] = [];
  readonly #cuts = new Set<Cut>();
  #nextMs: number;
  /** How many things went wrong. */
  strikes = 0;

  constructor(sim: Sim, random: Random, options: WeatherOptions) {
    this.#sim = sim;
    this.#random = random;
    this.#options = options;
    this.#nextMs = sim.clock.now() + random.next() * options.everyMs;
  }

  /** Whether the node and more than half of all nodes reach each other. */
  reachesMost(name: string): boolean {
    const { nodes } = this.#sim;
    const reached = nodes.filter((each) => {
      const isThere = each.name === name || each.state === "up";
      return isThere && !this.#isCut(name, each.name) && !this.#isCut(each.name, name);
    });
    return reached.length * 2 > nodes.length;
  }

  /** Cuts two groups off from each other; gives the way to mend it. */
  cut(left: readonly string[], right: readonly string[], oneWay = false): () => void {
    const cuts: readonly Cut[] = [
      { left, right },
      ...(oneWay ? [] : [{ left: right, right: left }]),
    ];
    for (const each of cuts) this.#cuts.add(each);
    this.#sim.partition(left, right, { oneWay });
    return () => {
      for (const each of cuts) this.#cuts.delete(each);
      this.#sim.mend(left, right, { oneWay });
    };
  }

  #isCut(from: string, to: string): boolean {
    for (const { left, right } of this.#cuts) {
      if (left.includes(from) && right.includes(to)) return true;
    }
    return false;
  }

  /** Ends what is over. */
  expire(): void {
    this.#expire(this.#sim.clock.now());
  }

  /** To be called after every step of time: ends what is over, and something else goes wrong. */
  pass(): void {
    this.expire();
    const { kinds, everyMs } = this.#options;
    if (this.#sim.clock.now() < this.#nextMs || kinds.length === 0) return;
    this.#nextMs = this.#sim.clock.now() + this.#random.next() * 2 * everyMs;
    this.strikes += 1;
    this.#strike(kinds[Math.floor(this.#random.next() * kinds.length)] ?? "reset");
  }

  /** Ends all of it. */
  clear(): void {
    this.#expire(Number.POSITIVE_INFINITY);
    this.#sim.heal();
  }

  #expire(nowMs: number): void {
    for (let index = 0; index < this.#passing.length; ) {
      const each = this.#passing[index] as Passing;
      if (each.untilMs > nowMs) index += 1;
      else {
        this.#passing.splice(index, 1);
        each.end();
      }
    }
  }

  #strike(kind: WeatherKind): void {
    const sim = this.#sim;
    const names = sim.nodes.map(({ name }) => name);
    const [a, b] = this.#two(names);
    const part = this.#random.next();
    const lastsMs = part * this.#options.lastsMsMax;
    switch (kind) {
      case "partition":
      case "one-way":
        return this.#split(names, kind === "one-way", lastsMs);
      case "reset":
      case "half-open":
        return sim.reset(a, b, { half: kind === "half-open" });
      case "clog":
        this.#clog(a, b, part);
        return this.#later(lastsMs, () => {
          sim.link(a, b);
          sim.link(b, a);
        });
      case "discovery":
        sim.discoveryOut(true);
        return this.#later(lastsMs, () => sim.discoveryOut(false));
      case "stall":
        return sim.stallDisk(a, lastsMs);
      case "drift":
        return sim.driftClock(a, 1 - DRIFT_MAX + part * 2 * DRIFT_MAX);
      case "jump":
        return sim.jumpWall(a, Math.round((part * 2 - 1) * HOUR_MS));
      default:
        return this.#strikeNode(kind, a, part * this.#options.downMsMax);
    }
  }

  #clog(a: string, b: string, part: number): void {
    const slow = { latencyMs: part * 3_000, jitterMs: 300, bytesPerMs: 1 + part * 200 };
    this.#sim.link(a, b, { ...lanConditions, ...slow });
    if (part < 0.7) this.#sim.link(b, a, { ...lanConditions, ...slow });
  }

  #strikeNode(kind: "crash" | "power" | "pause" | "suspend", name: string, downMs: number): void {
    const sim = this.#sim;
    const node = sim.node(name);
    if (node.state !== "up") return;
    if (kind === "suspend") return sim.suspend(name, downMs);
    if (kind === "pause") {
      const { boots } = node;
      sim.pause(name);
      return this.#later(downMs, () => {
        if (node.boots === boots && node.state === "paused") sim.resume(name);
      });
    }
    if (sim.nodes.every((each) => each === node || each.state === "down")) return;
    sim.crash(name, { kind: kind === "power" ? "power" : "process" });
    this.down(name, downMs);
  }

  /** A node that is down starts again after a while, unless somebody has started it. */
  down(name: string, downMs: number): void {
    const node = this.#sim.node(name);
    const { boots } = node;
    this.#later(downMs, () => {
      if (node.state === "down" && node.boots === boots) this.#sim.restart(name);
    });
  }

  #split(names: readonly string[], oneWay: boolean, lastsMs: number): void {
    const left = names.filter(() => this.#random.next() < 0.5);
    const right = names.filter((name) => !left.includes(name));
    if (left.length === 0 || right.length === 0) return;
    this.#later(lastsMs, this.cut(left, right, oneWay));
  }

  #later(delayMs: number, end: () => void): void {
    this.#passing.push({ untilMs: this.#sim.clock.now() + delayMs, end });
  }

  #two(names: readonly string[]): readonly [string, string] {
    const a = Math.floor(this.#random.next() * names.length);
    const b = (a + 1 + Math.floor(this.#random.next() * (names.length - 1))) % names.length;
    return [names[a] as string, names[b] as string];
  }
}

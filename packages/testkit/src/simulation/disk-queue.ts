/**
 * DiskQueue: operations of a simulated disk on their way: when each takes effect, and when its caller hears of it.
 *
 * An operation takes effect when it answers, after those of the same file that were called before; different files do
 * not wait for each other. So a process that is killed leaves a prefix of what it had begun.
 *
 * Invariant: a boot that has died gets no answer.
 */
import type { Random, Timer } from "@foundation/core/ports";
import type { Boot, World } from "./boot.js";

export interface DiskOperation {
  readonly file: string;
  /** Does it, and gives what tells the caller. */
  readonly act: () => () => void;
  /** What a process killed in the middle of it leaves behind. */
  readonly actPartly?: (() => void) | undefined;
}

interface Pending extends DiskOperation {
  readonly boot: Boot;
  readonly latencyMs: number;
  readonly after: (() => void)[];
}

interface Lane {
  readonly pending: Pending[];
  /** Of the first one; none while the disk stalls. */
  timer: Timer | undefined;
}

export class DiskQueue {
  readonly #world: World;
  readonly #random: Random;
  readonly #latencyMsMax: number;
  /** What is under way, by file. */
  readonly #lanes = new Map<string, Lane>();
  #stall: Timer | undefined;
  #stalledUntilMs = 0;

  /** @param latencyMsMax each operation takes up to so long */
  constructor(world: World, random: Random, latencyMsMax: number) {
    this.#world = world;
    this.#random = random;
    this.#latencyMsMax = latencyMsMax;
  }

  /** Operations that have not taken effect. */
  get size(): number {
    let size = 0;
    for (const { pending } of this.#lanes.values()) size += pending.length;
    return size;
  }

  get isStalled(): boolean {
    return this.#stall !== undefined;
  }

  add(boot: Boot, operation: DiskOperation): void {
    const latencyMs = this.#random.next() * this.#latencyMsMax;
    const pending = { ...operation, boot, latencyMs, after: [] };
    const lane = this.#lanes.get(operation.file);
    if (lane) {
      lane.pending.push(pending);
      return;
    }
    const made = { pending: [pending], timer: undefined };
    this.#lanes.set(operation.file, made);
    this.#schedule(made);
  }

  /** Calls back when all that is under way now has taken effect. */
  afterAll(fn: () => void): void {
    const lasts = [...this.#lanes.values()].flatMap(({ pending }) => pending.slice(-1));
    let left = lasts.length;
    if (left === 0) return fn();
    for (const { after } of lasts) {
      after.push(() => {
        left -= 1;
        if (left === 0) fn();
      });
    }
  }

  /** Nothing takes effect or answers for so long. */
  stall(durationMs: number): void {
    const { clock } = this.#world;
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, clock.now() + durationMs);
    this.#stall?.cancel();
    this.#stall = clock.setTimer(this.#stalledUntilMs - clock.now(), () => this.endStall());
    for (const lane of this.#lanes.values()) {
      lane.timer?.cancel();
      lane.timer = undefined;
    }
  }

  endStall(): void {
    if (!this.#stall) return;
    this.#stall.cancel();
    this.#stall = undefined;
    for (const lane of this.#lanes.values()) this.#schedule(lane);
  }

  /** The process ends: of what it had begun a prefix takes effect, and perhaps a part of the next. */
  cutShort(chance: Random): void {
    for (const { pending, timer } of this.#lanes.values()) {
      timer?.cancel();
      const done = Math.floor(chance.next() * (pending.length + 1));
      for (const { act } of pending.slice(0, done)) act();
      if (chance.next() < 0.5) pending[done]?.actPartly?.();
    }
    this.#lanes.clear();
  }

  #schedule(lane: Lane): void {
    const [head] = lane.pending;
    if (!head || this.#stall) return;
    lane.timer = this.#world.clock.setTimer(head.latencyMs, () =>
      this.#world.enter(undefined, () => this.#finish(lane, head)),
    );
  }

  #finish(lane: Lane, { file, boot, act, after }: Pending): void {
    const { clock, trace } = this.#world;
    trace.event(clock.now(), boot.node, "disk", lane.pending.length);
    lane.pending.shift();
    lane.timer = undefined;
    if (lane.pending.length > 0) this.#schedule(lane);
    else this.#lanes.delete(file);
    const answer = act();
    for (const fn of after) fn();
    boot.io(answer);
  }
}

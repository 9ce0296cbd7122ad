/**
 * Boot: one start of a simulated node, and everything that may happen in it.
 *
 * All code of a node runs through `timer` or `io`, so a pause holds it back and a crash ends it: after `kill` nothing of
 * this boot runs any more and no promise of its ports settles, so that not even a `finally` has effects, as when a
 * process is killed. After a pause the timers that fell due come first and then what arrived, as in Node's event loop.
 */
import type { Timer } from "@foundation/core/ports";
import type { VirtualClock } from "@foundation/core/testing";
import { LocalClock } from "./local-clock.js";
import type { TraceRing } from "./trace.js";

/** What all boots of a simulation share. */
export interface World {
  readonly clock: VirtualClock;
  readonly trace: TraceRing;
  /** The boot whose code runs at the moment. */
  current: Boot | undefined;
  /** True while virtual time passes. */
  readonly isRunning: boolean;
  /** Runs a function as code of a boot; what it throws fails the simulation. */
  enter(boot: Boot | undefined, fn: () => void): void;
}

export class Boot {
  readonly clock: LocalClock;
  /** Timers that will still run. */
  pendingTimers = 0;
  /** Milliseconds between this node's wall clock and the world's. */
  wallSkewMs: () => number = () => 0;
  #alive = true;
  #paused = false;
  #dueTimers: BootTimer[] = [];
  #arrived: (() => void)[] = [];

  constructor(
    readonly world: World,
    readonly node: string,
    /** 1 for the first start of a node. */
    readonly number: number,
  ) {
    this.clock = new LocalClock(this);
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#paused;
  }

  kill(): void {
    this.#alive = false;
    this.#dueTimers = [];
    this.#arrived = [];
    this.pendingTimers = 0;
  }

  pause(): void {
    this.#paused = true;
  }

  /** Lets it go on: first the timers that fell due, then what arrived, an event each. */
  resume(): void {
    this.#paused = false;
    const { clock } = this.world;
    for (const timer of this.#dueTimers) clock.setTimer(0, () => this.#timerFired(timer));
    for (const fn of this.#arrived) this.later(0, fn);
    this.#dueTimers = [];
    this.#arrived = [];
  }

  /** Something arrives from outside: runs now, or after the pause, or never. */
  io(fn: () => void): void {
    if (!this.#alive) return;
    if (this.#paused) this.#arrived.push(fn);
    else this.world.enter(this, fn);
  }

  /** Something arrives from outside after a delay of the world, not of this node's own making. */
  later(delayMs: number, fn: () => void): void {
    this.world.clock.setTimer(delayMs, () => this.io(fn));
  }

  timer(delayMs: number, fn: () => void): Timer {
    if (!this.#alive) return NEVER;
    this.pendingTimers += 1;
    const timer = new BootTimer(this, fn);
    timer.inWorld = this.world.clock.setTimer(delayMs, () => this.#timerFired(timer));
    return timer;
  }

  #timerFired(timer: BootTimer): void {
    if (!this.#alive) return;
    if (this.#paused) {
      this.#dueTimers.push(timer);
      return;
    }
    this.world.trace.event(this.world.clock.now(), this.node, "timer", this.pendingTimers);
    this.world.enter(this, () => timer.fire());
  }
}

const NEVER: Timer = { cancel: () => {} };

/** A timer of a boot: it runs once, unless it was cancelled before. */
class BootTimer implements Timer {
  readonly #boot: Boot;
  #fn: (() => void) | undefined;
  inWorld: Timer | undefined;

  constructor(boot: Boot, fn: () => void) {
    this.#boot = boot;
    this.#fn = fn;
  }

  fire(): void {
    this.#end()?.();
  }

  cancel(): void {
    if (this.#end() !== undefined) this.inWorld?.cancel();
  }

  /** Its function, the first time that it is asked for. */
  #end(): (() => void) | undefined {
    const fn = this.#fn;
    this.#fn = undefined;
    if (fn !== undefined && this.#boot.alive) this.#boot.pendingTimers -= 1;
    return fn;
  }
}

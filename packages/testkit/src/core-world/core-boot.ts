/**
 * CoreBoot: one start of one core: its clock, its timers, and the turn in which it handles an input.
 *
 * Invariants: inputs are handled one at a time, each with all its effects before the next; a paused boot handles
 * nothing, and on waking first its overdue timers, then what waited, as Node does; an ended one does nothing at all.
 */
import type { Random } from "@foundation/core/ports";
import type { CoreAdapter, CoreEvent, CoreHost } from "./core-adapter.js";
import type { CoreDisk } from "./core-disk.js";
import type { Parts } from "./core-parts.js";

/** A node's clocks, over all its boots: they go on when a process ends. */
export interface NodeClock {
  /** The local clock stood at `localMs` when the world's stood at `worldMs`. */
  localMs: number;
  worldMs: number;
  /** Local milliseconds for one of the world. */
  rate: number;
  wallOffsetMs: number;
}

/** A timer that is pending, or is no more. */
class PendingTimer<Input, Message, Write> {
  isPending = true;

  constructor(
    readonly boot: CoreBoot<Input, Message, Write>,
    readonly name: string,
  ) {}

  happen(): void {
    this.boot.timerIsDue(this);
  }
}

export class CoreBoot<Input, Message, Write> implements CoreHost<Input, Message, Write> {
  readonly random: Random;
  isRunning = true;
  isPaused = false;
  readonly #parts: Parts<Message>;
  readonly #clock: NodeClock;
  readonly #disk: CoreDisk<Write>;
  readonly #timers = new Map<string, PendingTimer<Input, Message, Write>>();
  readonly #overdue: PendingTimer<Input, Message, Write>[] = [];
  readonly #waiting: CoreEvent<Message, Write>[] = [];
  readonly #inputs: Input[] = [];
  #adapter: CoreAdapter<Input, unknown, Message, Write> | undefined;
  #isHandling = false;

  constructor(
    readonly node: number,
    readonly boot: number,
    parts: Parts<Message>,
    kept: { readonly clock: NodeClock; readonly disk: CoreDisk<Write> },
  ) {
    this.#parts = parts;
    this.#clock = kept.clock;
    this.#disk = kept.disk;
    this.random = parts.random.fork(`node ${node} boot ${boot}`);
  }

  begin(adapter: CoreAdapter<Input, unknown, Message, Write>): void {
    this.#adapter = adapter;
    this.take({ type: "start" });
  }

  /** It dies here, without a word. */
  end(): void {
    this.isRunning = false;
    this.#timers.clear();
    this.#overdue.length = 0;
    this.#waiting.length = 0;
    this.#inputs.length = 0;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    for (const timer of this.#overdue.splice(0)) this.timerIsDue(timer);
    for (const event of this.#waiting.splice(0)) this.take(event);
    const input = this.#inputs.shift();
    if (input !== undefined) this.feed(input);
  }

  now(): number {
    const { localMs, worldMs, rate } = this.#clock;
    return localMs + (this.#parts.now() - worldMs) * rate;
  }

  wallNow(): number {
    return Math.floor(this.now() + this.#clock.wallOffsetMs);
  }

  send(to: number, message: Message): boolean {
    return this.isRunning && this.#parts.network.send(this.node, to, message);
  }

  setTimer(name: string, delayMs: number): void {
    if (!this.isRunning) return;
    this.cancelTimer(name);
    const timer = new PendingTimer(this, name);
    this.#timers.set(name, timer);
    this.#parts.queue.add(this.#parts.now() + Math.max(0, delayMs) / this.#clock.rate, timer);
  }

  cancelTimer(name: string): void {
    const timer = this.#timers.get(name);
    if (timer === undefined) return;
    timer.isPending = false;
    this.#timers.delete(name);
  }

  persist(write: Write): void {
    if (!this.isRunning) return;
    const onSynced = () => this.take({ type: "persisted", write });
    this.#disk.write(write, this.#parts.now(), this.#parts.diskConditions, onSynced);
  }

  dial(to: number): void {
    if (this.isRunning) this.#parts.network.dial(this.node, to);
  }

  hangUp(to: number): void {
    if (this.isRunning) this.#parts.network.hangUp(this.node, to);
  }

  note(kind: string, text: string): void {
    if (this.isRunning) this.#parts.note(kind, text, this.node);
  }

  timerIsDue(timer: PendingTimer<Input, Message, Write>): void {
    if (!timer.isPending || !this.isRunning) return;
    if (this.isPaused) {
      this.#overdue.push(timer);
      return;
    }
    timer.isPending = false;
    this.#timers.delete(timer.name);
    this.#parts.traced("timer", this.node, timer.name);
    this.take({ type: "timer", timer: timer.name });
  }

  /** An event of the world: at once, or when the process wakes up. */
  take(event: CoreEvent<Message, Write>): void {
    if (!this.isRunning) return;
    if (this.isPaused) {
      this.#waiting.push(event);
      return;
    }
    try {
      const input = this.#adapter?.inputOf(event);
      if (input !== undefined) this.#handle(input);
    } catch (cause) {
      throw this.#parts.failed(this.node, cause);
    }
  }

  feed(input: Input): void {
    if (!this.isRunning) return;
    if (this.#isHandling || this.isPaused) {
      this.#inputs.push(input);
      return;
    }
    try {
      this.#handle(input);
    } catch (cause) {
      throw this.#parts.failed(this.node, cause);
    }
  }

  #handle(input: Input): void {
    const adapter = this.#adapter;
    if (adapter === undefined) return;
    this.#isHandling = true;
    let next: Input | undefined = input;
    while (next !== undefined && this.isRunning) {
      for (const effect of adapter.handle(next, this.now())) adapter.run(effect);
      next = this.#inputs.shift();
    }
    this.#isHandling = false;
  }
}

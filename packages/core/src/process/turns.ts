/**
 * Turns: decides which process runs next, and when the event loop gets its turn.
 *
 * Messages are handled in microtasks, so that a call between two processes of one node costs no
 * turn of the event loop. Microtasks alone would starve timers and sockets, so all processes share
 * a budget of messages and of time; when it is spent, the rest waits for `clock.endOfTurn`.
 * Processes with messages queue up and each runs one batch before the next gets its chance.
 *
 * Invariant: a process stands in the queue at most once (its owner's phase says so).
 */
import { AsyncResource } from "node:async_hooks";
import type { Clock } from "../ports/clock.js";
import type { KernelLimits } from "./limits.js";

/** What turns are made of. */
export interface TurnWork<Process> {
  /** Runs messages of one process until it has none, waits, or `spend` says to stop. */
  runBatch(process: Process): void;
  afterTurn(): void;
}

export class Turns<Process> {
  readonly #clock: Clock;
  readonly #limits: KernelLimits;
  readonly #work: TurnWork<Process>;
  /** Handlers see no AsyncLocalStorage of whoever happened to deliver first: they run in this. */
  readonly #outside: AsyncResource;
  readonly #drain = () => this.#run();
  readonly #drainFresh = () => this.#refresh();
  #queue: Process[] = [];
  #next = 0;
  #scheduled = false;
  #draining = false;
  #messages = 0;
  #spentMs = 0;
  #startedAt = 0;
  #exhausted = false;
  /** The time after the last message: read once a message, for budget and deadlines alike. */
  nowMs = 0;
  /** What the last message took, up to its first await. */
  tookMs = 0;

  constructor(clock: Clock, limits: KernelLimits, work: TurnWork<Process>) {
    this.#clock = clock;
    this.#limits = limits;
    this.#work = work;
    this.#outside = new AsyncResource("FoundationKernel");
  }

  /** Puts a process that has something to do at the end of the queue. */
  enqueue(process: Process): void {
    this.#queue.push(process);
    if (!this.#scheduled && !this.#draining) this.#schedule();
  }

  /** Counts one handled message; true when the running batch must stop. */
  spend(): boolean {
    this.#messages++;
    const nowMs = this.#clock.now();
    this.tookMs = nowMs - this.nowMs;
    this.nowMs = nowMs;
    const spentMs = this.#spentMs + this.nowMs - this.#startedAt;
    this.#exhausted =
      this.#messages >= this.#limits.turnMessagesMax || spentMs >= this.#limits.turnMsMax;
    return this.#exhausted;
  }

  #schedule(): void {
    this.#scheduled = true;
    if (this.#exhausted) this.#clock.endOfTurn(this.#drainFresh);
    else queueMicrotask(this.#drain);
  }

  #refresh(): void {
    this.#messages = 0;
    this.#spentMs = 0;
    this.#exhausted = false;
    this.#run();
  }

  #run(): void {
    this.#outside.runInAsyncScope(this.#runQueue, this);
  }

  #runQueue(): void {
    this.#scheduled = false;
    this.#draining = true;
    this.#startedAt = this.nowMs = this.#clock.now();
    try {
      while (this.#next < this.#queue.length && !this.#exhausted) {
        const process = this.#queue[this.#next++] as Process;
        this.#work.runBatch(process);
      }
    } finally {
      this.#draining = false;
      this.#spentMs += this.nowMs - this.#startedAt;
      this.#work.afterTurn();
      if (this.#next === this.#queue.length) {
        this.#queue.length = 0;
        this.#next = 0;
      } else {
        if (this.#next > 1_024 && this.#next * 2 > this.#queue.length) {
          this.#queue = this.#queue.slice(this.#next);
          this.#next = 0;
        }
        this.#schedule();
      }
    }
  }
}

/**
 * Passage: lets virtual time pass for as long as somebody waits for something.
 *
 * All waiting of a test comes together here, so that two waits at once share one stream of time instead of each pushing
 * it. Time goes from event to event and stops at the very instant something waited for has come. After each stretch it
 * looks whether a node failed, whether an invariant broke, and whether real time runs away; the first such failure ends
 * every wait, and every later one.
 */
import { coreErrors, isFoundationError, nodeClock } from "@foundation/core";
import { testkitErrors, type Simulator } from "@foundation/testkit";
import { simulationLimits } from "./limits.js";
import { withSeed } from "./seed.js";
import { isPromise } from "./seen.js";

interface Waiter {
  readonly untilMs: number;
  /** How often it wants to be asked; absent: it wakes the passage by itself. */
  readonly everyMs?: number;
  /** True when it is over; then it has been told. */
  isOver(): boolean;
  expire(): void;
  fail(error: unknown): void;
}

export interface WaitOptions {
  readonly withinMs: number;
  /** Names the wait in an error. */
  readonly what: string;
  /** A reason for which it will never come. */
  readonly lost?: () => string | undefined;
}

export class Passage<App> {
  readonly #sim: Simulator<App>;
  readonly #waiters = new Set<Waiter>();
  readonly #checks = new Map<string, () => unknown>();
  readonly #wallMsMax: number;
  #wake = () => {};
  #pumping = false;
  #failure: { readonly error: Error } | undefined;
  /** Some wait has ended with the failure. */
  #isTold = false;
  #isClosed = false;

  constructor(sim: Simulator<App>, wallMsMax: number) {
    this.#sim = sim;
    this.#wallMsMax = wallMsMax;
  }

  /** Adds an invariant; gives the function that takes it away. */
  check(name: string, holds: () => unknown): () => void {
    this.#checks.set(name, holds);
    return () => {
      if (this.#checks.get(name) === holds) this.#checks.delete(name);
    };
  }

  pass(durationMs: number): Promise<void> {
    const untilMs = this.#sim.clock.now() + durationMs;
    return new Promise((resolve, reject) => {
      const everyMs = simulationLimits.sliceMs;
      this.#wait({ untilMs, everyMs, isOver: () => false, expire: resolve, fail: reject });
    });
  }

  /** Lets time pass until the condition holds, or gives false when it does not until then. */
  until(condition: () => boolean, untilMs: number, everyMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const isOver = () => {
        const holds = condition();
        if (holds) resolve(true);
        return holds;
      };
      this.#wait({ untilMs, everyMs, isOver, expire: () => resolve(false), fail: reject });
    });
  }

  /** Lets time pass until the promise settles. @throws {ERR_TIMEOUT} */
  settle<T>(promise: PromiseLike<T>, { withinMs, what, lost }: WaitOptions): Promise<T> {
    return new Promise((resolve, reject) => {
      let finish: (() => void) | undefined;
      const settled = (end: () => void) => {
        finish = end;
        this.#wake();
      };
      promise.then(
        (value) => settled(() => resolve(value)),
        (error: unknown) => settled(() => reject(error as Error)),
      );
      const timeUp = (why: string) => {
        const details = { timeoutMs: withinMs, target: what };
        const error = coreErrors.ERR_TIMEOUT(`${what} was still pending ${why}`, details);
        reject(withSeed(error, this.#sim.seed));
      };
      const isOver = () => {
        const reason = finish ? undefined : lost?.();
        if (reason !== undefined) timeUp(`when ${reason}`);
        finish?.();
        return finish !== undefined || reason !== undefined;
      };
      const expire = () => timeUp(`after ${withinMs} ms of virtual time`);
      this.#wait({ untilMs: this.#sim.clock.now() + withinMs, isOver, expire, fail: reject });
    });
  }

  /** Ends every wait because code of a node failed where nobody could catch it. */
  nodeFailed(node: string, what: string, cause: unknown): void {
    const { clock, seed } = this.#sim;
    const atMs = clock.now();
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    this.#sim.note("failure", `${what}: ${reason}`, node);
    const message = `Node ${node} at ${atMs} ms: ${what}: ${reason}`;
    this.#fail(testkitErrors.ERR_SIMULATION_FAILED(message, { seed, node, atMs }, cause));
  }

  /** @throws {ERR_CLOSED} */
  refuseClosed(): void {
    if (!this.#isClosed) return;
    const message = "The simulation was closed: nothing can be done in it any more";
    throw withSeed(coreErrors.ERR_CLOSED(message, { what: "simulation" }), this.#sim.seed);
  }

  /** @throws what ended every wait, if something did */
  refuseEnded(): void {
    if (this.#failure) throw this.#told(this.#failure);
  }

  /** Ends every wait. Gives a failure that no wait has told of. */
  close(): Error | undefined {
    const [first] = this.#sim.failures;
    if (first) this.#fail(first);
    const untold = this.#isTold ? undefined : this.#failure?.error;
    this.#isTold = true;
    this.#isClosed = true;
    const message =
      this.#waiters.size > 0
        ? "The simulation was closed while this was still waited for: await it before the test ends"
        : "The simulation was closed";
    this.#fail(coreErrors.ERR_CLOSED(message, { what: "simulation" }));
    return untold;
  }

  /** The failure, if there is one, is known. */
  tell(): void {
    this.#isTold = true;
  }

  #wait(waiter: Waiter): void {
    if (this.#failure) return waiter.fail(this.#told(this.#failure));
    this.#waiters.add(waiter);
    this.#wake();
    if (this.#pumping) return;
    this.#pumping = true;
    void this.#pump();
  }

  async #pump(): Promise<void> {
    const { clock } = this.#sim;
    const wall = nodeClock();
    const wallUntilMs = wall.now() + this.#wallMsMax;
    try {
      // What the caller does in the same turn belongs to this instant.
      await this.#settleInstant();
      while (this.#waiters.size > 0) {
        this.#look();
        if (this.#tellThoseOver()) {
          // They go on before time does, and may wait for the next thing.
          await this.#settleInstant();
          continue;
        }
        if (wall.now() > wallUntilMs) throw this.#tooSlow();
        await this.#advance(this.#nextStopMs(clock.now()));
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#pumping = false;
    }
  }

  #tellThoseOver(): boolean {
    const nowMs = this.#sim.clock.now();
    let any = false;
    for (const waiter of [...this.#waiters]) {
      const isOver = waiter.isOver();
      if (!isOver && nowMs < waiter.untilMs) continue;
      this.#waiters.delete(waiter);
      if (!isOver) waiter.expire();
      any = true;
    }
    return any;
  }

  #nextStopMs(nowMs: number): number {
    const { checkEveryMs, sliceMs } = simulationLimits;
    let stopMs = nowMs + (this.#checks.size > 0 ? checkEveryMs : sliceMs);
    for (const { untilMs, everyMs = sliceMs } of this.#waiters) {
      stopMs = Math.min(stopMs, untilMs, nowMs + everyMs);
    }
    return stopMs;
  }

  /** From event to event, until then or until something waited for has come. */
  async #advance(untilMs: number): Promise<void> {
    const { clock } = this.#sim;
    const mayWake = [...this.#waiters].some(({ everyMs }) => everyMs === undefined);
    if (mayWake && (await this.#wokenUntil(untilMs))) return;
    const leftMs = untilMs - clock.now();
    if (leftMs > 0) await this.#sim.run(leftMs);
  }

  async #wokenUntil(untilMs: number): Promise<boolean> {
    const wake = new Promise<true>((resolve) => {
      this.#wake = () => resolve(true);
    });
    try {
      return await this.#sim.settle(wake, { within: untilMs - this.#sim.clock.now() });
    } catch (error) {
      // Nothing came until then; any other error is a failure.
      if (!isFoundationError(error, "ERR_TIMEOUT")) throw error;
      return false;
    } finally {
      this.#wake = () => {};
    }
  }

  /** Lets the test's code go on, as nobody's code: only then may the simulator run again. */
  async #settleInstant(): Promise<void> {
    await this.#sim.clock.settle();
    await this.#sim.settle(Promise.resolve());
  }

  /** @throws the first failure of a node, or an invariant that does not hold */
  #look(): void {
    const [first] = this.#sim.failures;
    if (first) throw first;
    for (const [name, holds] of this.#checks) {
      const reason = broken(holds);
      if (reason === undefined) continue;
      const atMs = this.#sim.clock.now();
      const { seed } = this.#sim;
      this.#sim.note("broken", `${name}: ${reason.text}`);
      throw testkitErrors.ERR_SIMULATION_FAILED(
        `The invariant "${name}" is broken at ${atMs} ms: ${reason.text}`,
        { seed, node: "-", atMs },
        reason.cause,
      );
    }
  }

  #tooSlow(): Error {
    const timeoutMs = this.#wallMsMax;
    const at = this.#sim.clock.now();
    return coreErrors.ERR_TIMEOUT(
      `The simulation has taken ${timeoutMs} ms of real time in one wait and is at ${at} ms of virtual time. ` +
        "Wait for less at a time, or raise wallLimit.",
      { timeoutMs, target: "simulation" },
    );
  }

  #fail(error: unknown): void {
    this.#failure ??= { error: withSeed(error, this.#sim.seed) };
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter);
      waiter.fail(this.#told(this.#failure));
    }
  }

  #told({ error }: { readonly error: Error }): Error {
    this.#isTold = true;
    return error;
  }
}

function broken(holds: () => unknown): { text: string; cause: unknown } | undefined {
  try {
    const result = holds();
    if (isPromise(result)) {
      const text = "it gave a promise, and an invariant cannot wait: look at what is there already";
      return { text, cause: undefined };
    }
    return result === false ? { text: "it gave false", cause: undefined } : undefined;
  } catch (cause) {
    return { text: cause instanceof Error ? cause.message : String(cause), cause };
  }
}

/**
 * Circuit: an instance that fails too often gets no requests for a while, then one to see whether it is well again.
 *
 * closed → open when the rule says that too many of the last requests failed; open → half-open when its time is up, by
 * the next request, which is its probe; half-open → closed when the probe succeeds, → open for twice as long when not.
 *
 * Invariants: one probe at a time; only a probe's outcome moves a half-open circuit, and what was sent before it opened
 * moves nothing; an open circuit ends by time alone, whatever arrives.
 */

/** Decides from outcomes alone when failures are too many; it keeps its own window. */
export interface FailureRule {
  succeeded(wasProbe: boolean): void;
  /** True when that was one too many. */
  failed(wasProbe: boolean): boolean;
}

/** Times of a circuit, in milliseconds. */
export interface CircuitTimes {
  /** How long it stays open the first time; twice that the next, and so on. */
  readonly circuitOpenMs: number;
  readonly circuitOpenMaxMs: number;
}

/** `due`: it is open, and its time is up: the next request is a probe. */
export type CircuitState = "closed" | "open" | "due" | "probing";

export class Circuit {
  readonly #rule: FailureRule;
  readonly #times: CircuitTimes;
  #opened = false;
  #untilMs = 0;
  #probing = false;
  /** Openings since it was last closed. */
  #openingsInARow = 0;

  constructor(rule: FailureRule, times: CircuitTimes) {
    this.#rule = rule;
    this.#times = times;
  }

  at(now: number): CircuitState {
    if (!this.#opened) return "closed";
    if (this.#probing) return "probing";
    return now >= this.#untilMs ? "due" : "open";
  }

  /** When it may be tried again; meaningless while it is closed. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** A request is sent. True when it is the probe: hand that back with its outcome. */
  begin(now: number): boolean {
    if (this.at(now) !== "due") return false;
    this.#probing = true;
    return true;
  }

  /** True when that closed the circuit. */
  succeed(wasProbe: boolean): boolean {
    if (this.#opened && !wasProbe) return false;
    this.#rule.succeeded(wasProbe);
    if (!wasProbe) return false;
    this.#opened = false;
    this.#probing = false;
    this.#openingsInARow = 0;
    return true;
  }

  /** True when that opened the circuit, be it again. */
  fail(wasProbe: boolean, now: number): boolean {
    if (this.#opened && !wasProbe) return false;
    if (!this.#rule.failed(wasProbe) && !wasProbe) return false;
    const { circuitOpenMs, circuitOpenMaxMs } = this.#times;
    const openMs = Math.min(circuitOpenMaxMs, circuitOpenMs * 2 ** this.#openingsInARow);
    this.#openingsInARow += 1;
    this.#opened = true;
    this.#probing = false;
    this.#untilMs = now + openMs;
    return true;
  }

  /** The request ended and says nothing of the instance: its caller gave up. A probe is free again. */
  abandon(wasProbe: boolean): void {
    if (wasProbe) this.#probing = false;
  }
}

/**
 * Pool: the instances of one service as one node sees them, and who of them may get the next request.
 *
 * Sick ones leave by their circuit, slow ones by comparison with the others; both come back by time alone and get little
 * at first. Nothing here waits or counts time of its own: everything is settled when the next request or answer comes.
 *
 * Invariants: whoever is chosen fits and takes requests; when somebody who is in fits, nobody else is chosen; slowness
 * alone never leaves a service without an instance.
 */
import { Circuit, type CircuitTimes, type FailureRule } from "./circuit.js";
import { slowOnes, type OutlierRules } from "./outliers.js";
import { PeakEwma } from "./peak-ewma.js";
import { shareAt, type SlowStartTimes } from "./slow-start.js";
import { OUT, Standing, type Known, type Tier, type Verdict } from "./standing.js";

/** Numbers of a pool. */
export interface PoolRules extends CircuitTimes, OutlierRules, SlowStartTimes {
  /** After so long, a latency counts for a third of what it was. */
  readonly latencyDecayMs: number;
  /** Between two looks for slow ones. */
  readonly reviewMs: number;
  /** How long a slow one is left alone the first time; twice that the next, and so on. */
  readonly slowMs: number;
  readonly slowMaxMs: number;
}

/** A request under way. */
export interface Ticket {
  readonly standing: Standing;
  readonly isProbe: boolean;
  readonly beganMs: number;
}

/** `well`: it answered. `sick`: it failed, or did not in time. `nothing`: the outcome says nothing of the instance. */
export type Outcome = "well" | "sick" | "nothing";

/** Who left or came back. */
export type PoolChange =
  | {
      readonly type: "out";
      readonly id: string;
      readonly reason: "circuit-open" | "slow";
      readonly untilMs: number;
    }
  | { readonly type: "in"; readonly id: string };

/** Who may get a request. */
export type Candidates =
  | { readonly type: "some"; readonly standings: readonly Standing[] }
  /** There are instances that fit, and all of them are out. */
  | { readonly type: "all-out"; readonly reasons: ReadonlyMap<string, Verdict> }
  /** None fits. */
  | { readonly type: "none" };

/** What a request wants. */
export interface Wanted {
  fits(id: string): boolean;
  /** False where each key has its instance, which a slow start would move. */
  readonly slowStart: boolean;
  /** From 0 to 1, 1 not included. */
  readonly draw: number;
}

export class Pool {
  readonly #rules: PoolRules;
  readonly #ruleOf: () => FailureRule;
  readonly #standings = new Map<string, Standing>();
  #reviewedMs: number;

  constructor(rules: PoolRules, ruleOf: () => FailureRule, now: number) {
    this.#rules = rules;
    this.#ruleOf = ruleOf;
    this.#reviewedMs = now;
  }

  get size(): number {
    return this.#standings.size;
  }

  /** Adds an instance, or takes news of it. `isNew`: it was not there when this node began to look. */
  put(known: Known, isNew: boolean, now: number): void {
    let standing = this.#standings.get(known.id);
    if (standing === undefined) {
      const circuit = new Circuit(this.#ruleOf(), this.#rules);
      standing = new Standing(known.id, circuit, new PeakEwma(this.#rules.latencyDecayMs));
      this.#standings.set(known.id, standing);
      standing.shut = known.shut;
      if (isNew) standing.backSinceMs = now;
    }
    if (standing.shut !== undefined && known.shut === undefined) standing.backSinceMs = now;
    const { weight, distance, shut, hesitant } = known;
    Object.assign(standing, { weight, distance, shut, hesitant });
  }

  remove(id: string): void {
    this.#standings.delete(id);
  }

  /** Who may get a request now, best kind first: those who are in, then the last resorts, then the slow. */
  candidates(wanted: Wanted, now: number): Candidates {
    let best: Tier = OUT;
    let fitting = 0;
    let standings: Standing[] = [];
    for (const standing of this.#standings.values()) {
      if (!wanted.fits(standing.id)) continue;
      fitting += 1;
      const tier = standing.tier(now);
      if (tier === OUT || tier > best) continue;
      if (tier < best) standings = [];
      best = tier;
      standing.latencyMs = standing.latency.at(now);
      standings.push(standing);
    }
    if (fitting === 0) return { type: "none" };
    if (best === OUT) return { type: "all-out", reasons: this.#reasons(wanted, now) };
    return {
      type: "some",
      standings: wanted.slowStart ? this.#thin(standings, wanted, now) : standings,
    };
  }

  /** A request goes to the instance. */
  begin(standing: Standing, now: number): Ticket {
    standing.inFlight += 1;
    standing.requests += 1;
    return { standing, isProbe: standing.circuit.begin(now), beganMs: now };
  }

  /** It ended. */
  end(
    { standing, isProbe, beganMs }: Ticket,
    outcome: Outcome,
    now: number,
  ): readonly PoolChange[] {
    standing.inFlight -= 1;
    const elapsedMs = now - beganMs;
    const { circuit, latency, id } = standing;
    switch (outcome) {
      case "nothing":
        circuit.abandon(isProbe);
        return [];
      case "well":
        standing.answered += 1;
        standing.answeredMs += elapsedMs;
        latency.observe(elapsedMs, now);
        if (!circuit.succeed(isProbe)) return this.#review(now);
        standing.backSinceMs = now;
        return [{ type: "in", id }, ...this.#review(now)];
      case "sick":
        standing.failures += 1;
        // A quick failure must not look like a quick answer.
        latency.observe(Math.max(elapsedMs, 2 * latency.at(now)), now);
        if (!circuit.fail(isProbe, now)) return [];
        return [{ type: "out", id, reason: "circuit-open", untilMs: circuit.untilMs }];
      default:
        return outcome satisfies never;
    }
  }

  /** Every instance and what this node thinks of it. */
  *verdicts(now: number): Iterable<readonly [Standing, Verdict]> {
    for (const standing of this.#standings.values()) {
      standing.latencyMs = standing.latency.at(now);
      yield [standing, this.#verdict(standing, now)];
    }
  }

  /** Lets the slow ones back whose time is up. */
  comeBack(now: number): readonly PoolChange[] {
    const changes: PoolChange[] = [];
    for (const standing of this.#standings.values()) {
      if (standing.slowUntilMs === undefined || now < standing.slowUntilMs) continue;
      standing.backSinceMs = now;
      standing.slowUntilMs = undefined;
      // What it took before says nothing of now, and would keep requests away.
      standing.latency.clear();
      changes.push({ type: "in", id: standing.id });
    }
    return changes;
  }

  #verdict(standing: Standing, now: number): Verdict {
    return standing.verdict(now, shareAt(standing.backSinceMs, now, this.#rules));
  }

  #reasons(wanted: Wanted, now: number): ReadonlyMap<string, Verdict> {
    const reasons = new Map<string, Verdict>();
    for (const standing of this.#standings.values()) {
      if (wanted.fits(standing.id)) reasons.set(standing.id, this.#verdict(standing, now));
    }
    return reasons;
  }

  /** Those who came back lately take part in a share of the choices; one that is probed takes its one request. */
  #thin(standings: readonly Standing[], { draw }: Wanted, now: number): readonly Standing[] {
    const kept = standings.filter(
      ({ backSinceMs, circuit }) =>
        circuit.at(now) === "due" || shareAt(backSinceMs, now, this.#rules) > draw,
    );
    return kept.length > 0 ? kept : standings;
  }

  /** Whoever answered too little to be judged goes on being counted, so that rare requests are judged too, later. */
  #review(now: number): readonly PoolChange[] {
    if (now - this.#reviewedMs < this.#rules.reviewMs) return [];
    this.#reviewedMs = now;
    const { slowSamplesMin } = this.#rules;
    const standings = [...this.#standings.values()];
    const judged = standings.filter(
      ({ answered, slowUntilMs }) => answered >= slowSamplesMin && slowUntilMs === undefined,
    );
    if (judged.length < 2) return [];
    const samples = judged.map(({ id, answered: count, answeredMs }) => {
      return { id, count, meanMs: answeredMs / count };
    });
    const out = standings.filter(({ slowUntilMs }) => slowUntilMs !== undefined).length;
    const slow = new Set(slowOnes(samples, standings.length, out, this.#rules));
    const changes: PoolChange[] = [];
    for (const standing of judged) {
      if (slow.has(standing.id)) changes.push(this.#leaveAlone(standing, now));
      else standing.slowTimes = 0;
      standing.answered = 0;
      standing.answeredMs = 0;
    }
    return changes;
  }

  #leaveAlone(standing: Standing, now: number): PoolChange {
    const { slowMs, slowMaxMs } = this.#rules;
    const untilMs = now + Math.min(slowMaxMs, slowMs * 2 ** standing.slowTimes);
    standing.slowTimes += 1;
    standing.slowUntilMs = untilMs;
    return { type: "out", id: standing.id, reason: "slow", untilMs };
  }
}

/**
 * Standing: what one node thinks of one instance of a service: what it took, whether its circuit is closed, whether it
 * is left alone for slowness, and how much of its share it gets since it came back.
 *
 * Pure: time is handed in. The instance's own word (its health) and its node's state come from outside, as `shut` and
 * `hesitant`.
 */
import type { Circuit } from "./circuit.js";
import type { Contender, Distance } from "./contender.js";
import type { PeakEwma } from "./peak-ewma.js";

/** What is told of an instance by others. */
export interface Known {
  readonly id: string;
  readonly weight: number;
  readonly distance: Distance;
  /** Why it takes no requests, for people; undefined when it does. */
  readonly shut: string | undefined;
  /** Why it is asked only where nobody else is, for people. */
  readonly hesitant: string | undefined;
}

/** Why an instance gets requests, or does not. */
export type Verdict =
  | { readonly type: "in"; readonly share: number }
  /** Its circuit is open and its time is up: one request at a time. */
  | { readonly type: "probe" }
  /** Only where nobody else is. */
  | { readonly type: "last-resort"; readonly why: string }
  | { readonly type: "slow"; readonly untilMs: number }
  | { readonly type: "circuit-open"; readonly untilMs: number }
  | { readonly type: "probing" }
  | { readonly type: "shut"; readonly why: string };

/** Who is asked first: those who are in, then the last resorts, then the slow; `OUT` are not asked. */
export type Tier = 0 | 1 | 2 | typeof OUT;
export const OUT = 3;

/** One instance, as a strategy's contender and with what is known beside. Changed by `Pool` only. */
export class Standing implements Contender {
  readonly id: string;
  readonly circuit: Circuit;
  readonly latency: PeakEwma;
  weight = 1;
  distance: Distance = 2;
  shut: string | undefined;
  hesitant: string | undefined;
  inFlight = 0;
  /** The estimate at the last look. */
  latencyMs = 0;
  requests = 0;
  failures = 0;
  /** Left alone for slowness until then; undefined when it is not. */
  slowUntilMs: number | undefined;
  /** How often in a row it was left alone for slowness. */
  slowTimes = 0;
  /** Since when it is new or back; undefined when it was always there. */
  backSinceMs: number | undefined;
  /** Since the last review. */
  answered = 0;
  answeredMs = 0;

  constructor(id: string, circuit: Circuit, latency: PeakEwma) {
    this.id = id;
    this.circuit = circuit;
    this.latency = latency;
  }

  /** The same as `verdict` says, without saying why: it is asked for each instance at each request. */
  tier(now: number): Tier {
    if (this.shut !== undefined) return OUT;
    const state = this.circuit.at(now);
    if (state === "open" || state === "probing") return OUT;
    if (this.slowUntilMs !== undefined) return 2;
    return this.hesitant === undefined ? 0 : 1;
  }

  /** @param share what it gets since it came back, from 0 to 1 */
  verdict(now: number, share: number): Verdict {
    if (this.shut !== undefined) return { type: "shut", why: this.shut };
    const state = this.circuit.at(now);
    if (state === "open") return { type: "circuit-open", untilMs: this.circuit.untilMs };
    if (state === "probing") return { type: "probing" };
    if (this.slowUntilMs !== undefined) return { type: "slow", untilMs: this.slowUntilMs };
    if (this.hesitant !== undefined) return { type: "last-resort", why: this.hesitant };
    return state === "due" ? { type: "probe" } : { type: "in", share };
  }
}

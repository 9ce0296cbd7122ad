/**
 * Growth: whether the cluster is just forming, by what this node sees of it.
 *
 * While many nodes join, links are better spent on hearing of all of them than on a mesh that has to
 * be filled again with each newcomer; and that a member has no link yet says nothing about it.
 */
import type { MembershipTimes } from "./limits.js";
import type { LocalHealth } from "./local-health.js";

export class Growth {
  readonly #times: MembershipTimes;
  readonly #health: LocalHealth;
  /** Since when members have joined without a pause of `settleMs`. */
  #growingSince = Number.NEGATIVE_INFINITY;
  #grewAt = Number.NEGATIVE_INFINITY;
  #linkedAt = Number.NEGATIVE_INFINITY;
  #joined = 0;

  constructor(times: MembershipTimes, health: LocalHealth) {
    this.#times = times;
    this.#health = health;
  }

  /** A member joined. */
  grew(now: number): void {
    if (now - this.#grewAt >= this.#settleMs) this.#growingSince = now;
    if (now - this.#grewAt >= this.#times.dialPatienceMs) this.#joined = 0;
    this.#grewAt = now;
    this.#joined += 1;
  }

  /** Members that joined lately, without a pause of `dialPatienceMs` between one and the next. */
  get joined(): number {
    return this.#joined;
  }

  /** The longer nodes have been joining, and the later this process is, the longer news of them waits. */
  get newsGapMs(): number {
    return Math.max(this.#times.newsGapMs * this.#health.patience, this.#grewForMs / 8);
  }

  /** Where nodes join slowly, or this process is late itself, a pause says less. */
  get #settleMs(): number {
    return Math.max(this.#times.settleMs * this.#health.patience, this.#grewForMs / 2);
  }

  get #grewForMs(): number {
    return this.#grewAt === Number.NEGATIVE_INFINITY ? 0 : this.#grewAt - this.#growingSince;
  }

  /** A link came up. */
  linked(now: number): void {
    this.#linkedAt = now;
  }

  /** How long to wait until the list of members counts as still; 0: it does. */
  settlesInMs(now: number): number {
    const { settleMaxMs } = this.#times;
    const stillAt = this.#grewAt + this.#settleMs;
    return Math.max(0, Math.min(stillAt, this.#growingSince + settleMaxMs) - now);
  }

  /**
   * For how long a member known since then has had no link though links do come up, or none does any
   * more; what is put off by `formingMaxMs` is put off no more.
   */
  unlinkedForMs(knownSince: number, now: number): number {
    const putOff = Math.min(this.#linkedAt, knownSince + this.#times.formingMaxMs);
    return now - Math.max(knownSince, putOff);
  }
}

/**
 * Healing: how a cluster that was cut in two becomes one again, and how a node finds its first
 * peers.
 *
 * The two halves have declared each other down, so nobody dials across any more. Every ten seconds
 * each node dials, with probability 3/N, one address of a down member or of a seed that belongs to
 * no member: about three attempts a half, whatever its size. One success is enough: both sides
 * exchange directories, each node refutes its own death.
 *
 * Invariants: an attempt at a down member's address is one dial; at most `seedsMax` seeds are kept.
 */
import type { NodeId } from "@foundation/core";
import { membershipLimits as limits } from "./limits.js";
import type { MembershipState } from "./state.js";

/** How many of the latest deaths get half of the attempts: the old ones are rarely partitions. */
const recentDeaths = 16;

/** Pending while there are seeds that were not dialled yet. */
const SEEDS_TIMER = "seeds";

/** An address from discovery. */
interface Seed {
  /** The link layer is asked to dial it. */
  asked: boolean;
  /** The node that answered there, whatever address it announces. */
  answeredBy: NodeId | undefined;
}

export class Healing {
  readonly #state: MembershipState;
  /** Discovery's last set of addresses. */
  readonly #seeds = new Map<string, Seed>();
  /** How many addresses were too many the last time: told once. */
  #ignored = 0;
  readonly #attempts = new Set<string>();

  constructor(state: MembershipState) {
    this.#state = state;
  }

  /**
   * Discovery's full set of addresses: those of no member are dialled, those it no longer has are
   * forgotten.
   */
  discovered(addresses: readonly string[], now: number): void {
    const wanted = new Set(addresses);
    let ignored = 0;
    for (const [address, { asked }] of this.#seeds) {
      if (wanted.has(address)) continue;
      this.#seeds.delete(address);
      if (asked) this.#state.out.forget(address);
    }
    for (const address of wanted) {
      if (address.length > limits.textLengthMax || address === this.#state.self.address) continue;
      const known = this.#seeds.get(address);
      if (!known && this.#seeds.size >= limits.seedsMax) {
        ignored += 1;
        continue;
      }
      if (!known) this.#seeds.set(address, { asked: false, answeredBy: undefined });
    }
    if (this.#state.out.dueAt(SEEDS_TIMER) === undefined) this.dialSeeds(now);
    if (ignored > 0 && ignored !== this.#ignored) {
      this.#state.out.log("warn", "Too many addresses from discovery: some are ignored", {
        limit: "seedsMax",
        seedsMax: limits.seedsMax,
        ignored,
      });
    }
    this.#ignored = ignored;
  }

  /**
   * Dials some of the seeds, and more a while later: whoever answers tells of all members, and few
   * seeds are still none's then. Those that do not answer keep nobody waiting.
   */
  dialSeeds(now: number): void {
    const open = this.#openSeeds();
    const few = open.length <= limits.seedDialsMax;
    const drawn = few ? open : this.#state.sample(open, limits.seedDialsMax);
    for (const [address, seed] of drawn) this.#dialSeed(address, seed);
    const { out, times } = this.#state;
    if (!few) out.setTimer(SEEDS_TIMER, times.settleMs, now);
  }

  /** One chance to reach somebody who is believed gone. */
  attempt(): void {
    const { random, directory, out } = this.#state;
    if (random.next() >= 3 / directory.liveCount) return;
    const taken = this.#takenAddresses();
    const seeds = this.#openSeeds(taken);
    const down = directory.down().filter((entry) => !taken.has(entry.address));
    const pool = random.next() < 0.5 ? down.slice(0, recentDeaths) : down;
    const candidates = [
      ...seeds.map(([address]) => address),
      ...pool.map((entry) => entry.address),
    ];
    const [address] = this.#state.sample(candidates, 1);
    if (address === undefined) return;
    out.count("heal-attempt");
    const seed = this.#seeds.get(address);
    if (seed) this.#dialSeed(address, seed);
    else {
      this.#attempts.add(address);
      out.connect({ address });
    }
  }

  /**
   * A dial failed: attempts are not repeated, a seed stays with the link layer's backoff unless it
   * is this node.
   */
  dialEnded(address: string, code?: string): void {
    if (code === "ERR_SELF_DIAL") {
      this.#seeds.delete(address);
      this.#state.out.forget(address);
    }
    if (this.#attempts.delete(address)) this.#state.out.forget(address);
    else if (this.#seeds.has(address)) this.#dialAnother();
  }

  /** A node answered at the address, or announces it. */
  answered(address: string, by: NodeId): void {
    this.#attempts.delete(address);
    const seed = this.#seeds.get(address);
    if (!seed) return;
    seed.asked = false;
    seed.answeredBy = by;
  }

  /** In place of one that did not answer. */
  #dialAnother(): void {
    if (this.#state.out.dueAt(SEEDS_TIMER) === undefined) return;
    const [drawn] = this.#state.sample(this.#openSeeds(), 1);
    if (drawn) this.#dialSeed(...drawn);
  }

  #openSeeds(taken = this.#takenAddresses()): (readonly [string, Seed])[] {
    return [...this.#seeds].filter(([address, seed]) => this.#isOpen(address, seed, taken));
  }

  #dialSeed(address: string, seed: Seed): void {
    seed.asked = true;
    this.#state.out.connect({ address });
  }

  /** True for a seed that belongs to no member and is not dialled. */
  #isOpen(address: string, { asked, answeredBy }: Seed, taken: ReadonlySet<string>): boolean {
    if (asked || taken.has(address)) return false;
    return answeredBy === undefined || !this.#state.isLive(answeredBy);
  }

  /** The addresses of this node and of all members. */
  #takenAddresses(): Set<string> {
    return new Set(this.#state.directory.live().map((entry) => entry.address));
  }
}

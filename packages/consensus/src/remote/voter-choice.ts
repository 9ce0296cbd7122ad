/**
 * VoterChoice: which member a client asks. One that answers is asked again, so its links are warm; one that could not
 * is left alone for a while, unless there is no other.
 */
import type { NodeId } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import { REMOTE_TIMES } from "./limits.js";

export class VoterChoice {
  readonly #voters: () => readonly NodeId[];
  readonly #clock: Clock;
  readonly #failedAtMs = new Map<NodeId, number>();
  #current: NodeId | undefined;

  /** @param voters who serves the engine now, the best first */
  constructor(voters: () => readonly NodeId[], clock: Clock) {
    this.#voters = voters;
    this.#clock = clock;
  }

  /** Undefined when nobody is there. */
  next(): NodeId | undefined {
    const voters = this.#voters();
    const isThere = this.#current !== undefined && voters.includes(this.#current);
    if (isThere && !this.#isAvoided(this.#current)) return this.#current;
    this.#current = voters.find((voter) => !this.#isAvoided(voter)) ?? this.#longestAvoided(voters);
    return this.#current;
  }

  failed(voter: NodeId): void {
    this.#failedAtMs.set(voter, this.#clock.now());
  }

  answered(voter: NodeId): void {
    this.#failedAtMs.delete(voter);
  }

  #isAvoided(voter: NodeId | undefined): boolean {
    const failedAtMs = voter === undefined ? undefined : this.#failedAtMs.get(voter);
    if (failedAtMs === undefined) return false;
    return this.#clock.now() - failedAtMs < REMOTE_TIMES.avoidedMs;
  }

  #longestAvoided(voters: readonly NodeId[]): NodeId | undefined {
    const since = (voter: NodeId) => this.#failedAtMs.get(voter) ?? 0;
    return voters.toSorted((a, b) => since(a) - since(b))[0];
  }
}

/**
 * Electorate: who of the members is a server.
 *
 * Those with the role "server", where there are any; otherwise the square root of the cluster's
 * size, at least 3 and at most 32, first by rank. It is a function of the members alone and has no
 * memory: nodes that know the same members name the same servers, whatever they knew before. That
 * is why the number has no hysteresis either.
 *
 * Draining members are servers only where nobody else can be.
 *
 * Invariants: with at least one member there is at least one server; both lists are ordered by
 * (draining, rank, id).
 */
import type { NodeId } from "@foundation/core";
import { assert } from "../assert.js";
import type { Member } from "./effects.js";
import type { ClientServerLimits } from "./limits.js";
import { rankOf } from "./rank.js";

/** The role by which operators choose the servers. */
export const SERVER_ROLE = "server";

/** More changes at once are sorted anew, instead of being put in place one by one. */
const SORTED_ANEW = 64;

/** A member with its rank. */
export interface Candidate {
  readonly id: NodeId;
  readonly rank: number;
  readonly hasRole: boolean;
  readonly draining: boolean;
}

export class Electorate {
  readonly #limits: ClientServerLimits;
  readonly #members = new Map<NodeId, Candidate>();
  #all: Candidate[] = [];
  #withRole: Candidate[] = [];

  constructor(limits: ClientServerLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#members.size;
  }

  get(id: NodeId): Candidate | undefined {
    return this.#members.get(id);
  }

  /** Takes in who left and who came or changed; returns how many were too many. */
  apply(came: readonly Member[], gone: readonly NodeId[]): number {
    const sortsAnew = came.length + gone.length > SORTED_ANEW;
    let refused = 0;
    for (const id of gone) {
      const old = this.#members.get(id);
      if (!old) continue;
      this.#members.delete(id);
      if (!sortsAnew) this.#takeOut(old);
    }
    for (const member of came) {
      const old = this.#members.get(member.id);
      const candidate = candidateOf(member);
      if (old && isSame(old, candidate)) continue;
      if (!old && this.#members.size >= this.#limits.membersMax) {
        refused += 1;
        continue;
      }
      this.#members.set(member.id, candidate);
      if (sortsAnew) continue;
      if (old) this.#takeOut(old);
      this.#putIn(candidate);
    }
    if (sortsAnew) this.#sortAnew();
    assert(this.#all.length === this.#members.size, "every member is ranked once");
    return refused;
  }

  /** The servers, best rank first. */
  elect(): readonly Candidate[] {
    const pool = this.#withRole.length > 0 ? this.#withRole : this.#all;
    const first = pool.slice(0, this.#countOf(pool));
    const lasting = first.filter(({ draining }) => !draining);
    return lasting.length > 0 ? lasting : first;
  }

  #countOf(pool: readonly Candidate[]): number {
    const { serversMin, serversMax, roleServersMax } = this.#limits;
    if (pool === this.#withRole) return roleServersMax;
    return Math.min(serversMax, Math.max(serversMin, Math.ceil(Math.sqrt(pool.length))));
  }

  #putIn(candidate: Candidate): void {
    this.#all.splice(placeOf(this.#all, candidate), 0, candidate);
    if (!candidate.hasRole) return;
    this.#withRole.splice(placeOf(this.#withRole, candidate), 0, candidate);
  }

  #takeOut(candidate: Candidate): void {
    this.#all.splice(placeOf(this.#all, candidate), 1);
    if (candidate.hasRole) this.#withRole.splice(placeOf(this.#withRole, candidate), 1);
  }

  #sortAnew(): void {
    this.#all = [...this.#members.values()].sort(compare);
    this.#withRole = this.#all.filter(({ hasRole }) => hasRole);
  }
}

function candidateOf({ id, roles, draining = false }: Member): Candidate {
  return { id, rank: rankOf(id), hasRole: roles.includes(SERVER_ROLE), draining };
}

function isSame(a: Candidate, b: Candidate): boolean {
  return a.hasRole === b.hasRole && a.draining === b.draining;
}

function compare(a: Candidate, b: Candidate): number {
  if (a.draining !== b.draining) return a.draining ? 1 : -1;
  if (a.rank !== b.rank) return a.rank - b.rank;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Where the candidate stands in the ordered list, or would. */
function placeOf(list: readonly Candidate[], candidate: Candidate): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(list[middle] as Candidate, candidate) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Rebalance: which children should move, so that constraints hold again and nodes carry alike.
 *
 * First every child goes that may not be where it is, if there is a node where it may be. Then the
 * counts of the nodes are brought within a tolerance of their average (`even-counts`): children
 * that stand in no relation to others by the fewest moves there are (`fewest-moves`), the others
 * one by one, each only where that leaves fewer too many or too few and breaks nobody's
 * constraint. Load decides which of several nodes a child goes to, and is never by itself a reason
 * to move: it is told late, and by the time of a second move the first would have ended it. Last,
 * the moves are put in the order in which they help most (`planned-moves`).
 *
 * Invariants: no move breaks a hard constraint that held; what is planned, once carried out, leaves
 * nothing to plan; the plan depends on its inputs alone; the occupancy is left as it was found.
 * Limit: `ROUNDS_MAX` rounds of the two steps; what is left then is for the next run.
 */
import type { Member } from "@foundation/core";
import { assert } from "./assert.js";
import { candidatesFor, whyNot, type Defines } from "./candidates.js";
import type { ChildSpec } from "./child-spec.js";
import { boundsAround } from "./even-counts.js";
import { fewestMoves, type Bounds, type Stock } from "./fewest-moves.js";
import { judge, ownerOf, type Ground } from "./judge.js";
import { ordered, type Movable, type PlannedMove } from "./planned-moves.js";
import { Relations } from "./relations.js";

/** What is rebalanced, and what is known of it. */
export interface Unbalanced {
  /** The children that may move; each runs on a member. */
  readonly children: readonly ChildSpec[];
  /** All children of the cluster: also those in whose constraints the others matter. */
  readonly all: Iterable<ChildSpec>;
  readonly ground: Ground;
  readonly defines: Defines;
  /** By what share a node may differ from the average. */
  readonly tolerance: number;
}

/** A child that should move and cannot. */
export interface NotPlanned {
  readonly identity: string;
  readonly why: string;
}

export interface RebalancePlan {
  readonly moves: readonly PlannedMove[];
  readonly skipped: readonly NotPlanned[];
}

const ROUNDS_MAX = 8;

/** The moves, in the order in which they help most. */
export function planRebalance(unbalanced: Unbalanced): RebalancePlan {
  return new Planner(unbalanced).plan();
}

/** A child as the planner moves it about. */
interface Child extends Movable {
  at: Member;
  why: PlannedMove["why"];
  /** By place of the member: what `on`, the definition, role and labels allow. */
  readonly allowed: readonly boolean[];
}

class Planner {
  readonly #input: Unbalanced;
  readonly #members: readonly Member[];
  readonly #relations: Relations;
  readonly #children: Child[] = [];
  readonly #skipped = new Map<string, string>();
  readonly #places: ReadonlyMap<Member, number>;
  /** Where children may go by themselves: one list for all that are alike. */
  readonly #allowed = new Map<string, readonly boolean[]>();

  constructor(input: Unbalanced) {
    this.#input = input;
    this.#members = input.ground.members;
    this.#places = new Map(this.#members.map((member, place) => [member, place]));
    const byId = new Map(this.#members.map((member) => [member.id, member]));
    this.#relations = new Relations(input.all, input.ground);
    const sorted = [...input.children].sort((a, b) => (a.identity < b.identity ? -1 : 1));
    for (const spec of sorted) {
      const home = byId.get(spec.owner.node);
      assert(home?.boot === spec.owner.boot, "a child that moves runs on a member");
      // A draining node hands its children over by itself.
      if (home.status === "draining") continue;
      const allowed = this.#allowedOf(spec);
      this.#children.push({ spec, home, at: home, why: "balance", allowed });
    }
  }

  plan(): RebalancePlan {
    for (let round = 0, changed = true; changed && round < ROUNDS_MAX; round++) {
      changed = this.#repair();
      changed = this.#balanceFree() || changed;
      changed = this.#balanceBound() || changed;
    }
    const moved = this.#children.filter(({ home, at }) => home !== at);
    for (const { spec } of this.#children) this.#input.ground.occupancy.put(spec, spec.owner);
    const skipped = [...this.#skipped].map(([identity, why]) => ({ identity, why }));
    return { moves: ordered(moved, this.#children), skipped };
  }

  /** Moves every child that may not be where it is. */
  #repair(): boolean {
    let changed = false;
    for (const child of this.#children) {
      const { spec, at } = child;
      const why = this.#whyNotAt(child, at);
      if (why === undefined) {
        this.#skipped.delete(spec.identity);
        continue;
      }
      const { eligible } = judge(spec, this.#candidates(child), this.#input.ground);
      if (this.#tryEach(child, this.#byLightness(eligible, this.#counts()))) {
        child.why = "constraints";
        changed = true;
      } else {
        const reason = `it may not be on ${at.name} (${why}), nor go anywhere without breaking more`;
        this.#skipped.set(spec.identity, reason);
      }
    }
    return changed;
  }

  /** Puts the child on the first of the nodes where that breaks nobody's constraint. */
  #tryEach(child: Child, members: readonly Member[]): boolean {
    const before = child.at;
    for (const to of members) {
      if (to === before) continue;
      const broken = this.#relations.broken(child.spec, before, to);
      this.#put(child, to);
      const now = this.#relations.broken(child.spec, before, to);
      if ([...now].every((each) => broken.has(each))) return true;
      this.#put(child, before);
    }
    return false;
  }

  #whyNotAt({ spec, allowed }: Child, at: Member): string | undefined {
    const { ground, defines } = this.#input;
    const reason = whyNot(spec, at, defines);
    if (reason !== undefined) return reason;
    if (spec.rules?.constraints === undefined && !ground.occupancy.hasExclusions) return undefined;
    const able = this.#members.filter((_member, place) => allowed[place] === true);
    const judged = judge(spec, able.includes(at) ? able : [...able, at], agreed(ground));
    return judged.refused.find(({ member }) => member === at)?.why;
  }

  /** The fewest moves of children that stand in no relation to others. */
  #balanceFree(): boolean {
    const free = this.#children.filter(({ spec }) => !this.#relations.has(spec));
    const alike = new Map<readonly boolean[], Child[][]>();
    for (const child of free) {
      const homes = alike.get(child.allowed) ?? [];
      alike.set(child.allowed, homes);
      const home = this.#placeOf(child.at);
      (homes[home] ??= []).push(child);
    }
    const groups: Child[][] = [];
    const stocks: Stock[] = [];
    for (const [allowed, homes] of alike) {
      for (const [home, children] of homes.entries()) {
        if (children === undefined) continue;
        groups.push(children);
        stocks.push({ home, size: children.length, allowed });
      }
    }
    const shipments = fewestMoves(this.#counts(), this.#bounds(), stocks);
    for (const { stock, to, count } of shipments) {
      const children = groups[stock] ?? [];
      for (const child of children.splice(0, count)) this.#put(child, this.#members[to] as Member);
    }
    return shipments.length > 0;
  }

  /** One by one, children that stand in relations, wherever one move helps. */
  #balanceBound(): boolean {
    const bound = this.#children.filter(({ spec }) => this.#relations.has(spec));
    if (bound.length === 0) return false;
    const bounds = this.#bounds();
    const counts = [...this.#counts()];
    let changed = false;
    for (let moved = true; moved; changed ||= moved) {
      moved = bound.some((child) => this.#moveIfBetter(child, counts, bounds));
    }
    return changed;
  }

  #moveIfBetter(child: Child, counts: number[], bounds: readonly Bounds[]): boolean {
    const from = this.#placeOf(child.at);
    const surplus = (place: number) => (counts[place] ?? 0) - (bounds[place]?.upper ?? 0);
    const spare = (place: number) => (counts[place] ?? 0) - (bounds[place]?.lower ?? 0);
    if (spare(from) <= 0) return false;
    const helps = (_member: Member, to: number) => {
      if (to === from || child.allowed[to] !== true) return false;
      return surplus(from) > 0 ? surplus(to) < 0 : spare(to) < 0;
    };
    if (!this.#members.some(helps)) return false;
    const { eligible } = judge(child.spec, this.#candidates(child), this.#input.ground);
    const better = eligible.filter((member) => helps(member, this.#placeOf(member)));
    if (!this.#tryEach(child, this.#byLightness(better, counts))) return false;
    const to = this.#placeOf(child.at);
    counts[from] = (counts[from] ?? 0) - 1;
    counts[to] = (counts[to] ?? 0) + 1;
    return true;
  }

  #put(child: Child, at: Member): void {
    child.at = at;
    this.#input.ground.occupancy.put(child.spec, ownerOf(at));
    this.#relations.moved(child.spec, at);
  }

  #candidates({ spec }: Child): readonly Member[] {
    return candidatesFor(spec, this.#members, this.#input.defines);
  }

  #allowedOf(spec: ChildSpec): readonly boolean[] {
    const related = this.#relations.has(spec);
    const asked = related ? undefined : spec.rules?.constraints;
    const key = JSON.stringify([spec.definition, spec.on, asked]);
    let allowed = this.#allowed.get(key);
    if (allowed === undefined) {
      allowed = this.#members.map((member) => this.#isAllowed(spec, member, related));
      this.#allowed.set(key, allowed);
    }
    return allowed;
  }

  #isAllowed(spec: ChildSpec, member: Member, related: boolean): boolean {
    const { defines, ground } = this.#input;
    if (member.status !== "alive" || whyNot(spec, member, defines) !== undefined) return false;
    if (related || spec.rules?.constraints === undefined) return true;
    return judge(spec, [member], ground).eligible.length > 0;
  }

  #placeOf(member: Member): number {
    return this.#places.get(member) as number;
  }

  /** The bounds of each node: around the average of those it can exchange children with. */
  #bounds(): readonly Bounds[] {
    const sets = this.#children.map(({ allowed }) => allowed);
    return boundsAround(this.#counts(), sets, this.#input.tolerance);
  }

  #counts(): readonly number[] {
    const counts = this.#members.map(() => 0);
    for (const { at } of this.#children) {
      const place = this.#placeOf(at);
      counts[place] = (counts[place] ?? 0) + 1;
    }
    return counts;
  }

  /** The node with the fewest children first, then that with the least load, then by id. */
  #byLightness(members: readonly Member[], counts: readonly number[]): readonly Member[] {
    const { loadOf } = this.#input.ground;
    const burden = (member: Member) => {
      const load = loadOf?.(member);
      return load === undefined ? 0 : Math.max(load.eventLoop, load.processor, load.memory);
    };
    const count = (member: Member) => counts[this.#placeOf(member)] ?? 0;
    return [...members].sort(
      (a, b) => count(a) - count(b) || burden(a) - burden(b) || (a.id < b.id ? -1 : 1),
    );
  }
}

/** What holds without a word of load. */
function agreed({ members, occupancy }: Ground): Ground {
  return { members, occupancy };
}

/**
 * Relations: which children matter to others, by the constraints of either.
 *
 * A child without relations can be moved by itself; one with relations only with a look at whom it
 * would leave alone, crowd out, or put out of balance. Children that ask for the same and are counted
 * alike stand for each other: of each such kind one on each node is looked at, so a thousand of a
 * kind cost no more than a few.
 */
import type { Member } from "@foundation/core";
import { assert } from "./assert.js";
import { fits } from "./candidates.js";
import type { ChildSpec } from "./child-spec.js";
import type { Softness } from "./constraints.js";
import { judge, type Ground } from "./judge.js";
import { peerOf, type Placeable } from "./occupancy.js";
import { isSelected, selectorOf, type Peers, type Selector } from "./peers.js";

/** Children that ask for the same and are counted by the same. */
interface Kind {
  /** Whom their hard constraints count. */
  readonly counted: readonly Selector[];
  readonly isSpread: boolean;
  /** By node, then by identity. */
  readonly at: Map<string, Map<string, ChildSpec>>;
}

interface Known {
  readonly kind: Kind;
  at: string;
}

export class Relations {
  readonly #ground: Ground;
  /** Children whose constraints speak of others. */
  readonly #constrained = new Map<string, Known>();
  readonly #kinds = new Map<string, Kind>();
  readonly #selectors = new Set<Selector>();

  constructor(children: Iterable<ChildSpec>, ground: Ground) {
    this.#ground = ground;
    const constrained = [...children].filter((spec) => saidOf(spec).length > 0);
    for (const spec of constrained) {
      for (const said of saidOf(spec)) this.#selectors.add(selectorOf(said, peerOf(spec)));
    }
    for (const spec of constrained) {
      const kind = this.#kindOf(spec);
      this.#constrained.set(spec.identity, { kind, at: spec.owner.node });
      put(kind, spec, spec.owner.node);
    }
  }

  /** True when the child's constraints speak of others, or others' of it. */
  has(child: Placeable): boolean {
    if (this.#constrained.has(child.identity)) return true;
    const peer = peerOf(child);
    for (const selector of this.#selectors) if (isSelected(selector, peer)) return true;
    return false;
  }

  moved(spec: ChildSpec, to: Member): void {
    const known = this.#constrained.get(spec.identity);
    if (known === undefined) return;
    const there = known.kind.at.get(known.at);
    assert(there?.delete(spec.identity) === true, "a child is where it was put");
    known.at = to.id;
    put(known.kind, spec, to.id);
  }

  /**
   * Whose hard constraints do not hold now, of those that a move of the child between the two nodes
   * can matter to: a word for each kind and node, to compare before and after.
   */
  broken(child: ChildSpec, from: Member, to: Member): ReadonlySet<string> {
    const peer = peerOf(child);
    const broken = new Set<string>();
    for (const [key, { counted, isSpread, at }] of this.#kinds) {
      if (!counted.some((selector) => isSelected(selector, peer))) continue;
      for (const [node, children] of at) {
        if (!isSpread && node !== from.id && node !== to.id) continue;
        const other = firstBut(children, child.identity);
        if (other !== undefined && !this.#holds(other, node)) broken.add(`${node} ${key}`);
      }
    }
    return broken;
  }

  #holds(spec: ChildSpec, at: string): boolean {
    const { members, occupancy } = this.#ground;
    const able = members.filter((member) => fits(member, spec.on));
    const { refused } = judge(spec, able, { members, occupancy });
    return !refused.some(({ member }) => member.id === at);
  }

  #kindOf(spec: ChildSpec): Kind {
    const peer = peerOf(spec);
    const countedBy = [...this.#selectors].map((selector) => Number(isSelected(selector, peer)));
    const constraints = spec.rules?.constraints;
    const key = JSON.stringify([spec.definition, spec.on, constraints, countedBy.join("")]);
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const hard = saidOf(spec).filter(({ preferred }) => preferred !== true);
    const isSpread = constraints?.spread !== undefined && constraints.spread.preferred !== true;
    const counted = hard.map((said) => selectorOf(said, peer));
    const kind = { counted, isSpread, at: new Map<string, Map<string, ChildSpec>>() };
    this.#kinds.set(key, kind);
    return kind;
  }
}

/** What the constraints of a child say of others. */
function saidOf({ rules }: ChildSpec): readonly (Peers & Softness)[] {
  const { capacity, affinity, antiAffinity, spread } = rules?.constraints ?? {};
  const room: (Peers & Softness) | undefined = typeof capacity === "number" ? {} : capacity;
  return [room, affinity, antiAffinity, spread].filter((said) => said !== undefined);
}

function put({ at }: Kind, spec: ChildSpec, node: string): void {
  const there = at.get(node) ?? new Map<string, ChildSpec>();
  at.set(node, there.set(spec.identity, spec));
}

function firstBut(
  children: ReadonlyMap<string, ChildSpec>,
  identity: string,
): ChildSpec | undefined {
  for (const [each, spec] of children) if (each !== identity) return spec;
  return undefined;
}

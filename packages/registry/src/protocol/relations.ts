/**
 * Relations: which children matter to others, by the constraints of either.
 *
 * A child without relations can be moved by itself; one with relations only with a look at whom it
 * would leave alone, crowd out, or put out of balance.
 */
import type { Member } from "@foundation/core";
import type { ChildSpec } from "./child-spec.js";
import type { Softness } from "./constraints.js";
import { judge, ownerOf, type Ground } from "./judge.js";
import { peerOf, type Placeable } from "./occupancy.js";
import { isSelected, selectorOf, type Peer, type Peers, type Selector } from "./peers.js";

interface Constrained {
  readonly spec: ChildSpec;
  at: string;
  /** Whom its hard constraints count. */
  readonly counted: readonly Selector[];
  /** Whom it stays with. */
  readonly affine: Selector | undefined;
}

export class Relations {
  readonly #ground: Ground;
  /** By identity: children whose constraints speak of others. */
  readonly #constrained = new Map<string, Constrained>();
  readonly #selectors = new Set<Selector>();

  constructor(all: Iterable<ChildSpec>, ground: Ground) {
    this.#ground = ground;
    for (const spec of all) {
      const { capacity, affinity, antiAffinity, spread } = spec.rules?.constraints ?? {};
      if ((capacity ?? affinity ?? antiAffinity ?? spread) === undefined) continue;
      const peer = peerOf(spec);
      const room: (Peers & Softness) | undefined = typeof capacity === "number" ? {} : capacity;
      const said = [room, affinity, antiAffinity, spread].filter((each) => each !== undefined);
      for (const each of said) this.#selectors.add(selectorOf(each, peer));
      const hard = said.filter(({ preferred }) => preferred !== true);
      this.#constrained.set(spec.identity, {
        spec,
        at: spec.owner.node,
        counted: hard.map((each) => selectorOf(each, peer)),
        affine: affinity && affinity.preferred !== true ? selectorOf(affinity, peer) : undefined,
      });
    }
  }

  /** True when the child's constraints speak of others, or others' of it. */
  has(child: Placeable): boolean {
    if (this.#constrained.has(child.identity)) return true;
    const peer = peerOf(child);
    for (const selector of this.#selectors) if (isSelected(selector, peer)) return true;
    return false;
  }

  moved({ identity }: ChildSpec, to: Member): void {
    const known = this.#constrained.get(identity);
    if (known !== undefined) known.at = to.id;
  }

  /** True when somebody's hard constraint does not hold since the child went from one to the other. */
  breaksAny(child: ChildSpec, from: Member, to: Member): boolean {
    const peer = peerOf(child);
    const own = this.#constrained.get(child.identity)?.counted ?? [];
    for (const other of this.#constrained.values()) {
      if (other.spec.identity === child.identity) continue;
      if (other.at === from.id && this.#isLeftAlone(other, peer, from)) return true;
      // Where both count the same, the child's own judgement has spoken for the other too.
      const isForeign = (selector: Selector) =>
        isSelected(selector, peer) && !own.includes(selector);
      if (!other.counted.some(isForeign)) continue;
      if (other.at !== to.id && other.spec.rules?.constraints?.spread === undefined) continue;
      if (!this.#holds(other)) return true;
    }
    return false;
  }

  #isLeftAlone({ spec, affine }: Constrained, gone: Peer, at: Member) {
    if (affine === undefined || !isSelected(affine, gone)) return false;
    return this.#ground.occupancy.count(affine, ownerOf(at), spec) === 0;
  }

  #holds({ spec, at }: Constrained): boolean {
    const { members, occupancy } = this.#ground;
    const { refused } = judge(spec, members, { members, occupancy });
    return !refused.some(({ member }) => member.id === at);
  }
}

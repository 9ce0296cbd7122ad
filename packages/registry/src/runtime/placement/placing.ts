/**
 * Placing: where children go, by the placement and by their constraints.
 *
 * It keeps the occupancy in step with the specs, and with the starts that are under way: a burst of
 * starts would else be placed as if each were alone. Three questions are answered: where a first
 * start goes (loads count), where a child goes whose node is gone or leaves (every node must answer
 * alike, so loads do not), and whether this very node may run it, asked last and by the node itself:
 * so what depends on one node alone holds however stale the views of others are.
 *
 * Invariants: a reservation ends with the start it was made for, or with the first spec of its
 * child; a takeover plan is made anew whenever something changed otherwise than it said.
 */
import { hashRing, type Member, type NodeLoad, type Placement } from "@foundation/core";
import {
  candidatesFor,
  fits,
  whyNot,
  type Defines,
  type Place,
} from "../../protocol/candidates.js";
import type { ChildSpec } from "../../protocol/child-spec.js";
import { isSensitive, judge, ownerOf, type Ground } from "../../protocol/judge.js";
import { Occupancy, type Placeable } from "../../protocol/occupancy.js";
import { planTakeovers, type TakeoverPlan } from "../../protocol/takeover-plan.js";
import type { SpecStore } from "../supervision/spec-store.js";
import { isMember, type Wiring } from "../wiring.js";
import { noCandidate, type WhyNot } from "./no-candidate.js";

/** What placing works with. */
export interface PlacingParts {
  readonly specs: Pick<SpecStore, "get" | "all" | "subscribe">;
  readonly defines: Defines;
  /** @default hashRing() */
  readonly placement: Placement | undefined;
  /** How busy a member is, where that is told. */
  readonly loadOf: (member: Member) => NodeLoad | undefined;
}

/** Identities and nodes that one log line names. */
const SHOWN_MAX = 10;

export class Placing {
  readonly occupancy = new Occupancy();
  /** Where a child goes whose node is gone or leaves: the same answer on every node. */
  readonly place: Place;
  /** Where a first start goes. */
  readonly placeFirst: Place;
  readonly #wiring: Wiring;
  readonly #parts: PlacingParts;
  readonly #stops: (() => void)[];
  /** Starts under way, by identity: each stands for one reservation. */
  readonly #reserved = new Map<string, object>();
  readonly #agreed: Place;
  /** Orphans that this node has said of that nobody may take them. */
  #homeless: ReadonlySet<string> = new Set();
  #plan: Map<string, string | undefined> | undefined;
  /** Orphans of the last plan that nobody was told of since it ceased to hold. */
  #planned: readonly string[] = [];

  constructor(wiring: Wiring, parts: PlacingParts) {
    this.#wiring = wiring;
    this.#parts = parts;
    const placement = parts.placement ?? hashRing();
    // A takeover is decided by every node for itself, so only a placement that agrees can serve it.
    this.#agreed = this.#choiceOf(placement.agrees ? placement : hashRing());
    this.place = (key, candidates, child) => this.#placeAgreed(key, candidates, child);
    this.placeFirst = this.placeFirstBy(placement);
    for (const spec of parts.specs.all()) this.#refresh(spec.identity);
    this.#stops = [
      parts.specs.subscribe((identity) => this.#specChanged(identity)),
      wiring.membership.subscribe(() => this.forget()),
    ];
  }

  /** First starts by this placement, on nodes that the constraints allow now. */
  placeFirstBy(placement: Placement): Place {
    const choice = this.#choiceOf(placement);
    return (key, candidates, child) => {
      if (child === undefined) return choice(key, candidates);
      return choice(key, judge(child, candidates, this.groundOfStart()).eligible);
    };
  }

  /** Counts a start under way where it goes; the function ends that, unless a spec said so. */
  reserve(child: Placeable, member: Member): () => void {
    const token = {};
    this.#reserved.set(child.identity, token);
    this.occupancy.put(child, ownerOf(member));
    return () => {
      if (this.#reserved.get(child.identity) !== token) return;
      this.#refresh(child.identity);
    };
  }

  /**
   * Asks of this node alone whether it may run the child: by what it is and by what it runs.
   * @throws {ERR_NO_CANDIDATE} it may not
   */
  refuseHere(child: Placeable): void {
    const why = this.#whyNotHere(child);
    const { self } = this.#wiring.membership;
    if (why !== undefined) throw noCandidate(child.identity, [{ member: self, why }]);
  }

  /** As `refuseHere`, for a decision and not for a request. */
  mayRunHere(child: Placeable): boolean {
    return this.#whyNotHere(child) === undefined;
  }

  /** Why each member may not run the child now. */
  explain(child: Placeable, defines: Defines): readonly WhyNot[] {
    const members = this.#wiring.membership.members();
    const able = candidatesFor(child, members, defines);
    const { refused } = judge(child, able, this.groundOfStart());
    return members.flatMap((member) => {
      const by = refused.find((each) => each.member.id === member.id)?.why;
      const why = whyNot(child, member, defines) ?? by;
      return why === undefined ? [] : [{ member, why }];
    });
  }

  /** Orphans of a plan that holds no longer, once: others may have to take them now. */
  affected(): readonly string[] {
    if (this.#plan !== undefined) return [];
    const planned = this.#planned;
    this.#planned = [];
    return planned;
  }

  /** Members or definitions changed: nothing that was planned holds. */
  forget(): void {
    this.#plan = undefined;
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  /** How busy a member is, where that is told. */
  loadOf(member: Member): NodeLoad | undefined {
    return this.#parts.loadOf(member);
  }

  /** What is known now, loads included: for first starts and for moves, which one node decides. */
  groundOfStart(): Ground {
    return { ...this.#ground(), loadOf: this.#parts.loadOf };
  }

  #ground(): Ground {
    return { members: this.#wiring.membership.members(), occupancy: this.occupancy };
  }

  #placeAgreed(key: string, candidates: readonly Member[], child: Placeable | undefined) {
    if (child === undefined) return this.#agreed(key, candidates);
    const sensitive = isSensitive(child, this.occupancy);
    if (!sensitive && child.rules?.constraints === undefined) return this.#agreed(key, candidates);
    const spec = sensitive ? this.#parts.specs.get(child.identity) : undefined;
    if (spec !== undefined && this.#isOrphan(spec)) {
      const planned = this.#currentPlan().get(child.identity);
      return candidates.find(({ id }) => id === planned)?.id;
    }
    return this.#agreed(key, judge(child, candidates, this.#ground()).eligible);
  }

  #currentPlan(): TakeoverPlan {
    if (this.#plan !== undefined) return this.#plan as TakeoverPlan;
    const { specs, defines } = this.#parts;
    const ground = this.#ground();
    const orphans: ChildSpec[] = [];
    for (const spec of specs.all()) {
      if (this.#isOrphan(spec) && isSensitive(spec, this.occupancy)) orphans.push(spec);
    }
    const candidatesOf = (spec: ChildSpec) => candidatesFor(spec, ground.members, defines);
    const plan = planTakeovers(orphans, candidatesOf, ground, this.#agreed);
    this.#plan = new Map(plan);
    this.#planned = [...plan.keys()];
    this.#tellHomeless(orphans.filter(({ identity }) => plan.get(identity) === undefined));
    return plan;
  }

  /** Nobody may take them now: one node says so, and once, or an operator would look for them. */
  #tellHomeless(orphans: readonly ChildSpec[]): void {
    const { logger, membership, self } = this.#wiring;
    const members = membership.members();
    const mine = orphans.filter(({ identity }) => this.#agreed(identity, members) === self.node);
    const news = mine.filter(({ identity }) => !this.#homeless.has(identity));
    this.#homeless = new Set(mine.map(({ identity }) => identity));
    const [first] = news;
    if (first === undefined) return;
    const identities = news.slice(0, SHOWN_MAX).map(({ identity }) => identity);
    const why = this.explain(first, this.#parts.defines).map(
      ({ member, why: reason }) => `${member.name}: ${reason}`,
    );
    const fields = { count: news.length, identities, why: why.slice(0, SHOWN_MAX) };
    logger.warn("Children wait for a node that their constraints allow", fields);
  }

  #isOrphan({ state, owner }: ChildSpec): boolean {
    return state === "running" && !isMember(owner, this.#wiring.membership);
  }

  #specChanged(identity: string): void {
    const spec = this.#refresh(identity);
    if (this.#plan === undefined) return;
    if (spec !== undefined && this.#plan.get(identity) === spec.owner.node) {
      // As planned: the others were placed with this one there.
      this.#plan.delete(identity);
      return;
    }
    if (spec === undefined || isSensitive(spec, this.occupancy)) this.#plan = undefined;
  }

  /** Takes the identity over from the specs, and forgets what was reserved for it. */
  #refresh(identity: string): ChildSpec | undefined {
    this.#reserved.delete(identity);
    const spec = this.#parts.specs.get(identity);
    if (spec?.state !== "running") {
      this.occupancy.remove(identity);
      return undefined;
    }
    this.occupancy.put(spec, spec.owner);
    return spec;
  }

  #whyNotHere(child: Placeable): string | undefined {
    const { constraints } = child.rules ?? {};
    // Of spread and affinity this node knows no more than whoever chose it.
    const { spread: _spread, affinity: _affinity, ...local } = constraints ?? {};
    const asked = constraints && { ...child, rules: { ...child.rules, constraints: local } };
    const { self } = this.#wiring.membership;
    if (!fits(self, child.on)) return "it does not fit `on`";
    return judge(asked ?? child, [self], this.#ground()).refused[0]?.why;
  }

  /** A placement as a choice among members; only one that needs not agree is told of loads. */
  #choiceOf(placement: Placement): Place {
    const { self } = this.#wiring;
    return (key, members) => {
      if (members.length === 0) return undefined;
      return placement.place(
        key,
        members.map((member) => {
          const { id } = member;
          if (placement.agrees) return { id, self: id === self.node };
          const running = this.occupancy.total(ownerOf(member));
          return { id, self: id === self.node, load: this.#parts.loadOf(member), running };
        }),
      );
    };
  }
}

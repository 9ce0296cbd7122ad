/**
 * MembershipView: what the application sees of the protocol's state: the members, and how it stands.
 *
 * Invariant: the list is the same array until something in it changes.
 */
import type { Member, NodeId } from "@foundation/core";
import { memberOf } from "./entry.js";
import type { MembershipState } from "./state.js";

/** How the protocol stands, for health and metrics. */
export interface MembershipReport {
  readonly members: number;
  readonly suspects: number;
  readonly links: number;
  readonly tombstones: number;
  /** Lifeguard's local health: 0 is well, 8 is very slow. */
  readonly localHealth: number;
  readonly judging: boolean;
}

export class MembershipView {
  readonly #state: MembershipState;
  #members: readonly Member[] = [];
  #version = -1;

  constructor(state: MembershipState) {
    this.#state = state;
  }

  /** Ordered by id, this node included. */
  members(): readonly Member[] {
    if (this.#version === this.#state.viewVersion) return this.#members;
    this.#version = this.#state.viewVersion;
    const { self, lists } = this.#state;
    const members = [memberOf(self)];
    // In order already, so that sorting them is one walk: asked for after every change of a thousand.
    for (const { visible } of lists.live) if (visible) members.push(visible);
    for (const { id, visible } of lists.ending) {
      if (visible && !this.#state.isLive(id)) members.push(visible);
    }
    this.#members = members.sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.#members;
  }

  member(id: NodeId): Member | undefined {
    const { self, peers } = this.#state;
    return id === self.id ? memberOf(self) : peers.get(id)?.visible;
  }

  report(now: number): MembershipReport {
    const { directory, health, lists } = this.#state;
    let suspects = 0;
    for (const { visible } of lists.suspects) if (visible?.status === "suspect") suspects += 1;
    return {
      // Asked for several times a second, also while a thousand join: nobody is listed for it.
      members: 1 + this.#state.visibleCount,
      suspects,
      links: lists.linked.length,
      tombstones: directory.tombstoneCount,
      localHealth: health.score,
      judging: health.canJudge(now),
    };
  }
}

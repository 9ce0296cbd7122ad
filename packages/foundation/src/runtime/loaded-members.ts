/** Members with how busy each said it is; the list stays the same object while nothing of it has changed. */
import type { Member, Membership, NodeId, NodeLoad } from "@foundation/core";

export class LoadedMembers {
  readonly #membership: Pick<Membership, "members">;
  readonly #loadOf: (id: NodeId) => NodeLoad | undefined;
  #members: readonly Member[] = [];
  #loaded: readonly Member[] = [];

  constructor(
    membership: Pick<Membership, "members">,
    loadOf: (id: NodeId) => NodeLoad | undefined,
  ) {
    this.#membership = membership;
    this.#loadOf = loadOf;
  }

  list(): readonly Member[] {
    const members = this.#membership.members();
    if (members === this.#members && this.#isCurrent()) return this.#loaded;
    this.#members = members;
    this.#loaded = members.map((member) => this.of(member));
    return this.#loaded;
  }

  of(member: Member): Member {
    const load = this.#loadOf(member.id);
    return load === undefined ? member : { ...member, load };
  }

  #isCurrent(): boolean {
    return this.#loaded.every(({ id, load }) => this.#loadOf(id) === load);
  }
}

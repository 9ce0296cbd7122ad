/** MemoryMembership: one node's view of a MemoryCluster; keeps the port's promises about the order of events. */
import type { NodeId } from "../ids/node-id.js";
import type { Member, Membership, MembershipEvent } from "../ports/membership.js";

export class MemoryMembership implements Membership {
  self: Member;
  readonly #members = new Map<NodeId, Member>();
  /** Boots that left: they never come back. */
  readonly #gone = new Set<string>();
  readonly #listeners = new Set<{ readonly fn: (event: MembershipEvent) => void }>();
  #sorted: readonly Member[] | undefined;

  constructor(self: Member) {
    this.self = self;
    this.#members.set(self.id, self);
  }

  members(): readonly Member[] {
    this.#sorted ??= [...this.#members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.#sorted;
  }

  member(id: NodeId): Member | undefined {
    return this.#members.get(id);
  }

  subscribe(listener: (event: MembershipEvent) => void): () => void {
    const entry = { fn: listener };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /** Changes this node's own entry. */
  setSelf(self: Member): void {
    this.self = self;
    this.#put(self);
    if (self.status === "draining") this.#tell({ type: "node-draining", node: self });
  }

  /** Takes what is known of a member without telling anybody: the state at the start. */
  know(member: Member): void {
    this.#put(member);
  }

  /** Takes news of a member and tells what changed. */
  learn(next: Member): void {
    const old = this.#members.get(next.id);
    if (this.#gone.has(next.boot) || (old && old.boot > next.boot)) return;
    if (old && old.boot < next.boot) this.lose(old, "superseded by a newer boot");
    const known = this.#members.get(next.id);
    if (known?.status === next.status) return;
    this.#put(next);
    const changed = known && known.status !== "alive" ? { previous: known.status } : {};
    if (next.status === "suspect") this.#tell({ type: "node-suspect", node: next });
    else if (!known || known.status === "suspect")
      this.#tell({ type: "node-up", node: next, ...changed });
    if (next.status === "draining") this.#tell({ type: "node-draining", node: next });
  }

  lose(member: Member, reason: string): void {
    if (!this.#remove(member)) return;
    this.#tell({ type: "node-down", node: { ...member, status: "down" }, reason });
  }

  seeOff(member: Member): void {
    this.#gone.add(member.boot);
    if (this.#remove(member))
      this.#tell({ type: "node-left", node: { ...member, status: "left" } });
  }

  clear(): void {
    this.#listeners.clear();
  }

  #put(member: Member): void {
    this.#members.set(member.id, member);
    this.#sorted = undefined;
  }

  #remove(member: Member): boolean {
    if (this.#members.get(member.id)?.boot !== member.boot) return false;
    this.#members.delete(member.id);
    this.#sorted = undefined;
    return true;
  }

  #tell(event: MembershipEvent): void {
    for (const { fn } of [...this.#listeners]) fn(event);
  }
}

/**
 * Membership: who is in the cluster, as this node believes.
 *
 * Guarantees: listeners are called synchronously, in order, once for each change. For one (id, boot): `node-up` comes
 * first; `node-down` or `node-left` ends it; the same boot can come up again after `node-down` (a wrong death that was
 * refuted) and never after `node-left`. A newer boot of an id first ends the older one, then comes up.
 * `members` never contains a down or left node. Every node's list converges to the same within the detection time.
 */
import type { Boot, NodeId } from "../ids/node-id.js";

export type MemberStatus = "alive" | "suspect" | "draining" | "down" | "left";

/** How busy a node is, as it said last: each a share from 0 to 1. */
export interface NodeLoad {
  /** Of the time, how much its event loop worked. */
  readonly eventLoop: number;
  /** Of all processors of its machine, how much its process used. */
  readonly processor: number;
  /** Of its machine's memory, how much its process holds. */
  readonly memory: number;
}

/** One node. Immutable: a change makes a new object. */
export interface Member {
  readonly id: NodeId;
  readonly boot: Boot;
  /** For people: `app-host-pid` unless configured. */
  readonly name: string;
  /** What peers dial. */
  readonly address: string;
  readonly roles: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly status: MemberStatus;
  /** Undefined: not told. Members tell it each other while they are few; of many, each is asked when it matters. */
  readonly load?: NodeLoad | undefined;
}

export type MembershipEvent =
  /** A node joined, or a suspected one turned out to be well (`previous: "suspect"`). */
  | { readonly type: "node-up"; readonly node: Member; readonly previous?: MemberStatus }
  | { readonly type: "node-suspect"; readonly node: Member }
  /** Declared dead by the failure detector, or superseded by a newer boot. */
  | { readonly type: "node-down"; readonly node: Member; readonly reason: string }
  /** Left of its own will, after draining. */
  | { readonly type: "node-left"; readonly node: Member }
  /** Takes no new work and will leave soon. */
  | { readonly type: "node-draining"; readonly node: Member };

export interface Membership {
  /** This node. Its status is `alive` or `draining` while it runs. */
  readonly self: Member;
  /** All current members, this node included: alive, suspect and draining, ordered by id. Cached between changes. */
  members(): readonly Member[];
  /** A current member, or undefined. */
  member(id: NodeId): Member | undefined;
  /** Calls `listener` for each later change; returns the function that ends it. */
  subscribe(listener: (event: MembershipEvent) => void): () => void;
}

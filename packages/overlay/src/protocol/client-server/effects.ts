/**
 * What goes into the client-server topology and what comes out of it, as plain data.
 *
 * Before `start` inputs only inform; so a node that changes its topology tells first who is there
 * and which links are up, and nothing is dialled that is there already.
 */
import type { NodeId } from "@foundation/core";

/** What the topology has to know of a member. */
export interface Member {
  readonly id: NodeId;
  /** The role "server" makes it a candidate; where any member has it, only those are servers. */
  readonly roles: readonly string[];
  /** About to leave: a server no more, so that its clients move before it goes. @default false */
  readonly draining?: boolean;
}

export type ClientServerInput =
  | { readonly type: "start" }
  /**
   * Changes: members that are new or have other roles, and members that left or died. The first
   * one lists all. A member that came back with a newer boot is in both.
   */
  | {
      readonly type: "members";
      readonly came: readonly Member[];
      readonly gone: readonly NodeId[];
    }
  | { readonly type: "link-up" | "link-down" | "dial-failed"; readonly id: NodeId }
  | { readonly type: "timer"; readonly timer: string }
  /** The node leaves, or another topology takes over: nothing follows any more. */
  | { readonly type: "leave" };

export type ClientServerEffect =
  /**
   * Wants a link: answered by link-up or dial-failed. For a link that was released and is still up
   * it takes the release back, and needs no answer.
   */
  | { readonly type: "connect"; readonly to: NodeId }
  /** Needs the link no more; a link-down follows if it is closed. */
  | { readonly type: "release"; readonly to: NodeId }
  /**
   * The links this node goes through from now on: both up, the standby as a reserve. Both undefined
   * for a server, and for a client that is cut off from all servers.
   */
  | {
      readonly type: "attach";
      readonly server: NodeId | undefined;
      readonly standby: NodeId | undefined;
    }
  /** This node became a server or a client. */
  | { readonly type: "role"; readonly role: ClientServerRole }
  /** Replaces a pending timer of the same name. */
  | { readonly type: "set-timer"; readonly timer: string; readonly delayMs: number }
  | { readonly type: "cancel-timer"; readonly timer: string }
  /** Something worth counting happened. */
  | { readonly type: "count"; readonly counter: ClientServerCounter };

export type ClientServerRole = "server" | "client";

export type ClientServerCounter =
  /** The primary was lost and the standby took over in the same turn. */
  | "failover"
  /** The primary was lost and no other server was linked. */
  | "cut-off"
  | "dial-failed"
  | "member-refused";

/** What goes into the switching of topologies and what comes out of it, as plain data. */
import type { NodeId } from "@foundation/core";
import type { SwitchMessage, SwitchRecord } from "./record.js";
import type { TopologyMode, TopologyName } from "./topologies.js";

export type SwitchInput =
  /** First input: arms the timers. */
  | { readonly type: "start" }
  /** How many members are alive, this node included, and which of them has the lowest id. */
  | { readonly type: "members"; readonly count: number; readonly lowest: NodeId }
  | { readonly type: "link-up" | "link-down"; readonly id: NodeId }
  | { readonly type: "message"; readonly from: NodeId; readonly message: SwitchMessage }
  /** By hand: a topology to stay with, or "auto" to follow the size again. */
  | { readonly type: "switch"; readonly to: TopologyMode }
  | { readonly type: "timer"; readonly timer: string }
  | { readonly type: "leave" };

export type SwitchEffect =
  /** Sends the record to these neighbours; where the link is gone it is dropped. */
  | { readonly type: "tell"; readonly to: readonly NodeId[]; readonly message: SwitchMessage }
  /** From now on the links are laid out so. */
  | {
      readonly type: "change";
      readonly from: TopologyName;
      readonly to: TopologyName;
      readonly record: SwitchRecord;
    }
  /** Replaces a pending timer of the same name. */
  | { readonly type: "set-timer"; readonly timer: string; readonly delayMs: number }
  | { readonly type: "cancel-timer"; readonly timer: string }
  /** Something worth counting happened. */
  | { readonly type: "count"; readonly counter: SwitchCounter };

export type SwitchCounter =
  /** This node decided, by the cluster's size. */
  | "decided"
  /** A decision by hand was replaced by one made at the same time elsewhere. */
  | "overruled"
  /** The cluster has another topology than this node was configured with, and it is followed. */
  | "configured-otherwise"
  /** A decision was not made because numbers have run out. */
  | "decisions-exhausted";

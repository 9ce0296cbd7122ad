/**
 * What goes into the state machine of an owner-sharded store, and what comes out of it.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { OwnedMessage } from "./messages.js";

/** A change of what the readers of this node see. */
export type OwnedChange<V> =
  | {
      readonly type: "added";
      readonly key: string;
      readonly value: V;
      readonly owner: NodeId;
      readonly boot: Boot;
    }
  | {
      readonly type: "changed";
      readonly key: string;
      readonly value: V;
      readonly previous: V;
      readonly owner: NodeId;
      readonly boot: Boot;
    }
  | {
      readonly type: "removed";
      readonly key: string;
      readonly previous: V;
      readonly owner: NodeId;
      readonly boot: Boot;
    };

export type OwnedInput<V> =
  | { readonly type: "set"; readonly key: string; readonly value: V }
  | { readonly type: "delete"; readonly key: string }
  /** The store ends here: every entry of this node goes. */
  | { readonly type: "clear" }
  /** The turn has ended: tell the others what was written in it. */
  | { readonly type: "flush" }
  | { readonly type: "message"; readonly from: NodeId; readonly message: OwnedMessage<V> }
  | {
      readonly type: "member-up";
      readonly id: NodeId;
      readonly boot: Boot;
      /** It was a member before this store was opened: what it said then was not heard. */
      readonly wasThere?: boolean;
    }
  | { readonly type: "member-down"; readonly id: NodeId; readonly boot: Boot }
  | { readonly type: "member-left"; readonly id: NodeId; readonly boot: Boot }
  /** Time for anti-entropy; `peer` is drawn by the shell, absent when this node is alone. */
  | { readonly type: "tick"; readonly peer?: NodeId }
  /** Somebody here wants to know where a member stands. */
  | { readonly type: "ask"; readonly id: NodeId }
  /** Somebody waits here for an owner's shard up to `sequence`. */
  | {
      readonly type: "catch-up";
      readonly owner: NodeId;
      readonly boot: Boot;
      readonly sequence: number;
    };

export type OwnedEffect<V> =
  | { readonly type: "broadcast"; readonly message: OwnedMessage<V> }
  | { readonly type: "send"; readonly to: NodeId; readonly message: OwnedMessage<V> }
  | { readonly type: "changes"; readonly changes: readonly OwnedChange<V>[] }
  /** A shard's replica has moved on: whoever waits for it may be told. */
  | { readonly type: "progress"; readonly owner: NodeId }
  | { readonly type: "refused"; readonly from: NodeId; readonly reason: string };

/**
 * What goes into the state machine of a multi-writer map, and what comes out of it.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { MapMessage } from "./messages.js";

/** A change of what the readers of this node see. */
export type MapChange<V, S> =
  | {
      readonly type: "set";
      readonly key: string;
      readonly value: V;
      /** The value before; undefined when the key had none. */
      readonly previous: V | undefined;
      readonly stamp: S;
      /** True when this node made the change. */
      readonly local: boolean;
    }
  | {
      readonly type: "delete";
      readonly key: string;
      readonly previous: V;
      readonly stamp: S;
      readonly local: boolean;
    };

export type MapInput<V, S> =
  | { readonly type: "set"; readonly key: string; readonly value: V; readonly stamp: S }
  | { readonly type: "delete"; readonly key: string; readonly stamp: S }
  /** The turn has ended: tell the others what was written in it. */
  | { readonly type: "flush" }
  | { readonly type: "message"; readonly from: NodeId; readonly message: MapMessage<V, S> }
  | {
      readonly type: "member-up";
      readonly id: NodeId;
      readonly boot: Boot;
      /** It was a member before this map was opened: what it said then was not heard. */
      readonly wasThere?: boolean;
    }
  | { readonly type: "member-down"; readonly id: NodeId; readonly boot: Boot }
  | { readonly type: "member-left"; readonly id: NodeId; readonly boot: Boot }
  /** Time for anti-entropy; `peer` is drawn by the shell, absent when this node is alone. */
  | { readonly type: "tick"; readonly peer?: NodeId };

export type MapEffect<V, S> =
  | { readonly type: "broadcast"; readonly message: MapMessage<V, S> }
  | { readonly type: "send"; readonly to: NodeId; readonly message: MapMessage<V, S> }
  | { readonly type: "changes"; readonly changes: readonly MapChange<V, S>[] }
  /** A tombstone was given up before its time because there are too many. */
  | { readonly type: "tombstones-dropped"; readonly count: number }
  | { readonly type: "refused"; readonly from: NodeId; readonly reason: string };

/**
 * What goes into the state machine of a causal state, and what comes out of it.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { CausalMessage, Delta } from "./messages.js";
import type { Entry } from "./strand.js";

/** A key whose live writes are others now. What they mean is the type's to say. */
export interface CausalChange<V> {
  readonly key: string;
  readonly before: readonly Entry<V>[];
  readonly after: readonly Entry<V>[];
  /** True when this node made the change; false for one of others, or an end of time. */
  readonly local: boolean;
}

export type CausalInput<V> =
  | {
      /** Takes the place of all live writes of the key that are known here. */
      readonly type: "write";
      readonly key: string;
      readonly value: V;
      readonly wallMs: number;
      readonly counter: number;
      /** Absent: it does not end by itself. */
      readonly ttlMs?: number | undefined;
    }
  /** Removes all live writes of the key that are known here. */
  | { readonly type: "remove"; readonly key: string }
  /** The turn has ended: tell the others what was written in it. */
  | { readonly type: "flush" }
  /** The time of `expiresAtMs` has come. */
  | { readonly type: "expire" }
  /** What storage has of before; nobody is told. */
  | { readonly type: "restore"; readonly delta: Delta<V> }
  | { readonly type: "message"; readonly from: NodeId; readonly message: CausalMessage<V> }
  | {
      readonly type: "member-up";
      readonly id: NodeId;
      readonly boot: Boot;
      /** It was a member before this state was opened: what it said then was not heard. */
      readonly wasThere?: boolean;
    }
  | { readonly type: "member-down"; readonly id: NodeId; readonly boot: Boot }
  | { readonly type: "member-left"; readonly id: NodeId; readonly boot: Boot }
  /** Time for anti-entropy; `peer` is drawn by the shell, absent when this node is alone. */
  | { readonly type: "tick"; readonly peer?: NodeId };

export type CausalEffect<V> =
  | { readonly type: "broadcast"; readonly message: CausalMessage<V> }
  | { readonly type: "send"; readonly to: NodeId; readonly message: CausalMessage<V> }
  | { readonly type: "changes"; readonly changes: readonly CausalChange<V>[] }
  /** Later writes were merged; a clock that makes stamps must go beyond this. */
  | { readonly type: "observed"; readonly wallMs: number; readonly counter: number }
  /** To be kept on disk, in this order. */
  | { readonly type: "journal"; readonly delta: Delta<V> }
  | { readonly type: "refused"; readonly from: NodeId; readonly reason: string };

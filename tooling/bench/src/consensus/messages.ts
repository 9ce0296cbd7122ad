/** What the consensus suite and its processes tell each other. */
import type { NodeId } from "@foundation/core";

/** One voter in a process of its own. */
export interface MemberTask {
  readonly index: number;
  /** Of all voters, in order. */
  readonly ids: readonly NodeId[];
  readonly ports: readonly number[];
  /** On the disk that is measured. */
  readonly folder: string;
}

export type Kind = "write" | "read";

/** What a load found. */
export interface LoadFound {
  readonly done: number;
  readonly failed: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** Of each answered request, milliseconds, sorted. */
  readonly latenciesMs: readonly number[];
}

export type Told =
  | {
      readonly type: "load";
      readonly kind: Kind;
      /** Requests under way at once. */
      readonly clients: number;
      readonly forMs: number;
    }
  /** Write one after the other, and tell of each that ends well, until told to stop. */
  | { readonly type: "probe" }
  | { readonly type: "stop-probe" }
  | { readonly type: "count" };

export type Heard =
  | { readonly type: "up" }
  | { readonly type: "leader"; readonly id: NodeId | undefined; readonly index: number }
  | { readonly type: "loaded"; readonly found: LoadFound }
  | {
      readonly type: "wrote";
      /** When the answer came, of the system's monotonic clock. */
      readonly atMs: number;
      /** When it was asked for. */
      readonly askedMs: number;
    }
  | { readonly type: "counted"; readonly fsyncs: number };

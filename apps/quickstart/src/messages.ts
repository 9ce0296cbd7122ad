/** What the conductor and its node processes tell each other, over Node's own IPC channel. */

export type ToNode =
  /** Start the distributed process. */
  | { readonly type: "start"; readonly journal: string }
  /** Keep calling and publishing until told to rest. */
  | { readonly type: "work" }
  /** Finish what is in flight, then answer `rested`. */
  | { readonly type: "rest" }
  | { readonly type: "leave" };

export type FromNode =
  | { readonly type: "up"; readonly name: string }
  | {
      readonly type: "membership";
      readonly event: string;
      readonly node: string;
      readonly nodes: number;
    }
  /** This node lists every expected node. */
  | { readonly type: "formed" }
  /** Its subscription is known to every publisher. */
  | { readonly type: "subscribed" }
  | { readonly type: "started" }
  | CallEnded
  | { readonly type: "received"; readonly total: number; readonly duplicates: number }
  | { readonly type: "rested" };

/** How one call ended, as the caller was told. */
export interface CallEnded {
  readonly type: "called";
  readonly id: string;
  /** `refused` promises that the call did not run; `unknown` promises nothing. */
  readonly outcome: "ok" | "unknown" | "refused";
  readonly code?: string;
  /** The process that ran it, when it answered. */
  readonly pid?: number;
}

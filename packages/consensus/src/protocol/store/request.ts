/** What the replicated store is asked for, and what it answers. Data only: it is in the log, and in a session's memory. */
import type { LeaseId, Revision, Transaction, TransactionResult } from "../../engine/engine.js";
import type { StoreLimits } from "./limits.js";

export type StoreRequest =
  | { readonly type: "txn"; readonly transaction: Transaction }
  | { readonly type: "grant"; readonly ttlMs: number }
  /** Several at once, so that many clients' renewals are one command. */
  | { readonly type: "keep"; readonly leases: readonly LeaseId[] }
  | { readonly type: "revoke"; readonly lease: LeaseId }
  | { readonly type: "compact"; readonly revision: Revision }
  | { readonly type: "limit"; readonly limits: StoreLimits };

export type StoreAnswer =
  | { readonly type: "txn"; readonly result: TransactionResult }
  | { readonly type: "granted"; readonly lease: LeaseId; readonly ttlMs: number }
  /** `ttlsMs` of those in the request, in its order; 0 for one that is not there. */
  | { readonly type: "kept"; readonly ttlsMs: readonly number[] }
  | { readonly type: "done" }
  | { readonly type: "refused"; readonly refusal: StoreRefusal };

/** Why nothing was changed. */
export type StoreRefusal =
  /** The bytes are no command that this version knows. */
  | { readonly reason: "malformed"; readonly problem: string }
  | {
      readonly reason: "invalid";
      readonly argument: string;
      readonly expected: string;
      readonly found: string;
    }
  | {
      readonly reason: "too-large";
      readonly what: string;
      readonly size: number;
      readonly limit: keyof StoreLimits;
      readonly max: number;
    }
  | {
      readonly reason: "full";
      readonly what: string;
      readonly limit: keyof StoreLimits;
      readonly max: number;
    }
  | { readonly reason: "lease-lost"; readonly lease: LeaseId }
  | {
      readonly reason: "compacted";
      readonly revision: Revision;
      readonly compactedRevision: Revision;
    };

/**
 * etcd's messages as they are decoded: 64-bit numbers are texts, since a lease's or a cluster's id does not fit a
 * JavaScript number; a message that is absent is null, an empty list is a list.
 */

export interface EtcdHeader {
  readonly cluster_id: string;
  readonly revision: string;
}

export interface EtcdKeyValue {
  readonly key: Uint8Array;
  readonly create_revision: string;
  readonly mod_revision: string;
  readonly version: string;
  readonly value: Uint8Array;
  readonly lease: string;
}

export interface EtcdRangeRequest {
  readonly key: Uint8Array;
  readonly range_end?: Uint8Array;
  readonly limit?: number;
  readonly revision?: number;
  /** From what the member has, without asking the others. */
  readonly serializable?: boolean;
  readonly keys_only?: boolean;
  readonly count_only?: boolean;
}

export interface EtcdRangeResponse {
  readonly header: EtcdHeader | null;
  readonly kvs: readonly EtcdKeyValue[];
  readonly count: string;
}

export interface EtcdRequestOp {
  readonly request_range?: EtcdRangeRequest;
  readonly request_put?: {
    readonly key: Uint8Array;
    readonly value: Uint8Array;
    readonly lease?: string;
    readonly prev_kv: boolean;
  };
  readonly request_delete_range?: {
    readonly key: Uint8Array;
    readonly range_end?: Uint8Array;
    readonly prev_kv: boolean;
  };
  readonly request_txn?: EtcdTxnRequest;
}

export interface EtcdResponseOp {
  readonly response_range?: EtcdRangeResponse | null;
  readonly response_put?: { readonly prev_kv: EtcdKeyValue | null } | null;
  readonly response_delete_range?: { readonly prev_kvs: readonly EtcdKeyValue[] } | null;
  readonly response_txn?: EtcdTxnResponse | null;
}

export interface EtcdCompare {
  readonly result: number;
  readonly target: number;
  readonly key: Uint8Array;
  readonly version?: number;
  readonly create_revision?: number;
  readonly mod_revision?: number;
  readonly value?: Uint8Array;
  readonly lease?: string;
}

export interface EtcdTxnRequest {
  readonly compare: readonly EtcdCompare[];
  readonly success: readonly EtcdRequestOp[];
  readonly failure: readonly EtcdRequestOp[];
}

export interface EtcdTxnResponse {
  readonly header: EtcdHeader | null;
  readonly succeeded: boolean;
  readonly responses: readonly EtcdResponseOp[];
}

export interface EtcdWatchRequest {
  readonly create_request: {
    readonly key: Uint8Array;
    readonly range_end?: Uint8Array;
    readonly start_revision: number;
    readonly progress_notify: boolean;
    readonly prev_kv: boolean;
    readonly fragment: boolean;
  };
}

export interface EtcdEvent {
  /** 0 is a put, 1 a deletion. */
  readonly type: number;
  readonly kv: EtcdKeyValue | null;
  readonly prev_kv: EtcdKeyValue | null;
}

export interface EtcdWatchResponse {
  readonly header: EtcdHeader | null;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: string;
  readonly cancel_reason: string;
  /** More of the same revisions follows. */
  readonly fragment: boolean;
  readonly events: readonly EtcdEvent[];
}

export interface EtcdLease {
  readonly header: EtcdHeader | null;
  readonly ID: string;
  /** Seconds; 0 when it is gone. */
  readonly TTL: string;
}

/** What every answer has. */
export interface EtcdAnswer {
  readonly header: EtcdHeader | null;
}

/** The calls that have one request and one answer. */
export interface EtcdCalls {
  readonly Range: { readonly request: EtcdRangeRequest; readonly answer: EtcdRangeResponse };
  readonly Txn: { readonly request: EtcdTxnRequest; readonly answer: EtcdTxnResponse };
  readonly Compact: {
    readonly request: { readonly revision: number };
    readonly answer: EtcdAnswer;
  };
  readonly LeaseGrant: { readonly request: { readonly TTL: number }; readonly answer: EtcdLease };
  readonly LeaseRevoke: { readonly request: { readonly ID: string }; readonly answer: EtcdAnswer };
  /** A stream of etcd's, used for one renewal: so each has its own outcome. */
  readonly LeaseKeepAlive: {
    readonly request: { readonly ID: string };
    readonly answer: EtcdLease;
  };
  readonly Authenticate: {
    readonly request: { readonly name: string; readonly password: string };
    readonly answer: EtcdAnswer & { readonly token: string };
  };
}

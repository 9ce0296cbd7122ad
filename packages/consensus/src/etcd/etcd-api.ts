/**
 * etcd's API, version 3: the part of `rpc.proto`, `kv.proto` that the engine uses, as data.
 *
 * Why as data: a `.proto` file would have to be found beside the built code; an object is simply there. Names and
 * numbers are etcd's; what is not listed is skipped by protobuf, so newer servers do no harm.
 */

type Fields = Readonly<Record<string, readonly [type: string, id: number, rule?: "repeated"]>>;

const MESSAGES = {
  ResponseHeader: { cluster_id: ["uint64", 1], revision: ["int64", 3] },
  RangeRequest: {
    key: ["bytes", 1],
    range_end: ["bytes", 2],
    limit: ["int64", 3],
    revision: ["int64", 4],
    serializable: ["bool", 7],
    keys_only: ["bool", 8],
    count_only: ["bool", 9],
  },
  RangeResponse: {
    header: ["ResponseHeader", 1],
    kvs: ["mvccpb.KeyValue", 2, "repeated"],
    count: ["int64", 4],
  },
  PutRequest: {
    key: ["bytes", 1],
    value: ["bytes", 2],
    lease: ["int64", 3],
    prev_kv: ["bool", 4],
  },
  PutResponse: { prev_kv: ["mvccpb.KeyValue", 2] },
  DeleteRangeRequest: { key: ["bytes", 1], range_end: ["bytes", 2], prev_kv: ["bool", 3] },
  DeleteRangeResponse: { prev_kvs: ["mvccpb.KeyValue", 3, "repeated"] },
  RequestOp: {
    request_range: ["RangeRequest", 1],
    request_put: ["PutRequest", 2],
    request_delete_range: ["DeleteRangeRequest", 3],
    request_txn: ["TxnRequest", 4],
  },
  ResponseOp: {
    response_range: ["RangeResponse", 1],
    response_put: ["PutResponse", 2],
    response_delete_range: ["DeleteRangeResponse", 3],
    response_txn: ["TxnResponse", 4],
  },
  Compare: {
    result: ["int32", 1],
    target: ["int32", 2],
    key: ["bytes", 3],
    version: ["int64", 4],
    create_revision: ["int64", 5],
    mod_revision: ["int64", 6],
    value: ["bytes", 7],
    lease: ["int64", 8],
  },
  TxnRequest: {
    compare: ["Compare", 1, "repeated"],
    success: ["RequestOp", 2, "repeated"],
    failure: ["RequestOp", 3, "repeated"],
  },
  TxnResponse: {
    header: ["ResponseHeader", 1],
    succeeded: ["bool", 2],
    responses: ["ResponseOp", 3, "repeated"],
  },
  CompactionRequest: { revision: ["int64", 1] },
  CompactionResponse: { header: ["ResponseHeader", 1] },
  WatchRequest: { create_request: ["WatchCreateRequest", 1] },
  WatchCreateRequest: {
    key: ["bytes", 1],
    range_end: ["bytes", 2],
    start_revision: ["int64", 3],
    progress_notify: ["bool", 4],
    prev_kv: ["bool", 6],
    fragment: ["bool", 8],
  },
  WatchResponse: {
    header: ["ResponseHeader", 1],
    created: ["bool", 3],
    canceled: ["bool", 4],
    compact_revision: ["int64", 5],
    cancel_reason: ["string", 6],
    fragment: ["bool", 7],
    events: ["mvccpb.Event", 11, "repeated"],
  },
  LeaseGrantRequest: { TTL: ["int64", 1], ID: ["int64", 2] },
  LeaseGrantResponse: { header: ["ResponseHeader", 1], ID: ["int64", 2], TTL: ["int64", 3] },
  LeaseRevokeRequest: { ID: ["int64", 1] },
  LeaseRevokeResponse: { header: ["ResponseHeader", 1] },
  LeaseKeepAliveRequest: { ID: ["int64", 1] },
  LeaseKeepAliveResponse: { header: ["ResponseHeader", 1], ID: ["int64", 2], TTL: ["int64", 3] },
  AuthenticateRequest: { name: ["string", 1], password: ["string", 2] },
  AuthenticateResponse: { header: ["ResponseHeader", 1], token: ["string", 2] },
} as const satisfies Record<string, Fields>;

const VALUES = {
  KeyValue: {
    key: ["bytes", 1],
    create_revision: ["int64", 2],
    mod_revision: ["int64", 3],
    version: ["int64", 4],
    value: ["bytes", 5],
    lease: ["int64", 6],
  },
  Event: { type: ["int32", 1], kv: ["KeyValue", 2], prev_kv: ["KeyValue", 3] },
} as const satisfies Record<string, Fields>;

const SERVICES = {
  KV: {
    Range: { requestType: "RangeRequest", responseType: "RangeResponse" },
    Txn: { requestType: "TxnRequest", responseType: "TxnResponse" },
    Compact: { requestType: "CompactionRequest", responseType: "CompactionResponse" },
  },
  Lease: {
    LeaseGrant: { requestType: "LeaseGrantRequest", responseType: "LeaseGrantResponse" },
    LeaseRevoke: { requestType: "LeaseRevokeRequest", responseType: "LeaseRevokeResponse" },
    LeaseKeepAlive: {
      requestType: "LeaseKeepAliveRequest",
      requestStream: true,
      responseType: "LeaseKeepAliveResponse",
      responseStream: true,
    },
  },
  Watch: {
    Watch: {
      requestType: "WatchRequest",
      requestStream: true,
      responseType: "WatchResponse",
      responseStream: true,
    },
  },
  Auth: {
    Authenticate: { requestType: "AuthenticateRequest", responseType: "AuthenticateResponse" },
  },
} as const;

/** In the form that protobufjs reads (`Root.fromJSON`). */
export function etcdApi(): { nested: Record<string, object> } {
  const services = Object.entries(SERVICES).map(([name, methods]) => [name, { methods }] as const);
  const messages = Object.entries(MESSAGES).map(([name, fields]) => [name, messageOf(fields)]);
  const values = Object.entries(VALUES).map(([name, fields]) => [name, messageOf(fields)]);
  return {
    nested: {
      mvccpb: { nested: Object.fromEntries(values) },
      etcdserverpb: { nested: Object.fromEntries([...messages, ...services]) },
    },
  };
}

function messageOf(fields: Fields): object {
  const described = Object.entries(fields).map(([name, [type, id, rule]]) => [
    name,
    rule === undefined ? { type, id } : { type, id, rule },
  ]);
  return { fields: Object.fromEntries(described) };
}

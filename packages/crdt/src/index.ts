/**
 * @foundation/crdt: replicated state. Grouped, alphabetical; written by hand, because what stands
 * here is the public surface.
 */

// errors and limits
export { crdtErrors } from "./errors.js";
export { CAUSAL_LIMITS, MAP_LIMITS, OWNED_LIMITS } from "./limits.js";
export type { CausalLimits, MapLimits, OwnedLimits } from "./limits.js";

// replicated state of all types
export type { WriteStamp } from "./protocol/types/lww.js";
export type { LeafKind } from "./protocol/types/paths.js";
export type {
  ChangeStreamOptions,
  StateHandle,
  StateOptions,
} from "./runtime/causal/causal-store.js";
export { createReplicatedMap } from "./runtime/create-replicated-map.js";
export type { ReplicatedMapOptions } from "./runtime/create-replicated-map.js";
export { createState } from "./runtime/create-state.js";
export type { CreateStateOptions, FlagOptions, ReplicatedState } from "./runtime/create-state.js";
export type { BoundedCounter } from "./runtime/faces/bounded-counter.js";
export type { Counter, CounterChange, GrowCounter } from "./runtime/faces/counters.js";
export type { Flag, FlagChange, FlagWins } from "./runtime/faces/flag.js";
export type {
  NestedChange,
  NestedCounter,
  NestedFlag,
  NestedMap,
  NestedRegister,
  NestedSet,
  NestedValues,
} from "./runtime/faces/nested-map.js";
export type {
  MultiRegister,
  MultiRegisterChange,
  Register,
  RegisterChange,
} from "./runtime/faces/registers.js";
export type {
  MapBatch,
  ReplicatedMap,
  StateMapChange,
  WriteOptions,
} from "./runtime/faces/replicated-map.js";
export type { ReplicatedSet, SetBatch, SetChange } from "./runtime/faces/replicated-set.js";

// documents
export type {
  Document,
  DocumentChange,
  DocumentPatch,
  SyncedOptions,
} from "./documents/document.js";
export { createDocuments } from "./documents/documents.js";
export type { Documents, DocumentsOptions, OpenOptions } from "./documents/documents.js";

// multi-writer maps with an order of their own
export type { MapChange } from "./protocol/versioned/inputs.js";
export { createVersionedMap } from "./runtime/versioned-map.js";
export type {
  ChangesOptions,
  MapOptions,
  VersionedMap,
  VersionedMapOptions,
} from "./runtime/versioned-map.js";

// owner-sharded state
export type { OwnedChange } from "./protocol/owned/inputs.js";
export { createOwnedStore } from "./runtime/owned-store.js";
export type {
  Claim,
  OwnedStore,
  OwnedStoreOptions,
  VisibleOptions,
} from "./runtime/owned-store.js";

// what every store takes
export type { ReplicationOptions, ReplicationPorts } from "./runtime/replication.js";

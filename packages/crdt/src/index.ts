/**
 * @foundation/crdt: replicated state. Grouped, alphabetical; written by hand, because what stands
 * here is the public surface.
 */

// errors and limits
export { crdtErrors } from "./errors.js";
export { MAP_LIMITS, OWNED_LIMITS } from "./limits.js";
export type { MapLimits, OwnedLimits } from "./limits.js";

// multi-writer maps
export type { LwwStamp } from "./protocol/lww-map.js";
export type { MapChange } from "./protocol/versioned/inputs.js";
export { createLwwMap } from "./runtime/lww-map.js";
export type { LwwBatch, LwwChange, LwwMap } from "./runtime/lww-map.js";
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

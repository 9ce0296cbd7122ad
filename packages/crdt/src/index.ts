/**
 * @foundation/crdt: replicated state. Grouped, alphabetical; written by hand, because what stands
 * here is the public surface.
 */

// errors and limits
export { crdtErrors } from "./errors.js";
export { MAP_LIMITS, OWNED_LIMITS } from "./limits.js";
export type { MapLimits, OwnedLimits } from "./limits.js";

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

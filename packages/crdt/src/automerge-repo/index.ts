/**
 * @foundation/crdt/automerge-repo: a Foundation cluster as automerge-repo's network, and a node's data directory as its
 * storage. Needs `@automerge/automerge-repo`, an optional peer.
 */
export { ClusterNetworkAdapter } from "./network-adapter.js";
export type { ClusterNetworkAdapterOptions } from "./network-adapter.js";
export { DataDirectoryStorageAdapter } from "./storage-adapter.js";
export type { DataDirectoryStorageAdapterOptions } from "./storage-adapter.js";

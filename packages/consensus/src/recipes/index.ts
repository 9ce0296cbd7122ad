/**
 * @foundation/consensus/recipes: what applications do with an engine, without the engines: small enough to be loaded by
 * a node before it knows whether it needs one. Written by hand, because what stands here is the public surface.
 */
export { rangeOf } from "../engine/engine.js";
export type {
  Engine,
  KeyRange,
  Watch,
  WatchBatch,
  WatchOptions,
} from "../engine/engine.js";
export type { Barriers } from "./barriers.js";
export type { ClusterConfig } from "./cluster-config.js";
export type { Elections } from "./elections/elections.js";
export type { Kv } from "./kv/kv.js";
export type { Locks } from "./locks/locks.js";
export type { Semaphores } from "./locks/semaphores.js";
export { createRecipes } from "./recipes.js";
export type { Recipes } from "./recipes.js";
export type { Sequences } from "./sequences.js";

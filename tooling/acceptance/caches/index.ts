/** Caches of a whole cluster under all faults: what plays them. */
export { playCaches } from "./play-caches.js";
export type { CachesPlayed, PlayCachesOptions } from "./play-caches.js";
export { keptSeeds } from "./kept-seeds.js";

/** Placement: which node a key belongs to. */
export { hashRing } from "./hash-ring.js";
export type { HashRingOptions } from "./hash-ring.js";
export { leastLoaded } from "./least-loaded.js";
export type { Candidate, Placement } from "./placement.js";
export { rendezvous } from "./rendezvous.js";
export { localPlacement, pinned, randomPlacement } from "./simple-placements.js";

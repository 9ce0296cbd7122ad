/** Groups of consensus cores under faults: `npm run sim -- consensus` plays them. */
export { deeds } from "./deeds.js";
export { playConsensus } from "./play-consensus.js";
export type { ConsensusOrder, ConsensusPlayed } from "./play-consensus.js";
export { shorten } from "./shorten.js";
export type { Shortened } from "./shorten.js";

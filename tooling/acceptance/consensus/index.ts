/** Groups of consensus cores under faults: `npm run sim -- consensus` plays them. */
export { playConsensus } from "./play-consensus.js";
export type { ConsensusOrder, ConsensusPlayed } from "./play-consensus.js";

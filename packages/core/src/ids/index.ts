export { createBoot, createNodeId, isBoot, isNodeId, parseBoot, parseNodeId } from "./node-id.js";
export type { Boot, NodeId } from "./node-id.js";
export {
  compareHybridTimestamps,
  HYBRID_COUNTER_MAX,
  HYBRID_WALL_MS_MAX,
  HybridLogicalClock,
  isHybridTimestamp,
} from "./hybrid-logical-clock.js";
export type { HybridTimestamp } from "./hybrid-logical-clock.js";

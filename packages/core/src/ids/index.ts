export { createBoot, createNodeId, isBoot, isNodeId, parseBoot, parseNodeId } from "./node-id.js";
export type { Boot, NodeId } from "./node-id.js";

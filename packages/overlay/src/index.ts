/**
 * @foundation/overlay: authenticated links between nodes, named channels, messages and requests,
 * and who is a member.
 */

// overlay
export { createOverlay } from "./create-overlay.js";
export type { Overlay, TopologyListener } from "./overlay.js";
export type { ChannelOptions, Delivery, Overflow, Priority } from "./channel-options.js";
export type { OverlayOptions } from "./overlay-options.js";
export type { PartitionEvent } from "./membership/partitions.js";
export type { PeerExplanation } from "./protocol/membership/explanation.js";
export type { PresetName } from "./presets.js";
export type {
  ClientLinkMode,
  Lack,
  TopologyCapabilities,
  TopologyFeature,
} from "./protocol/switching/capabilities.js";
export { isTopologyName } from "./protocol/switching/topologies.js";
export type { TopologyMode, TopologyName } from "./protocol/switching/topologies.js";
export type { PingOptions } from "./runtime/link-ping.js";
export type { LinkStats } from "./runtime/link-stats.js";
export type { RefusalCount } from "./runtime/refusals.js";

// errors
export { overlayErrors } from "./errors.js";
export type { RefusalDetails } from "./errors.js";

// transport
export { isLoopback } from "./websocket/hosts.js";
export type { OnRefused, Refused, RefusedCode, RefusedConnection } from "./websocket/refused.js";
export { namesCluster } from "./websocket/transport-tls.js";
export type { NodeCertificates, Pem, TransportTls } from "./websocket/transport-tls.js";
export { websocketTransport } from "./websocket/websocket-transport.js";
export type {
  WebSocketTransport,
  WebSocketTransportOptions,
} from "./websocket/websocket-transport.js";

/**
 * @foundation/pubsub: typed publish and subscribe between nodes. Grouped, alphabetical; written by
 * hand, because what stands here is the public surface.
 */

// adapters
export { overlayPubSub } from "./overlay/overlay-pubsub.js";
export type { PubSubAdapterFactory } from "./overlay/overlay-pubsub.js";

// errors and limits
export { pubsubErrors } from "./errors.js";
export { PUBSUB_LIMITS } from "./limits.js";
export type { PubSubLimits } from "./limits.js";

// publish and subscribe
export type { PubSubPorts } from "./runtime/ports.js";
export { createPubSub } from "./runtime/pubsub.js";
export type {
  PubSub,
  PubSubInfo,
  PubSubOptions,
  SubscribeOptions,
  Subscription,
  TopicMessage,
} from "./runtime/pubsub.js";

// topics
export { defineTopic } from "./topic.js";
export type { StandardResult, StandardSchema, Topic } from "./topic.js";

/** Every limit of @foundation/pubsub, with its name. */

/** Limits of one node's publish and subscribe. */
export interface PubSubLimits {
  /** Subscriptions open on this node. */
  readonly subscriptionsMax: number;
  /** Messages kept for a slow subscriber unless it says otherwise. */
  readonly bufferMessages: number;
}

export const PUBSUB_LIMITS: PubSubLimits = {
  subscriptionsMax: 100_000,
  bufferMessages: 1_000,
};

/** UTF-8 size of a topic or a pattern. */
export const TOPIC_BYTES_MAX = 512;

/** Segments of a topic or a pattern: also the depth of the trie. */
export const TOPIC_SEGMENTS_MAX = 32;

/** Topics whose receivers are remembered between changes of interest. */
export const PLANS_MAX = 10_000;

/**
 * A member whose interest has not arrived yet is sent everything for this long, so that nothing is
 * missed while it does; after it, silence means that the member has no subscribers at all.
 */
export const UNKNOWN_INTEREST_MS = 10_000;

/** `ready()` waits this long unless told otherwise, milliseconds. */
export const READY_TIMEOUT_MS = 10_000;

/** Warnings name at most this many topics one by one. */
export const WARNED_TOPICS_MAX = 1_000;

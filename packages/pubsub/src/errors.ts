/** Every error code of @foundation/pubsub. docs/errors.md is generated from here. */
import { defineErrors, error } from "@foundation/core";

export const pubsubErrors = defineErrors({
  ERR_TOPIC_INVALID: error<{ readonly topic: string; readonly problem: string }>({
    summary: "A topic or a pattern is not well formed.",
    fix: 'Use segments split by ".", as in "orders.placed"; "*" and ">" only in patterns.',
    retryable: false,
  }),
  ERR_TOO_MANY_SUBSCRIPTIONS: error<{ readonly limit: number }>({
    summary: "A node has as many open subscriptions as its limit allows.",
    fix: "Close subscriptions that are no longer read, or raise limits.subscriptionsMax.",
    retryable: true,
  }),
});

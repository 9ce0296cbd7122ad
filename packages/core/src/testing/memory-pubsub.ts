/** MemoryPubSub: the twin of PubSubAdapter: one hub, an adapter for each node. */
import { createCodec } from "../codec/codec.js";
import type { NodeId } from "../ids/node-id.js";
import type { Clock } from "../ports/clock.js";
import type { PubSubAdapter, PubSubMessage, PubSubSubscription } from "../ports/pubsub-adapter.js";

export interface MemoryPubSubOptions {
  readonly clock: Clock;
  /** One-way latency in milliseconds, also until a new subscription is known everywhere. @default 1 */
  readonly latencyMs?: number;
}

/** A hub in memory. */
export interface MemoryPubSub {
  /** The adapter of one node. */
  adapter(node: NodeId): PubSubAdapter;
}

interface Subscription {
  readonly pattern: readonly string[];
  readonly deliver: (message: PubSubMessage) => void;
  readonly knownMs: number;
  open: boolean;
}

/** A hub that carries topics between the adapters made by it. */
export function memoryPubSub(options: MemoryPubSubOptions): MemoryPubSub {
  const { clock, latencyMs = 1 } = options;
  const codec = createCodec();
  const subscriptions = new Set<Subscription>();

  const publish = (from: NodeId, topic: string, payload: unknown): void => {
    const bytes = codec.encode(payload);
    const segments = topic.split(".");
    const known = [...subscriptions].filter(
      ({ pattern, knownMs }) => knownMs <= clock.now() && matches(pattern, segments),
    );
    clock.setTimer(latencyMs, () => {
      for (const { open, deliver } of known.filter((subscription) => subscription.open)) {
        if (open) deliver({ topic, payload: codec.decode(bytes), from });
      }
    });
  };

  const subscribe = (pattern: string, deliver: Subscription["deliver"]): Subscription => {
    const knownMs = clock.now() + latencyMs;
    const subscription = { pattern: pattern.split("."), deliver, knownMs, open: true };
    subscriptions.add(subscription);
    return subscription;
  };

  const end = (subscription: Subscription): void => {
    subscription.open = false;
    subscriptions.delete(subscription);
  };

  return {
    adapter: (node) => {
      const own = new Set<Subscription>();
      return {
        name: "memory",
        publish: (topic, payload) => publish(node, topic, payload),
        subscribe: (pattern, deliver): PubSubSubscription => {
          const subscription = subscribe(pattern, deliver);
          own.add(subscription);
          return {
            ready: (ready) => clock.sleep(Math.max(0, subscription.knownMs - clock.now()), ready),
            close: () => {
              own.delete(subscription);
              end(subscription);
            },
          };
        },
        close: async () => {
          for (const subscription of own) end(subscription);
          own.clear();
        },
      };
    },
  };
}

/** `*` stands for one segment, `>` as the last for one or more. */
function matches(pattern: readonly string[], topic: readonly string[]): boolean {
  for (const [i, segment] of pattern.entries()) {
    if (segment === ">" && i === pattern.length - 1) return topic.length > i;
    if (i >= topic.length || (segment !== "*" && segment !== topic[i])) return false;
  }
  return pattern.length === topic.length;
}

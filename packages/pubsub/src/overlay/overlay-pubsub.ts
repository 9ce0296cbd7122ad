/**
 * overlayPubSub: topics carried by the cluster's own messenger, only to nodes with a subscriber.
 *
 * Every node keeps the patterns it has subscribers for in an owner-sharded store ("interest"), so
 * each publisher knows whom a topic concerns; a node without matching subscribers gets nothing. A
 * payload is encoded once and travels as bytes; each subscription decodes a copy of its own.
 *
 * Order: the topic is the partition key on the channel `events`, so messages of one publisher on
 * one topic stay in order under any number of lanes. A full link loses the message for that node
 * only, counted and logged: a publisher is never held up by its slowest reader.
 */
import { createCodec } from "@foundation/core";
import type { Codec, InboundMessage, NodeId, Route } from "@foundation/core";
import type { PubSubAdapter, PubSubMessage, PubSubSubscription } from "@foundation/core/ports";
import { createOwnedStore, type OwnedStore } from "@foundation/crdt";
import { PLANS_MAX, UNKNOWN_INTEREST_MS } from "../limits.js";
import { parsePattern, parseTopic } from "../protocol/topic-name.js";
import { TopicTrie } from "../protocol/topic-trie.js";
import type { PubSubPorts, ResolvedPubSubPorts } from "../runtime/ports.js";
import { resolvePorts } from "../runtime/ports.js";

/** Makes an adapter for one node. */
export type PubSubAdapterFactory = (ports: PubSubPorts) => PubSubAdapter;

/**
 * The default adapter: the overlay itself carries the topics.
 *
 * @example
 * ```ts
 * import { createPubSub, overlayPubSub, type PubSubPorts } from "@foundation/pubsub"
 *
 * export const open = (ports: PubSubPorts) => createPubSub({ ...ports, adapter: overlayPubSub() })
 * ```
 */
export function overlayPubSub(): PubSubAdapterFactory {
  return (ports) => new OverlayPubSub(resolvePorts(ports));
}

const CHANNEL = "events";
const SUBJECT = "pubsub.deliver";
/** `ready()` has no time of its own: the caller's signal ends it. */
const READY_MAX = "1d";

interface LocalSubscription {
  readonly pattern: string;
  readonly segments: readonly string[];
  readonly deliver: (message: PubSubMessage) => void;
}

class OverlayPubSub implements PubSubAdapter {
  readonly name = "overlay";
  readonly #ports: ResolvedPubSubPorts;
  readonly #codec: Codec = createCodec();
  readonly #interest: OwnedStore<true>;
  readonly #local = new TopicTrie<LocalSubscription>();
  /** How many local subscriptions each pattern has: one interest for all of them. */
  readonly #patterns = new Map<string, number>();
  readonly #remote = new TopicTrie<NodeId>();
  /** Routes for each topic to the nodes that want it, until interest or membership changes. */
  readonly #plans = new Map<string, readonly Route[]>();
  /** Members whose interest has not arrived yet, and since when we know them. */
  readonly #strangers = new Map<NodeId, number>();
  readonly #ends: (() => void)[] = [];
  readonly #open = new Set<LocalSubscription>();
  readonly #dropped: { add(count?: number): void };
  readonly #malformed: { add(count?: number): void };
  #drops = 0;
  #closed = false;

  constructor(ports: ResolvedPubSubPorts) {
    this.#ports = ports;
    const { messenger, membership, broadcast, runtime } = ports;
    this.#dropped = runtime.meter.counter(
      "pubsub_link_dropped_total",
      "Published messages that found no room on the link to one node",
    );
    this.#malformed = runtime.meter.counter(
      "pubsub_malformed_total",
      "Messages of other nodes that were no topic messages",
    );
    // Not `...ports`: what a caller passed beside them is not meant for the store.
    this.#interest = createOwnedStore<true>({
      name: "interest",
      messenger,
      membership,
      broadcast,
      runtime,
    });
    this.#ends.push(
      this.#interest.subscribe((change) => {
        if (change.owner === membership.self.id) return;
        this.#learn(change.type === "removed", change.key, change.owner);
      }),
    );
    this.#ends.push(messenger.handle(SUBJECT, (message) => this.#receive(message)));
    for (const { id } of membership.members()) this.#meet(id);
    this.#ends.push(
      membership.subscribe((event) => {
        const { type, node } = event;
        // A suspicion that passed is no return: whoever was silent before stays so.
        if (type === "node-up" && event.previous !== "suspect") this.#meet(node.id);
        else if (type === "node-down" || type === "node-left") this.#strangers.delete(node.id);
        this.#plans.clear();
      }),
    );
  }

  publish(topic: string, payload: unknown): void {
    if (this.#closed) return;
    const segments = parseTopic(topic);
    const bytes = this.#codec.encode(payload);
    const { messenger, membership } = this.#ports;
    for (const route of this.#plan(topic, segments)) {
      const outcome = messenger.trySend(route, [topic, bytes]);
      if (outcome !== "accepted") this.#drop(route, outcome);
    }
    this.#deliver(topic, segments, bytes, membership.self.id);
  }

  subscribe(pattern: string, deliver: (message: PubSubMessage) => void): PubSubSubscription {
    const subscription = { pattern, segments: parsePattern(pattern), deliver };
    const count = this.#patterns.get(pattern) ?? 0;
    if (count === 0) this.#interest.set(pattern, true);
    this.#patterns.set(pattern, count + 1);
    this.#local.add(subscription.segments, subscription);
    this.#open.add(subscription);
    return {
      ready: ({ signal } = {}) => this.#interest.visible({ signal, timeout: READY_MAX }),
      close: () => this.#end(subscription),
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const end of this.#ends.splice(0)) end();
    for (const subscription of this.#open) this.#local.remove(subscription.segments, subscription);
    this.#open.clear();
    await this.#interest.close();
  }

  #end(subscription: LocalSubscription): void {
    if (!this.#open.delete(subscription)) return;
    this.#local.remove(subscription.segments, subscription);
    const { pattern } = subscription;
    const count = (this.#patterns.get(pattern) ?? 1) - 1;
    if (count > 0) this.#patterns.set(pattern, count);
    else {
      this.#patterns.delete(pattern);
      this.#interest.delete(pattern);
    }
  }

  /** Another node has begun or ceased to want a pattern. */
  #learn(isGone: boolean, pattern: string, owner: NodeId): void {
    let segments: readonly string[];
    try {
      segments = parsePattern(pattern);
    } catch {
      this.#malformed.add();
      return;
    }
    if (isGone) this.#remote.remove(segments, owner);
    else this.#remote.add(segments, owner);
    this.#plans.clear();
  }

  #meet(id: NodeId): void {
    if (id === this.#ports.membership.self.id || this.#strangers.has(id)) return;
    this.#strangers.set(id, this.#ports.runtime.clock.now());
  }

  /** Where a topic goes. While some member's interest is unknown the plan is not kept. */
  #plan(topic: string, segments: readonly string[]): readonly Route[] {
    const kept = this.#plans.get(topic);
    if (kept !== undefined) return kept;
    const { membership, runtime } = this.#ports;
    const nodes = new Set(this.#remote.match(segments));
    for (const [id, sinceMs] of this.#strangers) {
      const isOver = runtime.clock.now() - sinceMs >= UNKNOWN_INTEREST_MS;
      if (isOver || this.#interest.knows(id)) this.#strangers.delete(id);
      else if (membership.member(id) !== undefined) nodes.add(id);
    }
    const routes = Array.from(nodes, (to): Route => {
      return { to, channel: CHANNEL, subject: SUBJECT, key: topic };
    });
    if (this.#strangers.size > 0) return routes;
    if (this.#plans.size >= PLANS_MAX) this.#plans.clear();
    this.#plans.set(topic, routes);
    return routes;
  }

  #receive({ payload, from }: InboundMessage): void {
    const [topic, bytes] = (Array.isArray(payload) ? payload : []) as readonly unknown[];
    if (typeof topic !== "string" || !(bytes instanceof Uint8Array)) {
      this.#malformed.add();
      return;
    }
    try {
      this.#deliver(topic, parseTopic(topic), bytes, from);
    } catch (error) {
      this.#malformed.add();
      const { logger } = this.#ports.runtime;
      logger.warn("A published message could not be read", {
        topic: topic.slice(0, 80),
        from,
        error,
      });
    }
  }

  #deliver(topic: string, segments: readonly string[], bytes: Uint8Array, from: NodeId): void {
    for (const subscription of this.#local.match(segments)) {
      if (!this.#open.has(subscription)) continue;
      subscription.deliver({ topic, payload: this.#codec.decode(bytes), from });
    }
  }

  /** The message is lost for one node: counted, and logged with growing gaps. */
  #drop({ to, key }: Route, outcome: string): void {
    this.#dropped.add();
    this.#drops += 1;
    if ((this.#drops & (this.#drops - 1)) !== 0) return;
    const { logger } = this.#ports.runtime;
    logger.warn("A published message was lost for one node", {
      topic: key,
      to,
      outcome,
      lost: this.#drops,
    });
  }
}

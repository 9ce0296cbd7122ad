/**
 * createPubSub: typed topics over an adapter.
 *
 * The adapter carries; here are types, schemas, and the bounded stream of each subscription, so a
 * subscriber that does not read costs its buffer and nobody else anything.
 */
import { boundedStream, coreErrors, parseDuration, resolveLimits } from "@foundation/core";
import type { BoundedStream, Duration, NodeId, Overflow } from "@foundation/core";
import type { PubSubAdapter, PubSubMessage, PubSubSubscription } from "@foundation/core/ports";
import { pubsubErrors } from "../errors.js";
import {
  PUBSUB_LIMITS,
  READY_TIMEOUT_MS,
  WARNED_TOPICS_MAX,
  type PubSubLimits,
} from "../limits.js";
import { overlayPubSub, type PubSubAdapterFactory } from "../overlay/overlay-pubsub.js";
import { parsePattern, parseTopic } from "../protocol/topic-name.js";
import type { StandardSchema, Topic } from "../topic.js";
import { resolvePorts, type PubSubPorts, type ResolvedPubSubPorts } from "./ports.js";

/** One message as a subscriber gets it. */
export interface TopicMessage<T> {
  readonly data: T;
  /** The node that published it. */
  readonly from: NodeId;
  readonly topic: string;
}

export interface SubscribeOptions {
  /** Ends the subscription: the loop ends without an error, what is buffered is gone. */
  readonly signal?: AbortSignal | undefined;
  /** Messages kept while the subscriber is busy. @default 1_000 */
  readonly buffer?: number | undefined;
  /** What happens when the buffer is full. @default "drop-oldest" */
  readonly overflow?: Overflow | undefined;
}

/** Messages of a topic or a pattern, in order for each publisher and topic. */
export interface Subscription<T> extends AsyncIterable<TopicMessage<T>>, AsyncDisposable {
  /** Messages given up because the subscriber was too slow. */
  readonly dropped: number;
  /**
   * Resolves when every current member knows of this subscription.
   * @throws {ERR_TIMEOUT} after `timeout` (default "10s"). @throws {ERR_ABORTED} @throws {ERR_CLOSED}
   */
  ready(options?: {
    readonly signal?: AbortSignal | undefined;
    readonly timeout?: Duration | undefined;
  }): Promise<void>;
  /** Ends it; what is buffered is gone. Idempotent. */
  close(): Promise<void>;
}

/** Publish and subscribe on one node. */
export interface PubSub extends AsyncDisposable {
  /**
   * Sends a message to every subscription on any node, at most once each.
   * @throws {ERR_NOT_ENCODABLE} @throws {ERR_TOPIC_INVALID} @throws {ERR_QUEUE_FULL} by an adapter.
   * @throws {ERR_CLOSED}
   */
  publish<T>(topic: Topic<T>, data: NoInfer<T>): void;
  publish(topic: string, data: unknown): void;
  /**
   * Subscribes to a topic, or to a pattern: `*` is one segment, `>` at the end one or more.
   * @throws {ERR_TOPIC_INVALID} @throws {ERR_TOO_MANY_SUBSCRIPTIONS} @throws {ERR_INVALID_ARGUMENT}
   * @throws {ERR_CLOSED}
   */
  subscribe<T>(topic: Topic<T>, options?: SubscribeOptions): Subscription<T>;
  subscribe(pattern: string, options?: SubscribeOptions): Subscription<unknown>;
  info(): PubSubInfo;
  /** Ends every subscription and the adapter. Idempotent. */
  close(): Promise<void>;
}

/** Counts since the start. */
export interface PubSubInfo {
  readonly adapter: string;
  /** Open subscriptions. */
  readonly subscriptions: number;
  readonly published: number;
  /** Messages put into a subscription's buffer. */
  readonly delivered: number;
  /** Messages given up because a subscriber was too slow. */
  readonly dropped: number;
  /** Messages a topic's schema refused. */
  readonly invalid: number;
}

export interface PubSubOptions extends PubSubPorts {
  /** What carries the topics. @default overlayPubSub() */
  readonly adapter?: PubSubAdapter | PubSubAdapterFactory | undefined;
  readonly limits?: Partial<PubSubLimits> | undefined;
}

/**
 * Opens publish and subscribe on this node.
 *
 * @throws {ERR_INVALID_ARGUMENT} a limit is not an integer of at least 1, or is none
 *
 * @example
 * ```ts
 * import { createPubSub, defineTopic, type PubSubPorts } from "@foundation/pubsub"
 *
 * const orderPlaced = defineTopic<{ id: string; cents: number }>("orders.placed")
 *
 * export async function follow(ports: PubSubPorts, signal: AbortSignal) {
 *   await using pubsub = createPubSub(ports)
 *   const orders = pubsub.subscribe(orderPlaced, { signal })
 *   await orders.ready()
 *   pubsub.publish(orderPlaced, { id: "o-1", cents: 1299 })
 *   for await (const { data, from } of orders) console.log(data.id, from)
 * }
 * ```
 */
export function createPubSub(options: PubSubOptions): PubSub {
  return new PubSubShell(resolvePorts(options));
}

interface Counters {
  published: number;
  delivered: number;
  dropped: number;
  invalid: number;
}

class PubSubShell implements PubSub {
  readonly #options: PubSubOptions & ResolvedPubSubPorts;
  readonly #limits: PubSubLimits;
  readonly #adapter: PubSubAdapter;
  readonly #subscriptions = new Set<TopicSubscription<unknown>>();
  readonly #warned = new Set<string>();
  readonly #counters: Counters = { published: 0, delivered: 0, dropped: 0, invalid: 0 };
  readonly #meters: Readonly<Record<keyof Counters, { add(count?: number): void }>>;
  #closed = false;

  constructor(options: PubSubOptions & ResolvedPubSubPorts) {
    this.#options = options;
    this.#limits = resolveLimits(PUBSUB_LIMITS, options.limits);
    const { adapter = overlayPubSub(), runtime } = options;
    const { meter } = runtime;
    this.#meters = {
      published: meter.counter("pubsub_published_total", "Messages published on this node"),
      delivered: meter.counter("pubsub_delivered_total", "Messages buffered for a subscriber"),
      dropped: meter.counter("pubsub_dropped_total", "Messages lost to slow subscribers"),
      invalid: meter.counter("pubsub_invalid_total", "Messages refused by their topic's schema"),
    };
    this.#adapter = typeof adapter === "function" ? adapter(options) : adapter;
  }

  publish<T>(topic: Topic<T> | string, data: unknown): void {
    this.#assertOpen();
    const name = typeof topic === "string" ? topic : topic.name;
    parseTopic(name);
    this.#adapter.publish(name, data);
    this.#count("published");
  }

  subscribe<T>(topic: Topic<T> | string, options: SubscribeOptions = {}): Subscription<T> {
    this.#assertOpen();
    const pattern = typeof topic === "string" ? topic : topic.name;
    parsePattern(pattern);
    const { subscriptionsMax, bufferMessages } = this.#limits;
    if (this.#subscriptions.size >= subscriptionsMax) {
      throw pubsubErrors.ERR_TOO_MANY_SUBSCRIPTIONS(
        `${subscriptionsMax} subscriptions are open on this node, its limit; ` +
          `close some or raise limits.subscriptionsMax`,
        { limit: subscriptionsMax },
      );
    }
    const schema = typeof topic === "string" ? undefined : topic.schema;
    // Declared first: a signal that has fired ends the stream while it is made.
    let subscription: TopicSubscription<T> | undefined;
    const stream = boundedStream<TopicMessage<T>>({
      buffer: options.buffer ?? bufferMessages,
      overflow: options.overflow,
      signal: options.signal,
      name: `subscription to "${pattern}"`,
      onDrop: () => this.#count("dropped"),
      onEnd: () => subscription?.end(),
    });
    const deliver = (message: PubSubMessage) => this.#deliver(message, stream, schema);
    const made = new TopicSubscription<T>(stream, this.#options.runtime.clock, pattern);
    if (stream.ended) return made;
    subscription = made;
    made.begin(this.#adapter.subscribe(pattern, deliver), () => {
      this.#subscriptions.delete(made as TopicSubscription<unknown>);
    });
    this.#subscriptions.add(made as TopicSubscription<unknown>);
    return made;
  }

  info(): PubSubInfo {
    const subscriptions = this.#subscriptions.size;
    return { adapter: this.#adapter.name, subscriptions, ...this.#counters };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const subscription of this.#subscriptions) await subscription.close();
    await this.#adapter.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #deliver<T>(
    { topic, payload, from }: PubSubMessage,
    stream: BoundedStream<TopicMessage<T>>,
    schema: StandardSchema<T> | undefined,
  ): void {
    const checked = schema === undefined ? { data: payload as T } : check(schema, payload);
    if ("problem" in checked) {
      this.#refuse(topic, from, checked.problem);
      return;
    }
    if (stream.push({ data: checked.data, from, topic })) this.#count("delivered");
  }

  /** What a schema refuses is counted each time and logged once a topic. */
  #refuse(topic: string, from: NodeId, problem: string): void {
    this.#count("invalid");
    if (this.#warned.has(topic) || this.#warned.size >= WARNED_TOPICS_MAX) return;
    this.#warned.add(topic);
    const { logger } = this.#options.runtime;
    logger.warn("A message does not fit its topic's schema and was dropped", {
      topic,
      from,
      problem,
    });
  }

  #count(what: keyof Counters): void {
    this.#counters[what] += 1;
    this.#meters[what].add();
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw coreErrors.ERR_CLOSED("Publish and subscribe was closed on this node", {
      what: "pubsub",
    });
  }
}

function check<T>(
  schema: StandardSchema<T>,
  payload: unknown,
): { readonly data: T } | { readonly problem: string } {
  try {
    const result = schema["~standard"].validate(payload);
    if (result instanceof Promise) {
      result.catch(() => undefined);
      return { problem: "the schema validates asynchronously, which would break the order" };
    }
    if (result.issues === undefined) return { data: result.value };
    return {
      problem: result.issues
        .slice(0, 3)
        .map(({ message }) => message)
        .join("; "),
    };
  } catch (error) {
    return { problem: `the schema threw ${String(error)}` };
  }
}

class TopicSubscription<T> implements Subscription<T> {
  readonly #stream: BoundedStream<TopicMessage<T>>;
  readonly #clock: ResolvedPubSubPorts["runtime"]["clock"];
  readonly #pattern: string;
  readonly #ending = new AbortController();
  #carried: PubSubSubscription | undefined;
  #onEnd: () => void = () => undefined;

  constructor(
    stream: BoundedStream<TopicMessage<T>>,
    clock: ResolvedPubSubPorts["runtime"]["clock"],
    pattern: string,
  ) {
    this.#stream = stream;
    this.#clock = clock;
    this.#pattern = pattern;
  }

  get dropped(): number {
    return this.#stream.dropped;
  }

  begin(carried: PubSubSubscription, onEnd: () => void): void {
    this.#carried = carried;
    this.#onEnd = onEnd;
  }

  /** The stream has ended, for whatever reason. */
  end(): void {
    this.#carried?.close();
    this.#onEnd();
    this.#ending.abort();
  }

  async ready(
    options: {
      readonly signal?: AbortSignal | undefined;
      readonly timeout?: Duration | undefined;
    } = {},
  ): Promise<void> {
    const { signal, timeout } = options;
    const what = `The subscription to "${this.#pattern}"`;
    const timeoutMs = timeout === undefined ? READY_TIMEOUT_MS : parseDuration(timeout, "timeout");
    const stop = new AbortController();
    const abort = () => stop.abort();
    let isLate = false;
    const timer = this.#clock.setTimer(timeoutMs, () => {
      isLate = true;
      abort();
    });
    const signals = [signal, this.#ending.signal];
    for (const each of signals) {
      if (each?.aborted === true) abort();
      each?.addEventListener("abort", abort, { once: true });
    }
    try {
      if (this.#stream.ended || this.#carried === undefined) throw this.#closed(what);
      await this.#carried.ready({ signal: stop.signal });
    } catch (error) {
      if (isLate) throw this.#late(what, timeoutMs, error);
      if (this.#stream.ended && signal?.aborted !== true) throw this.#closed(what);
      throw error;
    } finally {
      timer.cancel();
      for (const each of signals) each?.removeEventListener("abort", abort);
    }
  }

  close(): Promise<void> {
    this.#stream.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<TopicMessage<T>> {
    return this.#stream.iterator;
  }

  #closed(what: string): Error {
    return coreErrors.ERR_CLOSED(`${what} has ended`, { what: this.#pattern });
  }

  #late(what: string, timeoutMs: number, cause: unknown): Error {
    return coreErrors.ERR_TIMEOUT(
      `${what} was not known to every member after ${timeoutMs} ms; ` +
        `a member may be unreachable: allow more time or look at the cluster's health`,
      { timeoutMs, target: this.#pattern },
      cause,
    );
  }
}

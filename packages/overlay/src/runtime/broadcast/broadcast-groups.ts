/**
 * BroadcastGroups: broadcasts that travel from neighbour to neighbour, where a node has no link to
 * everybody: one Plumtree for each channel, on that channel's own links.
 *
 * A shell: it gives the cores their timers, writes what they send, and calls the handlers. What is
 * passed on is neither decoded nor encoded again.
 *
 * Invariants: a message is handed over while its origin is a member, and not before or after; a handler
 * that is slow or fails holds up nobody.
 */
import { runWithTrace, type Boot, type NodeId } from "@foundation/core";
import type { Channels } from "../../channel-options.js";
import { BROADCAST, LINK } from "../../limits.js";
import { MessageType } from "../../protocol/frame.js";
import type { PlumtreeEffect, PlumtreeInput } from "../../protocol/plumtree/effects.js";
import type { PlumtreeMessage } from "../../protocol/plumtree/messages.js";
import { NameCache } from "../../protocol/plumtree/names.js";
import { Plumtree } from "../../protocol/plumtree/plumtree.js";
import { decode, encode } from "../../protocol/plumtree/wire.js";
import type { Handlers } from "../handlers.js";
import { isPromise } from "../inbound-call.js";
import type { LinkFinder } from "../messenger.js";
import { NamedTimers } from "../named-timers.js";
import type { World } from "../world.js";
import { EarlyBroadcasts } from "./early-broadcasts.js";
import { RelayedMessage, seal, unseal, valueOf, type Envelope } from "./relayed-message.js";

const NOTHING: Uint8Array = new Uint8Array(0);

/** The members, and ways to them. */
export interface Members extends LinkFinder {
  isLinked(id: NodeId): boolean;
  /** Which start of the node is a member; undefined: none. */
  bootOf(id: NodeId): Boot | undefined;
}

interface Group {
  readonly channel: string;
  readonly tree: Plumtree<Uint8Array>;
  readonly timers: NamedTimers;
}

export class BroadcastGroups {
  readonly #world: World;
  readonly #links: Members;
  readonly #handlers: Handlers;
  readonly #channels: Channels;
  readonly #groups = new Map<string, Group>();
  readonly #neighbours = new Set<NodeId>();
  readonly #early: EarlyBroadcasts;
  /** Since when the members are here: what was broadcast before is not for them. */
  readonly #since = new Map<NodeId, number>();
  readonly #names = new NameCache();
  #lastMessage: PlumtreeMessage<Uint8Array> | undefined;
  #lastBytes = NOTHING;
  #handling = 0;
  #closed = false;

  constructor(world: World, links: Members, handlers: Handlers, channels: Channels) {
    this.#world = world;
    this.#links = links;
    this.#handlers = handlers;
    this.#channels = channels;
    this.#early = new EarlyBroadcasts(world.clock, (count) =>
      world.metrics.dropped("no-member", count),
    );
  }

  /** Those to whom broadcasts pass from here. */
  get neighbours(): readonly NodeId[] {
    return [...this.#neighbours];
  }

  /** Broadcasts pass between this node and that one, or do not any more. */
  neighbour(id: NodeId, isUp: boolean): void {
    if (isUp) this.#neighbours.add(id);
    else this.#neighbours.delete(id);
    for (const group of this.#groups.values()) {
      this.#feed(group, isUp ? this.#up(id) : { type: "neighbor-down", id });
    }
  }

  /** That start of a node is a member from now on: what came of it before is handed over. */
  joined(origin: NodeId, boot: Boot): void {
    this.#since.set(origin, this.#world.clock.now());
    // After everybody who listens to membership was told.
    this.#world.clock.endOfTurn(() => {
      if (!this.#closed) this.#early.joined(origin, boot);
    });
  }

  /** That start of a node has ended: nothing more comes from it. */
  ended(origin: NodeId, boot: Boot): void {
    this.#since.delete(origin);
    for (const group of this.#groups.values()) this.#feed(group, { type: "ended", origin, boot });
  }

  publish(channel: string, envelope: Envelope): void {
    const { compressFromBytes } = this.#channels.used(channel);
    const payload = seal(envelope, compressFromBytes);
    const group = this.#groupOf(channel);
    if (group !== undefined) this.#feed(group, { type: "broadcast", payload });
  }

  /** A message of the tree came on a link of the channel. */
  received(from: NodeId, channel: string, bytes: Uint8Array): void {
    // A copy of its own: what is kept must not hold the memory of everything it came with.
    const message = decode(new Uint8Array(bytes), this.#names);
    if (message === undefined) return this.#world.metrics.dropped("not-decodable");
    const group = this.#groupOf(channel);
    if (group === undefined) return this.#world.metrics.dropped("too-many-channels");
    this.#feed(group, { type: "message", from, message });
  }

  close(): void {
    this.#closed = true;
    for (const { timers } of this.#groups.values()) timers.close();
    this.#groups.clear();
    this.#early.close();
  }

  #up(id: NodeId): PlumtreeInput<Uint8Array> {
    const since = this.#since.get(id);
    return { type: "neighbor-up", id, ...(since !== undefined && { since }) };
  }

  #groupOf(channel: string): Group | undefined {
    const known = this.#groups.get(channel);
    if (known !== undefined || this.#closed) return known;
    if (this.#groups.size >= LINK.channelsMax) return undefined;
    const { self, clock, random } = this.#world;
    const tree = new Plumtree<Uint8Array>({
      self: { id: self.id, boot: self.boot },
      random: random.fork(`broadcast ${channel}`),
      sizeOf: (payload) => payload.length,
    });
    const fire = (timer: string) => this.#feed(group, { type: "timer", timer });
    const group: Group = { channel, tree, timers: new NamedTimers(clock, fire) };
    this.#groups.set(channel, group);
    this.#feed(group, { type: "start" });
    for (const id of this.#neighbours) this.#feed(group, this.#up(id));
    return group;
  }

  #feed(group: Group, input: PlumtreeInput<Uint8Array>): void {
    if (this.#closed) return;
    for (const effect of group.tree.handle(input, this.#world.clock.now())) {
      this.#run(group, effect);
    }
  }

  #run(group: Group, effect: PlumtreeEffect<Uint8Array>): void {
    switch (effect.type) {
      case "send":
        return this.#send(group, effect);
      case "deliver":
        return this.#deliver(group.channel, effect);
      case "set-timer":
        return group.timers.set(effect.timer, effect.delayMs);
      case "cancel-timer":
        return group.timers.cancel(effect.timer);
      case "count":
        return this.#world.metrics.broadcast(group.channel, effect.counter, effect.amount);
      default:
        effect satisfies never;
    }
  }

  #send(group: Group, { to, message }: PlumtreeEffect<Uint8Array> & { type: "send" }): void {
    // An answer to one that was a neighbour is worth no dial.
    if (!this.#links.isLinked(to)) return;
    const link = this.#links.linkTo(to, group.channel, undefined);
    // What is not written here is asked for again, or comes with the next digest.
    if (link === undefined) return;
    if (link.isOverLimit) return this.#world.metrics.dropped("queue-full");
    link.postAsIs(MessageType.gossip, 0, 0, 0, 0, undefined, this.#encoded(message));
  }

  /** The copies of one message are the same object: it is encoded once. */
  #encoded(message: PlumtreeMessage<Uint8Array>): Uint8Array {
    if (message !== this.#lastMessage) {
      this.#lastMessage = message;
      this.#lastBytes = encode(message);
    }
    return this.#lastBytes;
  }

  #deliver(channel: string, effect: PlumtreeEffect<Uint8Array> & { type: "deliver" }): void {
    const { metrics, codec } = this.#world;
    const { origin, boot } = effect;
    if (this.#links.bootOf(origin) !== boot) {
      this.#early.hold(origin, boot, effect.payload.length, () => this.#deliver(channel, effect));
      return;
    }
    const envelope = unseal(effect.payload);
    if (envelope === undefined) return metrics.dropped("not-decodable");
    const entry = this.#handlers.get(envelope.hash);
    if (entry === undefined) return metrics.dropped("no-handler");
    if (this.#handling >= BROADCAST.handlingMax) return metrics.dropped("busy");
    const decoded = valueOf(codec, envelope.payload);
    if (decoded === undefined) return metrics.dropped("not-decodable");
    const { trace } = envelope;
    const message = new RelayedMessage(origin, boot, channel, entry.subject, decoded.value, trace);
    try {
      const result: unknown =
        trace === undefined
          ? entry.handle(message)
          : runWithTrace(trace, () => entry.handle(message));
      if (isPromise(result)) this.#await(result);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  #await(result: PromiseLike<unknown>): void {
    this.#handling += 1;
    result.then(
      () => {
        this.#handling -= 1;
      },
      (thrown: unknown) => {
        this.#handling -= 1;
        this.#failed(thrown);
      },
    );
  }

  #failed(thrown: unknown): void {
    this.#world.metrics.handlerFailures.add();
    this.#world.logger.error("a broadcast handler failed", {
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    });
  }
}

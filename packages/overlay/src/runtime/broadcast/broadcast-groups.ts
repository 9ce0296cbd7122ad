/**
 * BroadcastGroups: the broadcasts of a node, a group for each channel, on that channel's own links.
 *
 * Where a node has links to all members it sends each one a copy. Where members have few links a message
 * travels from neighbour to neighbour, along a Plumtree. Both have one row of numbers, so each is
 * handed over once and in the order of its origin while the cluster goes from one to the other.
 *
 * A shell: it gives the cores their timers, writes what they send, and calls the handlers. What is
 * passed on is neither decoded nor encoded again.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Channels } from "../../channel-options.js";
import { LINK } from "../../limits.js";
import { MessageType } from "../../protocol/frame.js";
import { COPY_HEAD_BYTES, decodeCopy, isCopy } from "../../protocol/plumtree/copies.js";
import type { PlumtreeEffect, PlumtreeInput } from "../../protocol/plumtree/effects.js";
import type { PlumtreeMessage } from "../../protocol/plumtree/messages.js";
import { NameCache } from "../../protocol/plumtree/names.js";
import { decode, encode } from "../../protocol/plumtree/wire.js";
import type { Handlers } from "../handlers.js";
import type { Link } from "../link.js";
import type { LinkFinder } from "../messenger.js";
import type { World } from "../world.js";
import { BroadcastGroup, type Copies } from "./broadcast-group.js";
import { HandingOver, type Carried } from "./handing-over.js";
import { seal, type Envelope } from "./relayed-message.js";
import { TreeNeighbours } from "./tree-neighbours.js";

const NOTHING: Uint8Array = new Uint8Array(0);

type Effect = PlumtreeEffect<Uint8Array>;
type Message = PlumtreeMessage<Uint8Array>;

/** The members, and ways to them. */
export interface Members extends LinkFinder {
  isLinked(id: NodeId): boolean;
  /** Which start of the node is a member; undefined: none. */
  bootOf(id: NodeId): Boot | undefined;
  /** Members may have no link to each other. */
  isPartial(): boolean;
}

export class BroadcastGroups {
  readonly #world: World;
  readonly #members: Members;
  readonly #channels: Channels;
  readonly #groups = new Map<string, BroadcastGroup>();
  readonly #neighbours: TreeNeighbours;
  readonly #handingOver: HandingOver;
  /** Since when the members are here: what was broadcast before is not for them. */
  readonly #since = new Map<NodeId, number>();
  readonly #names = new NameCache();
  #firstLinkAt: number | undefined;
  #carried: Carried | undefined;
  #lastMessage: Message | undefined;
  #lastBytes = NOTHING;
  #closed = false;

  constructor(world: World, members: Members, handlers: Handlers, channels: Channels) {
    this.#world = world;
    this.#members = members;
    this.#channels = channels;
    this.#neighbours = new TreeNeighbours(world.clock, () => members.isPartial());
    this.#handingOver = new HandingOver(world, (id) => members.bootOf(id), handlers);
  }

  /** Those to whom broadcasts pass from here. */
  get neighbours(): readonly NodeId[] {
    return [...this.#neighbours.all];
  }

  /** Broadcasts pass between this node and that one, or do not any more. */
  neighbour(id: NodeId, isUp: boolean): void {
    if (isUp) this.#neighbours.up(id, this.#since.get(id));
    else this.#neighbours.down(id);
    this.#firstLinkAt ??= this.#world.clock.now();
    const isOfTrees = this.#neighbours.ofTrees?.has(id) === true;
    for (const group of this.#groups.values()) {
      if (!group.isAwake) continue;
      if (!isUp) this.#feed(group, { type: "neighbor-down", id });
      else if (!group.isBusy) this.#sleep(group);
      else if (isOfTrees) this.#feed(group, this.#up(id));
    }
  }

  /** A full mesh has ended, or begun: its trees are there before the copies to each member end. */
  meshChanged(isMesh: boolean): void {
    if (isMesh) return this.#neighbours.meshBegun();
    this.#neighbours.meshEnded(() => {
      for (const group of this.#groups.values()) this.#settle(group);
    });
  }

  /**
   * Until now its tree had those only that said they use it: now it has all neighbours, or none and
   * sleeps. With a part of them it would hang on those, and what they take with them when they go,
   * nobody else would hear of.
   */
  #settle(group: BroadcastGroup): void {
    if (group.isBusy) this.#wake(group);
    else if (group.isAwake) this.#sleep(group);
  }

  /** That start of a node is a member from now on: what came of it before is handed over. */
  joined(origin: NodeId, boot: Boot): void {
    this.#since.set(origin, this.#world.clock.now());
    for (const group of this.#groups.values()) group.joined(origin);
    this.#handingOver.joined(origin, boot);
  }

  /** That start of a node has ended: nothing more comes from it. */
  ended(origin: NodeId, boot: Boot): void {
    this.#since.delete(origin);
    for (const group of this.#groups.values()) {
      group.left(origin);
      group.latest.ended(origin, boot);
      this.#feed(group, { type: "ended", origin, boot });
    }
  }

  /** Only the newest value of each subject matters on the channel. */
  isLatest(channel: string): boolean {
    return this.#channels.used(channel).monotonic;
  }

  /** Sends by way of neighbours. */
  publish(channel: string, envelope: Envelope): void {
    const group = this.#groupOf(channel);
    if (group === undefined) return;
    if (!group.isAwake) this.#wake(group);
    this.#feed(group, { type: "broadcast", payload: this.#sealed(channel, envelope) });
  }

  /** For who sends to each member itself; undefined: there are too many channels. */
  copies(channel: string, envelope: Envelope): Copies | undefined {
    const group = this.#groupOf(channel);
    const copy = this.#sealed(channel, envelope, COPY_HEAD_BYTES);
    return envelope.isLatest ? group?.newest(copy) : group?.copies(copy);
  }

  /** A broadcast came on a link, or what belongs to the tree. */
  received(link: Link, bytes: Uint8Array): void {
    const group = this.#groupOf(link.channel);
    if (group === undefined) return this.#world.metrics.dropped("too-many-channels");
    // Bytes of its own: what is kept must not hold the memory of everything it came with.
    const own = new Uint8Array(bytes);
    if (isCopy(own)) return this.#copy(group, link, own);
    const message = decode(own, this.#names);
    if (message === undefined) return this.#world.metrics.dropped("not-decodable");
    const { id } = link.peer;
    if (usesTree(message)) this.#usedBy(group, id);
    this.#feed(group, { type: "message", from: id, message });
  }

  close(): void {
    this.#closed = true;
    this.#neighbours.close();
    for (const group of this.#groups.values()) group.close();
    this.#groups.clear();
    this.#handingOver.close();
  }

  #copy(group: BroadcastGroup, link: Link, bytes: Uint8Array): void {
    const copy = decodeCopy(bytes);
    if (copy === undefined) return this.#world.metrics.dropped("not-decodable");
    const { seq, back, isFloor, isLatest, payload } = copy;
    const carried = { payload, link };
    if (isLatest) return this.#handingOver.newest(group.channel, group.latest, seq, carried);
    const { id: origin, boot } = link.peer;
    this.#carried = carried;
    try {
      this.#feed(group, { type: "copy", origin, boot, seq, back, isFloor, payload });
    } finally {
      this.#carried = undefined;
    }
  }

  #sealed(channel: string, envelope: Envelope, roomBytes = 0): Uint8Array {
    return seal(envelope, this.#channels.used(channel).compressFromBytes, roomBytes);
  }

  #up(id: NodeId): PlumtreeInput<Uint8Array> {
    const since = this.#since.get(id);
    return { type: "neighbor-up", id, ...(since !== undefined && { since }) };
  }

  /** The tree gets the neighbours it is to have; one that is sent on without being told whom has all. */
  #wake(group: BroadcastGroup): void {
    group.isAwake = true;
    const { ofTrees, all } = this.#neighbours;
    for (const id of ofTrees ?? all) this.#feed(group, this.#up(id));
  }

  /** Whoever uses the tree next wakes it: until then no link has to carry anything for it. */
  #sleep(group: BroadcastGroup): void {
    group.isAwake = false;
    for (const id of this.#neighbours.all) this.#feed(group, { type: "neighbor-down", id });
  }

  /** A neighbour has the tree in use. */
  #usedBy(group: BroadcastGroup, id: NodeId): void {
    const { ofTrees, all } = this.#neighbours;
    if (ofTrees !== undefined && !group.isAwake) this.#wake(group);
    group.isAwake = true;
    if (ofTrees?.has(id) !== true && all.has(id)) this.#feed(group, this.#up(id));
  }

  #groupOf(channel: string): BroadcastGroup | undefined {
    const known = this.#groups.get(channel);
    if (known !== undefined || this.#closed) return known;
    if (this.#groups.size >= LINK.channelsMax) return undefined;
    const { self, clock, random, preset } = this.#world;
    const group = new BroadcastGroup({
      channel,
      clock,
      tree: {
        self: { id: self.id, boot: self.boot },
        random: random.fork(`broadcast ${channel}`),
        sizeOf: (payload) => payload.length,
        times: preset.broadcast,
        ...(this.#firstLinkAt !== undefined && { firstLinkAt: this.#firstLinkAt }),
      },
      run: (of, effect) => this.#run(of, effect),
    });
    this.#groups.set(channel, group);
    return group;
  }

  #feed(group: BroadcastGroup, input: PlumtreeInput<Uint8Array>): void {
    if (!this.#closed) group.feed(input);
  }

  #run(group: BroadcastGroup, effect: Effect): void {
    if (effect.type === "send") return this.#send(group, effect.to, effect.message);
    if (effect.type === "deliver") {
      return this.#handingOver.message(group.channel, group.latest, effect, this.#carried);
    }
    if (effect.type !== "count") return;
    this.#world.metrics.broadcast(group.channel, effect.counter, effect.amount);
  }

  #send(group: BroadcastGroup, to: NodeId, message: Message): void {
    // An answer to one that was a neighbour is worth no dial; to ask an origin for its own is.
    const asksOrigin = message.type === "graft" && message.runs[0]?.origin === to;
    if (!asksOrigin && !this.#members.isLinked(to)) return;
    const link = this.#members.linkTo(to, group.channel, undefined);
    // What is not written here is asked for again, or comes with the next digest.
    if (link === undefined) return;
    if (link.isOverLimit) return this.#world.metrics.dropped("queue-full");
    link.postAsIs(MessageType.gossip, 0, 0, 0, 0, undefined, this.#encoded(message));
  }

  /** The copies of one message are the same object: it is encoded once. */
  #encoded(message: Message): Uint8Array {
    if (message !== this.#lastMessage) {
      this.#lastMessage = message;
      this.#lastBytes = encode(message);
    }
    return this.#lastBytes;
  }
}

/** Not so what is only asked for, and answered: that is done in a full mesh too. */
function usesTree(message: Message): boolean {
  if (message.type === "gossip") return !message.beside;
  return message.type === "digest" || message.type === "have";
}

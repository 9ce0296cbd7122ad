/**
 * OverlayMessenger: the Messenger port over links.
 *
 * The hot path (`trySend`, and `send` with room) looks up the link, encodes, and appends to the
 * batch of the turn: no promise, timer, closure or frame of its own.
 */
import {
  currentTrace,
  type ByteSource,
  type Clock,
  type Codec,
  type MessageHandler,
  type Messenger,
  type NodeId,
  type RequestOptions,
  type Route,
  type SendOptions,
  type SendOutcome,
  type StreamHandler,
  type StreamOptions,
} from "@foundation/core";
import { RPC } from "../limits.js";
import { MessageType } from "../protocol/frame.js";
import type { AckedSends } from "./delivery/acked-sends.js";
import { waitForRoom } from "./delivery/room.js";
import { Sends } from "./delivery/sends.js";
import { SubjectHashes } from "./handlers.js";
import type { Inbound } from "./inbound.js";
import type { Link } from "./link.js";
import { checkSignal, checkTimeout, unreachable } from "./messenger-errors.js";
import { Pending, type OutboundRequests } from "./outbound-requests.js";
import type { World } from "./world.js";

/** Finds links; undefined: there is no such node. */
export interface LinkFinder {
  linkTo(to: NodeId, channel: string, key: string | undefined): Link | undefined;
}

/** The streams of this node, both ways. */
export interface StreamService {
  open(route: Route, source: ByteSource, options?: StreamOptions): Promise<unknown>;
  handle(subject: string, handler: StreamHandler): () => void;
}

const DONE: Promise<void> = Promise.resolve();

export class OverlayMessenger implements Messenger {
  readonly self: NodeId;
  /** Set by the composition before the first link is up. */
  streams!: StreamService;
  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #inbound: Inbound;
  readonly #links: LinkFinder;
  readonly #hashes = new SubjectHashes();
  readonly #requests: OutboundRequests;
  readonly #sends: Sends;
  readonly #raise: (link: Link) => void;
  /** The link without a key that was used last: streams of messages go one way. */
  #lastLink: Link | undefined;
  #lastTo = "";
  #lastChannel = "";

  constructor(
    world: World,
    inbound: Inbound,
    links: LinkFinder,
    requests: OutboundRequests,
    acked: AckedSends,
  ) {
    this.self = world.self.id;
    this.#clock = world.clock;
    this.#codec = world.codec;
    this.#inbound = inbound;
    this.#links = links;
    this.#requests = requests;
    const { fences } = inbound;
    this.#sends = new Sends(world, this.#hashes, acked, fences);
    this.#raise = (link) => fences.raise(link);
  }

  send(route: Route, payload: unknown, options?: SendOptions): Promise<void> {
    try {
      if (options?.signal !== undefined) checkSignal(options.signal, route.to);
      const link = this.#linkOf(route);
      if (link === undefined) throw unreachable(route.to, "it is not a member of the cluster");
      if (!link.isPlain || route.fence === true)
        return this.#sends.send(link, route, payload, options);
      const hash = this.#hashes.of(route.subject);
      const trace = options?.trace ?? currentTrace();
      if (link.hasRoom) {
        link.postValue(MessageType.message, 0, hash, 0, 0, trace, payload);
        return DONE;
      }
      const { to, channel } = route;
      const large = link.layOut(MessageType.message, 0, hash, 0, 0, trace, payload);
      if (large !== undefined) {
        return waitForRoom(link, { to, channel }, large.sizeBytes, options?.signal, () => {
          link.postLaidOut(large);
        });
      }
      const bytes = this.#codec.encode(payload);
      return waitForRoom(link, { to, channel }, bytes.length, options?.signal, () => {
        link.post(MessageType.message, 0, hash, 0, 0, trace, bytes);
      });
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  trySend(route: Route, payload: unknown, options?: SendOptions): SendOutcome {
    const link = this.#linkOf(route);
    if (link === undefined) return "unreachable";
    if (!link.isPlain || route.fence === true)
      return this.#sends.trySend(link, route, payload, options);
    if (link.isFull) return this.#sends.refused(link);
    const trace = options?.trace ?? currentTrace();
    const hash = this.#hashes.of(route.subject);
    link.postValue(MessageType.message, 0, hash, 0, 0, trace, payload);
    return "accepted";
  }

  request(route: Route, payload: unknown, options: RequestOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs = RPC.timeoutMsDefault } = options;
      checkTimeout(timeoutMs);
      if (signal !== undefined) checkSignal(signal, route.to);
      const link = this.#linkOf(route);
      if (link === undefined) throw unreachable(route.to, "it is not a member of the cluster");
      const hash = this.#hashes.of(route.subject);
      const now = this.#clock.now();
      const entry = new Pending(
        link,
        route.to,
        route.subject,
        now + timeoutMs,
        timeoutMs,
        signal,
        resolve,
        reject,
      );
      const raise = route.fence === true ? this.#raise : undefined;
      const trace = options.trace ?? currentTrace();
      this.#requests.add(MessageType.request, entry, now, hash, trace, payload, raise);
    });
  }

  handle(subject: string, handler: MessageHandler): () => void {
    return this.#inbound.handlers.add(subject, handler);
  }

  stream(route: Route, source: ByteSource, options?: StreamOptions): Promise<unknown> {
    return this.streams.open(route, source, options);
  }

  handleStream(subject: string, handler: StreamHandler): () => void {
    return this.streams.handle(subject, handler);
  }

  #linkOf(route: Route): Link | undefined {
    const { to, channel, key } = route;
    const last = this.#lastLink;
    // The caller's own strings are compared: the same object again costs one pointer each.
    if (key === undefined && to === this.#lastTo && channel === this.#lastChannel) {
      if (last?.isUp === true) return last;
    }
    const link = this.#links.linkTo(to, channel, key);
    if (key === undefined) {
      this.#lastLink = link;
      this.#lastTo = to;
      this.#lastChannel = channel;
    }
    return link;
  }
}

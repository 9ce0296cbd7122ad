/** Streams: the byte streams of this node, both ways, as the messenger and the links know them. */
import type { ByteSource, Route, StreamHandler, StreamOptions } from "@foundation/core";
import { readU48, type FrameReader } from "../../protocol/frame.js";
import { InboundStreams, type InboundStreamsWorld } from "./inbound-streams.js";
import {
  OutboundStreams,
  type OutboundStreamsWorld,
  type StreamLinkFinder,
  type StreamRequests,
} from "./outbound-streams.js";
import { streamMalformed } from "./stream-errors.js";
import type { StreamAnswers, StreamLink } from "./stream-link.js";

export class Streams {
  readonly inbound: InboundStreams;
  readonly #outbound: OutboundStreams;

  constructor(
    world: InboundStreamsWorld & OutboundStreamsWorld,
    links: StreamLinkFinder,
    requests: StreamRequests,
    answers: StreamAnswers,
  ) {
    this.inbound = new InboundStreams(world, answers);
    this.#outbound = new OutboundStreams(world, links, requests);
  }

  open(route: Route, source: ByteSource, options?: StreamOptions): Promise<unknown> {
    return this.#outbound.open(route, source, options);
  }

  handle(subject: string, handler: StreamHandler): () => void {
    return this.inbound.handlers.add(subject, handler);
  }

  /** @throws {ERR_FRAME_MALFORMED} */
  onWindow(link: StreamLink, reader: FrameReader): void {
    const payload = reader.payload();
    if (payload.length < 6) throw streamMalformed("a stream's window without its size");
    this.#outbound.onWindow(link, reader.requestId, readU48(payload, 0));
  }
}

/**
 * StreamLink: what streams need of a link, and of the tables of requests beside them.
 *
 * A stream is a request whose body comes in pieces: its id is a request's, its answer a `reply` or a
 * `failure`, and a `cancel` ends it from its opener's side.
 */
import type { Boot, ConnectionEnd, NodeId, TraceContext } from "@foundation/core";
import type { Position } from "../../protocol/batch.js";
import type { MessageType } from "../../protocol/frame.js";
import type { BulkSource } from "../bulk-sources.js";

export interface StreamPeer {
  readonly id: NodeId;
  readonly boot: Boot;
}

export interface StreamLink {
  readonly peer: StreamPeer;
  readonly channel: string;
  /** What is under way when a connection breaks is written again over the next one. */
  readonly retains: boolean;
  readonly roundTripMs: number | undefined;
  post(
    type: MessageType,
    flags: number,
    subject: number,
    requestId: number,
    deadlineMs: number,
    trace: TraceContext | undefined,
    payload: Uint8Array,
  ): Position;
  /** Overtakes what waits; lost when there is no connection. */
  postControl(type: MessageType, requestId: number, payload: Uint8Array): void;
  /** Received bytes that use up the lane's window until the answer is called. */
  hold(bytes: number): () => void;
  addSource(source: BulkSource): void;
  removeSource(source: BulkSource): void;
  wake(source: BulkSource): void;
  disconnect(end: ConnectionEnd): void;
}

/** Answers what was asked over a link. */
export interface StreamAnswers {
  reply(link: StreamLink, requestId: number, value: unknown): void;
  fail(link: StreamLink, requestId: number, thrown: unknown): void;
}

/**
 * PubSubAdapter: what carries topics between nodes. The overlay's own is the default; a broker can stand in.
 *
 * Guarantees: a message reaches every subscription, on any node, that was ready before it was published, at most once
 * each; messages of one publisher on one topic arrive in order. Patterns: segments split by ".", `*` stands for exactly
 * one segment, `>` as the last one for one or more.
 */
import type { NodeId } from "../ids/node-id.js";

export interface PubSubAdapter {
  readonly name: string;
  /** Hands over one message; returns when it is accepted. @throws {ERR_NOT_ENCODABLE} @throws {ERR_QUEUE_FULL} */
  publish(topic: string, payload: unknown): void;
  /** Calls `deliver` for each message on a matching topic, synchronously and in order. */
  subscribe(pattern: string, deliver: (message: PubSubMessage) => void): PubSubSubscription;
  /** Ends every subscription. Idempotent. */
  close(): Promise<void>;
}

export interface PubSubMessage {
  readonly topic: string;
  readonly payload: unknown;
  readonly from: NodeId;
}

export interface PubSubSubscription {
  /** Resolves when every current member knows of this subscription. @throws {ERR_ABORTED} */
  ready(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Ends it; nothing is delivered afterwards. Idempotent. */
  close(): void;
}

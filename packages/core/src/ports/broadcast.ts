/**
 * Broadcast: one message to every other member.
 *
 * Guarantees: encoded once; delivered at most once to each member; messages of one origin and subject arrive in order.
 * Best effort: a member that is unreachable at that moment misses it, so every user needs an anti-entropy of its own.
 */
import type { MessageHandler } from "./messenger.js";

export interface Broadcast {
  /** Sends to every member but this node. @throws {ERR_NOT_ENCODABLE} the payload is not plain data. */
  publish(subject: string, payload: unknown, options: { readonly channel: string }): void;
  /** Handles a subject; returns the function that ends it. */
  handle(subject: string, handler: MessageHandler): () => void;
}

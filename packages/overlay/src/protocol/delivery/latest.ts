/**
 * LatestQueue: what waits in one lane of a monotonic channel, one message for each key.
 *
 * Why: of a temperature or a load nobody wants the old value. While the peer is slow a newer message
 * takes the place of the unsent older one of its key, so a slow reader costs one message a key and
 * never sees a backlog. The idea is the monotonic channels of Partisan (Meiklejohn et al., USENIX ATC
 * 2019), made per key, because there a busy key can keep a quiet one from ever being sent.
 *
 * Invariants: a replaced message keeps the place of the first one, so every key that waits leaves
 * before any key that came after it, however often it is replaced; the message that leaves is the
 * last one offered; nothing but a replaced message is ever dropped; a key that waits is never
 * refused.
 *
 * Across reconnects: what waits here was not written, so it survives a broken connection as it is. What was
 * written is sent again by the link, in its place and before anything that waits here: the receiver
 * sees the values of a key in the order they were sent, with gaps, and the last one last. Between
 * two starts of a node nothing is promised: a new start has a new queue, and what the old one had
 * not confirmed is lost with it.
 */
import { LATEST } from "./limits.js";

/** What became of a message that was offered. */
export type Offered = "added" | "replaced" | "full";

export interface LatestLimits {
  readonly keysMax: number;
  readonly bytesMax: number;
}

interface Waiting<Message> {
  message: Message;
  sizeBytes: number;
}

export class LatestQueue<Message> {
  readonly #limits: LatestLimits;
  /** In the order in which the keys began to wait: setting a key again keeps its place. */
  readonly #waiting = new Map<string, Waiting<Message>>();
  /** Stands before the first entry; so a long queue is not searched for its head again and again. */
  #head = this.#waiting.entries();
  #sizeBytes = 0;

  constructor(limits: LatestLimits = LATEST) {
    this.#limits = limits;
  }

  /** Keys that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** True when a message of this key would be taken. */
  hasRoomFor(key: string): boolean {
    const { keysMax, bytesMax } = this.#limits;
    if (this.#waiting.size < keysMax && this.#sizeBytes < bytesMax) return true;
    return this.#waiting.has(key);
  }

  /** Adds a message, in the place of one of the same key if there is one. */
  offer(key: string, message: Message, sizeBytes: number): Offered {
    const older = this.#waiting.get(key);
    if (older !== undefined) {
      this.#sizeBytes += sizeBytes - older.sizeBytes;
      older.message = message;
      older.sizeBytes = sizeBytes;
      return "replaced";
    }
    if (!this.hasRoomFor(key)) return "full";
    this.#waiting.set(key, { message, sizeBytes });
    this.#sizeBytes += sizeBytes;
    return "added";
  }

  /** Takes the message whose key has waited longest. */
  take(): Message | undefined {
    if (this.#waiting.size === 0) return undefined;
    let next = this.#head.next();
    if (next.done === true) {
      // A finished iterator never sees what is added later.
      this.#head = this.#waiting.entries();
      next = this.#head.next();
    }
    if (next.done === true) return undefined;
    const [key, { message, sizeBytes }] = next.value;
    this.#waiting.delete(key);
    this.#sizeBytes -= sizeBytes;
    return message;
  }

  /** Forgets everything and says how many messages that were. */
  clear(): number {
    const count = this.#waiting.size;
    this.#waiting.clear();
    this.#head = this.#waiting.entries();
    this.#sizeBytes = 0;
    return count;
  }
}

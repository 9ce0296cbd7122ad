/**
 * AckedInbox: which messages of acked channels were handled here, so that each is handled once.
 *
 * A message is known by its sender's start and its id. While it is being handled repeats are not
 * answered; afterwards each repeat gets the answer again. Memory is bounded: the oldest answers are
 * forgotten, and from then on `floor` is what is known of them. An id at or below the floor that is
 * not remembered may have been handled, so it is neither handled nor called a success.
 *
 * What is known of a sender is kept when its links go, and even when membership has given it up: a start
 * that was thought dead and was not repeats what it never got an answer for.
 *
 * Invariants: `begin` says "handle" at most once for a sender's start and id, for as long as no more
 * than `sendersMax` other starts have sent since; what is being handled is never forgotten.
 */
import { ACKED_IN } from "./limits.js";

/** An answer that is kept: no error, or an encoded one. */
export type AckedAnswer = Uint8Array | undefined;

/** What to do with a message that came. */
export type AckedVerdict =
  /** It is new: call its handler, then `finish`. */
  | { readonly type: "handle" }
  /** It is being handled: it is answered when that is done. */
  | { readonly type: "wait" }
  /** It was handled: answer as before. */
  | { readonly type: "answer"; readonly error: AckedAnswer }
  /** It may have been handled; nothing is remembered of it any more. */
  | { readonly type: "forgotten" }
  /** Too many are being handled already; it was not. */
  | { readonly type: "full" };

export interface AckedInLimits {
  readonly idsMax: number;
  readonly keepMs: number;
  readonly errorBytesMax: number;
  readonly handlingMax: number;
  readonly sendersMax: number;
}

/** Forgotten ids that stay in `order` at least; above, until they are half of it. */
const STALE_MIN = 1_024;

const HANDLE: AckedVerdict = { type: "handle" };
const WAIT: AckedVerdict = { type: "wait" };
const FORGOTTEN: AckedVerdict = { type: "forgotten" };
const FULL: AckedVerdict = { type: "full" };
const SUCCESS: AckedVerdict = { type: "answer", error: undefined };

/** What is remembered of one start of a sender. */
class Sender {
  readonly handling = new Set<number>();
  /** id → the second in which it was finished; seconds are small integers. */
  readonly done = new Map<number, number>();
  /**
   * The ids of `done`, oldest first, from `oldest` on. Not the order of the map: whose first entries are deleted has to
   * step over all of them whenever it is asked for its first.
   */
  order: number[] = [];
  oldest = 0;
  /** id → its error; what is in `done` and not here succeeded. */
  readonly errors = new Map<number, Uint8Array>();
  errorBytes = 0;
  /** The highest id that was forgotten. */
  floor: number | undefined;
}

export class AckedInbox {
  readonly #limits: AckedInLimits;
  /** By the sender's start; whoever sent last stands last. */
  readonly #senders = new Map<string, Sender>();

  constructor(limits: AckedInLimits = ACKED_IN) {
    this.#limits = limits;
  }

  /** Ids remembered of a sender's start. */
  remembered(boot: string): number {
    const sender = this.#senders.get(boot);
    return sender === undefined ? 0 : sender.done.size + sender.handling.size;
  }

  /** A message came. @param boot the sender's start @param now monotonic ms */
  begin(boot: string, id: number, now: number): AckedVerdict {
    const sender = this.#touch(boot);
    if (sender.handling.has(id)) return WAIT;
    if (sender.done.has(id)) {
      const error = sender.errors.get(id);
      return error === undefined ? SUCCESS : { type: "answer", error };
    }
    this.#forgetOld(sender, now);
    if (sender.floor !== undefined && !isAfter(id, sender.floor)) return FORGOTTEN;
    if (sender.handling.size >= this.#limits.handlingMax) return FULL;
    sender.handling.add(id);
    return HANDLE;
  }

  /** The handler of a message has finished. */
  finish(boot: string, id: number, error: AckedAnswer, now: number): void {
    const sender = this.#senders.get(boot);
    if (sender === undefined || !sender.handling.delete(id)) return;
    sender.done.set(id, Math.floor(now / 1_000));
    sender.order.push(id);
    if (error !== undefined) {
      sender.errors.set(id, error);
      sender.errorBytes += error.length;
    }
    this.#forgetOld(sender, now);
  }

  #touch(boot: string): Sender {
    const known = this.#senders.get(boot);
    const sender = known ?? new Sender();
    if (known !== undefined && this.#senders.size === 1) return known;
    this.#senders.delete(boot);
    this.#senders.set(boot, sender);
    if (this.#senders.size <= this.#limits.sendersMax) return sender;
    for (const [oldest, { handling }] of this.#senders) {
      if (oldest === boot || handling.size > 0) continue;
      this.#senders.delete(oldest);
      break;
    }
    return sender;
  }

  #forgetOld(sender: Sender, now: number): void {
    const { idsMax, keepMs, errorBytesMax } = this.#limits;
    // Whole seconds, rounded down: nothing is forgotten before its time.
    const before = Math.floor((now - keepMs) / 1_000) - 1;
    while (sender.oldest < sender.order.length) {
      const id = sender.order[sender.oldest] as number;
      const isTooMany = sender.done.size > idsMax || sender.errorBytes > errorBytesMax;
      if (!isTooMany && (sender.done.get(id) as number) > before) return;
      sender.oldest += 1;
      if (sender.oldest > STALE_MIN && sender.oldest * 2 > sender.order.length) {
        sender.order = sender.order.slice(sender.oldest);
        sender.oldest = 0;
      }
      sender.done.delete(id);
      sender.errorBytes -= sender.errors.get(id)?.length ?? 0;
      sender.errors.delete(id);
      if (sender.floor === undefined || isAfter(id, sender.floor)) sender.floor = id;
    }
  }
}

/** Serial number arithmetic of 32 bits (RFC 1982): numbers may begin again at their start. */
export function isAfter(id: number, other: number): boolean {
  return ((id - other) | 0) > 0;
}

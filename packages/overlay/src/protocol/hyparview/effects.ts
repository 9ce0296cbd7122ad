/**
 * What goes into the HyParView core and what comes out of it, as plain data.
 *
 * The shell runs the effects in order. `Outbox` collects them while an input is handled, so that no
 * function of the protocol has to hand lists of effects upwards.
 */
import type { NodeId } from "@foundation/core";
import type { HyParViewMessage } from "./messages.js";

export type HyParViewInput =
  /** First input: arms the timers. */
  | { readonly type: "start" }
  /** Become part of the overlay that the contacts belong to. */
  | { readonly type: "join"; readonly contacts: readonly NodeId[] }
  | { readonly type: "link-up"; readonly id: NodeId }
  | { readonly type: "link-down"; readonly id: NodeId }
  | { readonly type: "dial-failed"; readonly id: NodeId }
  | { readonly type: "message"; readonly from: NodeId; readonly message: HyParViewMessage }
  | { readonly type: "timer"; readonly timer: string }
  /** Died or left: it is not dialled or offered until it links by itself or is `back`. */
  | { readonly type: "gone"; readonly id: NodeId }
  | { readonly type: "back"; readonly id: NodeId }
  /** Last input: takes leave of the neighbours. */
  | { readonly type: "leave" };

export type HyParViewEffect =
  /** Only while the link to that node is up. */
  | { readonly type: "send"; readonly to: NodeId; readonly message: HyParViewMessage }
  /** Answered by `link-up` or `dial-failed`. */
  | { readonly type: "connect"; readonly to: NodeId }
  /** This view needs neither a link nor a dial to that node any more. */
  | { readonly type: "release"; readonly to: NodeId }
  /** Both sides have agreed to be neighbours. */
  | { readonly type: "neighbor-up"; readonly id: NodeId }
  | { readonly type: "neighbor-down"; readonly id: NodeId }
  /** Replaces a pending timer of the same name. */
  | { readonly type: "set-timer"; readonly timer: HyParViewTimer; readonly delayMs: number }
  | { readonly type: "cancel-timer"; readonly timer: HyParViewTimer }
  /** Something worth counting happened. */
  | { readonly type: "count"; readonly counter: HyParViewCounter };

export type HyParViewTimer = "shuffle" | "keep" | "request" | "promote" | "release" | "optimise";

export type HyParViewCounter =
  /** A request was made, accepted, refused, not answered in time, or its dial failed. */
  | "request"
  | "request-accepted"
  | "request-refused"
  | "request-late"
  | "dial-failed"
  /** A neighbour made room for another node. */
  | "evicted"
  /** A join was walked on instead of taken. */
  | "storm"
  | "rotation"
  | "optimisation"
  /** A neighbour of ours did not know that it was one, or the other way round. */
  | "one-sided"
  /** It had crossed a newer agreement, and was ignored. */
  | "disconnect-stale"
  /** The way back of a shuffle was not known any more. */
  | "reply-lost"
  /** From a node without a link. */
  | "message-stray";

const nothing: readonly HyParViewEffect[] = [];

/** Collects the effects of one input and knows which timers are pending, and until when. */
export class Outbox {
  #effects: HyParViewEffect[] = [];
  readonly #due = new Map<string, number>();

  /** What was collected; the same empty list when that is nothing. */
  take(): readonly HyParViewEffect[] {
    if (this.#effects.length === 0) return nothing;
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  send(to: NodeId, message: HyParViewMessage): void {
    this.#effects.push({ type: "send", to, message });
  }

  connect(to: NodeId): void {
    this.#effects.push({ type: "connect", to });
  }

  release(to: NodeId): void {
    this.#effects.push({ type: "release", to });
  }

  neighborUp(id: NodeId): void {
    this.#effects.push({ type: "neighbor-up", id });
  }

  neighborDown(id: NodeId): void {
    this.#effects.push({ type: "neighbor-down", id });
  }

  count(counter: HyParViewCounter): void {
    this.#effects.push({ type: "count", counter });
  }

  /** At least a millisecond: a clock that rounds must not fire before what the timer is for. */
  setTimer(timer: HyParViewTimer, delayMs: number, now: number): void {
    const delay = Math.max(1, delayMs);
    this.#due.set(timer, now + delay);
    this.#effects.push({ type: "set-timer", timer, delayMs: delay });
  }

  /** Sets the timer unless it is already due by then. */
  setTimerBy(timer: HyParViewTimer, delayMs: number, now: number): void {
    const due = this.#due.get(timer);
    if (due === undefined || due > now + delayMs) this.setTimer(timer, delayMs, now);
  }

  /** True when the timer that fired was still pending. */
  fired(timer: string): boolean {
    return this.#due.delete(timer);
  }

  cancelAllTimers(): void {
    for (const timer of this.#due.keys()) {
      this.#effects.push({ type: "cancel-timer", timer: timer as HyParViewTimer });
    }
    this.#due.clear();
  }
}

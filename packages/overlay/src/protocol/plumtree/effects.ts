/**
 * What goes into the broadcast tree and what comes out of it, as plain data.
 *
 * The shell runs the effects in order. One message object is shared by all its sends, so a shell
 * that encodes may do it once. A `send` whose link is gone is dropped by the shell: the end of the
 * link is told as `neighbor-down`, and what was lost is found again at the next `neighbor-up`.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Copy } from "./intake.js";
import type { PlumtreeMessage } from "./messages.js";

export type PlumtreeInput<P> =
  /** Nothing is armed before something is broadcast; it is here because every core has it. */
  | { readonly type: "start" }
  /** `isCopied`: it only gets its number, and is kept; the shell sends it to each member itself. */
  | { readonly type: "broadcast"; readonly payload: P; readonly isCopied?: boolean }
  /** A message that came from its origin itself. */
  | ({ readonly type: "copy" } & Copy<P>)
  /**
   * `since`: since when the neighbour belongs to those who shall hear, on the clock of this core;
   * what came here before that is not offered to it. @default it always has
   */
  | { readonly type: "neighbor-up"; readonly id: NodeId; readonly since?: number }
  | { readonly type: "neighbor-down"; readonly id: NodeId }
  | { readonly type: "message"; readonly from: NodeId; readonly message: PlumtreeMessage<P> }
  | { readonly type: "timer"; readonly timer: string }
  /** That start of a node is over: its position is forgotten some time later. */
  | { readonly type: "ended"; readonly origin: NodeId; readonly boot: Boot };

/** Its three timers; none runs while nothing is broadcast. */
export type PlumtreeTimer = "announce" | "repair" | "round";

export type PlumtreeEffect<P> =
  | { readonly type: "send"; readonly to: NodeId; readonly message: PlumtreeMessage<P> }
  /** Once for each message of another node, in the order of its origin. */
  | {
      readonly type: "deliver";
      readonly origin: NodeId;
      readonly boot: Boot;
      readonly seq: number;
      /** Links it has travelled. */
      readonly hop: number;
      /** The neighbour it came from. */
      readonly from: NodeId;
      readonly payload: P;
    }
  /** Replaces a pending timer of the same name. */
  | { readonly type: "set-timer"; readonly timer: PlumtreeTimer; readonly delayMs: number }
  /** Every core's shell knows it; this core lets a timer fire for nothing, which costs less. */
  | { readonly type: "cancel-timer"; readonly timer: PlumtreeTimer }
  /** Something worth counting happened, `amount` times. @default 1 */
  | { readonly type: "count"; readonly counter: PlumtreeCounter; readonly amount?: number };

export type PlumtreeCounter =
  /** A payload came that was here already. */
  | "duplicate"
  | "graft"
  /** A graft asked for something that is not kept here (any more). */
  | "graft-missed"
  | "prune"
  /** A shorter lazy path took the place of an eager one. */
  | "optimization"
  /** Messages given up: nobody had them in time. */
  | "skipped"
  /** A message was not taken, because too many wait for an earlier one. */
  | "gap-full"
  /** An announcement was not remembered, because too many were. */
  | "offer-dropped"
  /** A source was forgotten before it ended. */
  | "source-evicted";

const NOTHING: readonly never[] = [];

/** Collects the effects of one input, and knows when each timer is due. */
export class Outbox<P> {
  #effects: PlumtreeEffect<P>[] = [];
  readonly #due: Record<PlumtreeTimer, number> = {
    announce: Number.POSITIVE_INFINITY,
    repair: Number.POSITIVE_INFINITY,
    round: Number.POSITIVE_INFINITY,
  };

  take(): readonly PlumtreeEffect<P>[] {
    if (this.#effects.length === 0) return NOTHING;
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  send(to: NodeId, message: PlumtreeMessage<P>): void {
    this.#effects.push({ type: "send", to, message });
  }

  push(effect: PlumtreeEffect<P>): void {
    this.#effects.push(effect);
  }

  count(counter: PlumtreeCounter): void {
    this.#effects.push({ type: "count", counter });
  }

  countMany(counter: PlumtreeCounter, amount: number): void {
    this.#effects.push({ type: "count", counter, amount });
  }

  /** Has the timer fire at `at`, or earlier if it does already. Infinity: not at all. */
  arm(timer: PlumtreeTimer, at: number, now: number): void {
    // What is overdue is due now: it must not look like a timer that fired late.
    const due = Math.max(at, now);
    if (due >= this.#due[timer]) return;
    this.#due[timer] = due;
    this.#effects.push({ type: "set-timer", timer, delayMs: due - now });
  }

  isArmed(timer: PlumtreeTimer): boolean {
    return this.#due[timer] !== Number.POSITIVE_INFINITY;
  }

  /** A timer fired: how late it is, or undefined when it was not pending. */
  fired(timer: PlumtreeTimer, now: number): number | undefined {
    const due = this.#due[timer];
    if (due === Number.POSITIVE_INFINITY) return undefined;
    this.#due[timer] = Number.POSITIVE_INFINITY;
    return Math.max(0, now - due);
  }
}

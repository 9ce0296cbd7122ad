/**
 * What goes into the membership protocol and what comes out of it, as plain data.
 *
 * The shell runs the effects in order. `Outbox` collects them while an input is handled, so that no
 * function of the protocol has to hand lists of effects upwards.
 */
import type { Boot, MembershipEvent, NodeId } from "@foundation/core";
import type { LinkEvent, LinkTarget } from "../../membership/link-layer.js";
import type { MembershipMessage } from "./messages.js";
import type { ClientServerCounter } from "../client-server/effects.js";
import type { HyParViewCounter } from "../hyparview/effects.js";
import type { SwitchCounter } from "../switching/effects.js";
import type { TopologyMode, TopologyName } from "../switching/topologies.js";

export type MembershipInput =
  | LinkEvent
  /** First input: arms the timers. */
  | { readonly type: "start" }
  | { readonly type: "timer"; readonly timer: string }
  /** Discovery's full set of addresses. */
  | { readonly type: "discovered"; readonly addresses: readonly string[] }
  /** The event loop was held up for this long, as the shell measured it. */
  | { readonly type: "lag"; readonly lagMs: number }
  /** By hand: a topology for the whole cluster to stay with, or "auto". */
  | { readonly type: "switch"; readonly to: TopologyMode }
  | { readonly type: "drain" }
  | { readonly type: "leave" };

export type LogLevel = "debug" | "info" | "warn" | "error";

export type MembershipEffect =
  | { readonly type: "send"; readonly to: NodeId; readonly message: MembershipMessage }
  | { readonly type: "connect"; readonly target: LinkTarget }
  | {
      readonly type: "disconnect";
      readonly id: NodeId;
      readonly boot: Boot;
      readonly graceful: boolean;
    }
  | { readonly type: "forget"; readonly address: string }
  /** Whether a side wants the link to this boot though nothing uses it; at first one does. */
  | { readonly type: "keep"; readonly id: NodeId; readonly boot: Boot; readonly isWanted: boolean }
  /** This node is linked in another way from now on. */
  | { readonly type: "topology"; readonly from: TopologyName; readonly to: TopologyName }
  /** Broadcasts pass between this node and that one, or do not any more. */
  | { readonly type: "neighbour"; readonly id: NodeId; readonly isUp: boolean }
  /** Replaces a pending timer of the same name. */
  | { readonly type: "set-timer"; readonly timer: string; readonly delayMs: number }
  | { readonly type: "cancel-timer"; readonly timer: string }
  | { readonly type: "event"; readonly event: MembershipEvent }
  | {
      readonly type: "log";
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** Something worth counting happened. */
  | { readonly type: "count"; readonly counter: MembershipCounter };

export type MembershipCounter =
  | "probe-failed"
  | "probe-indirect"
  | "suspicion"
  | "refutation"
  | "rumour-doubted"
  | "message-malformed"
  | "lag"
  | "heal-attempt"
  | "stray-looked-at"
  | `view-${HyParViewCounter}`
  | `server-${ClientServerCounter}`
  | `switch-${SwitchCounter}`;

const DELAY_MS_MIN = 1;

/**
 * Collects the effects of one input, and knows when each timer is due, so that a late one is
 * recognised.
 */
export class Outbox {
  #effects: MembershipEffect[] = [];
  readonly #due = new Map<string, number>();

  take(): MembershipEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  send(to: NodeId, message: MembershipMessage): void {
    this.#effects.push({ type: "send", to, message });
  }

  connect(target: LinkTarget): void {
    this.#effects.push({ type: "connect", target });
  }

  disconnect(id: NodeId, boot: Boot, graceful: boolean): void {
    this.#effects.push({ type: "disconnect", id, boot, graceful });
  }

  forget(address: string): void {
    this.#effects.push({ type: "forget", address });
  }

  keep(id: NodeId, boot: Boot, isWanted: boolean): void {
    this.#effects.push({ type: "keep", id, boot, isWanted });
  }

  topology(from: TopologyName, to: TopologyName): void {
    this.#effects.push({ type: "topology", from, to });
  }

  neighbour(id: NodeId, isUp: boolean): void {
    this.#effects.push({ type: "neighbour", id, isUp });
  }

  setTimer(timer: string, delayMs: number, now: number): void {
    // What is left of a wait may be so small a part of a millisecond that adding it to the time changes
    // nothing: the timer would fire in the same instant, for ever.
    const delay = delayMs > 0 ? Math.max(DELAY_MS_MIN, delayMs) : 0;
    this.#due.set(timer, now + delay);
    this.#effects.push({ type: "set-timer", timer, delayMs: delay });
  }

  cancelTimer(timer: string): void {
    if (this.#due.delete(timer)) this.#effects.push({ type: "cancel-timer", timer });
  }

  cancelAllTimers(): void {
    for (const timer of [...this.#due.keys()]) this.cancelTimer(timer);
  }

  /** A timer fired: how late it is, or undefined when it was cancelled meanwhile. */
  fired(timer: string, now: number): number | undefined {
    const due = this.#due.get(timer);
    if (due === undefined) return undefined;
    this.#due.delete(timer);
    return Math.max(0, now - due);
  }

  /** When the timer is due, if it is pending. */
  dueAt(timer: string): number | undefined {
    return this.#due.get(timer);
  }

  event(event: MembershipEvent): void {
    this.#effects.push({ type: "event", event });
  }

  log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#effects.push({ type: "log", level, message, fields });
  }

  count(counter: MembershipCounter): void {
    this.#effects.push({ type: "count", counter });
  }
}

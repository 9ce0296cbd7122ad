/** Outbox: collects the effects of one input, and knows when the timer is due. */
import type { NodeId } from "@foundation/core";
import type { ClientServerCounter, ClientServerEffect, ClientServerRole } from "./effects.js";

/** The only timer: the next moment at which something may be done that may not be done now. */
const TIMER = "plan";

export class Outbox {
  #effects: ClientServerEffect[] = [];
  #dueAt = Infinity;

  take(): ClientServerEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  connect(to: NodeId): void {
    this.#effects.push({ type: "connect", to });
  }

  release(to: NodeId): void {
    this.#effects.push({ type: "release", to });
  }

  attach(server: NodeId | undefined, standby: NodeId | undefined): void {
    this.#effects.push({ type: "attach", server, standby });
  }

  role(role: ClientServerRole): void {
    this.#effects.push({ type: "role", role });
  }

  count(counter: ClientServerCounter): void {
    this.#effects.push({ type: "count", counter });
  }

  /** Sets the timer for `dueAt`, or ends it (`Infinity`), where it is not so already. */
  wakeAt(dueAt: number, now: number): void {
    if (dueAt === this.#dueAt) return;
    this.#dueAt = dueAt;
    this.#effects.push(
      dueAt === Infinity
        ? { type: "cancel-timer", timer: TIMER }
        : { type: "set-timer", timer: TIMER, delayMs: Math.max(0, dueAt - now) },
    );
  }

  /** The timer fired, on time or not: what is not due yet asks for it again. */
  fired(timer: string): boolean {
    if (timer !== TIMER) return false;
    this.#dueAt = Infinity;
    return true;
  }
}

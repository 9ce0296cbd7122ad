/**
 * IdleLinks: the links that the view does not need any more, until it says so.
 *
 * The end of an edge is told first and the link let go some seconds later. So what somebody had
 * already chosen to send over it, and what was on its way, still arrives; and whoever becomes a
 * neighbour again meanwhile keeps the link.
 *
 * Invariant: ordered by time, each link once.
 */
import type { NodeId } from "@foundation/core";
import type { HyParViewState } from "./state.js";

export class IdleLinks {
  readonly #state: HyParViewState;
  readonly #idle: { readonly id: NodeId; readonly untilMs: number }[] = [];

  constructor(state: HyParViewState) {
    this.#state = state;
  }

  add(id: NodeId): void {
    const { linked, out, times, now } = this.#state;
    if (!linked.has(id)) return;
    const at = this.#idle.findIndex((idle) => idle.id === id);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#idle.push({ id, untilMs: now + times.releaseMs });
    out.setTimerBy("release", times.releaseMs, now);
  }

  /** Lets go the links that nobody has needed again meanwhile. */
  onTimer(): void {
    const { out, now } = this.#state;
    let [next] = this.#idle;
    while (next && next.untilMs <= now) {
      this.#idle.shift();
      this.#release(next.id);
      [next] = this.#idle;
    }
    if (next) out.setTimer("release", next.untilMs - now, now);
  }

  /** Lets go all of them now. */
  releaseAll(): void {
    for (const { id } of this.#idle) this.#release(id);
    this.#idle.length = 0;
  }

  #release(id: NodeId): void {
    const { linked, active, requests, out } = this.#state;
    if (linked.has(id) && !active.has(id) && !requests.find(id)) out.release(id);
  }
}

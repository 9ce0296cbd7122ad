/**
 * EarlyBroadcasts: broadcasts of nodes that are no members yet, as this node knows: the news of a
 * member and its broadcasts go different ways. They are handed over when it is one, and dropped when that does not come.
 *
 * Limits: BROADCAST.earlyMs, BROADCAST.earlyMax, BROADCAST.earlyBytesMax; beyond them the next one is dropped.
 */
import type { Boot, Clock, NodeId, Timer } from "@foundation/core";
import { BROADCAST } from "../../limits.js";

interface Early {
  readonly origin: NodeId;
  readonly boot: Boot;
  readonly bytes: number;
  readonly untilMs: number;
  readonly deliver: () => void;
}

export class EarlyBroadcasts {
  readonly #clock: Clock;
  readonly #onDropped: (count: number) => void;
  #held: Early[] = [];
  #bytes = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, onDropped: (count: number) => void) {
    this.#clock = clock;
    this.#onDropped = onDropped;
  }

  /** Something of that start of a node waits. */
  has(origin: NodeId, boot: Boot): boolean {
    return this.#held.some((each) => each.origin === origin && each.boot === boot);
  }

  hold(origin: NodeId, boot: Boot, bytes: number, deliver: () => void): void {
    const isFull = this.#held.length >= BROADCAST.earlyMax;
    if (isFull || this.#bytes + bytes > BROADCAST.earlyBytesMax) return this.#onDropped(1);
    this.#bytes += bytes;
    const untilMs = this.#clock.now() + BROADCAST.earlyMs;
    this.#held.push({ origin, boot, bytes, untilMs, deliver });
    this.#arm(BROADCAST.earlyMs);
  }

  /** That start of a node is a member: hands over what came of it, in order. */
  joined(origin: NodeId, boot: Boot): void {
    if (this.#held.length === 0) return;
    const ofIt = this.#held.filter((each) => each.origin === origin && each.boot === boot);
    this.#remove(new Set(ofIt));
    for (const { deliver } of ofIt) deliver();
  }

  close(): void {
    this.#timer?.cancel();
    this.#held = [];
    this.#bytes = 0;
  }

  #arm(delayMs: number): void {
    this.#timer ??= this.#clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      const now = this.#clock.now();
      const late = this.#held.filter(({ untilMs }) => untilMs <= now);
      this.#remove(new Set(late));
      if (late.length > 0) this.#onDropped(late.length);
      const [next] = this.#held;
      if (next !== undefined) this.#arm(next.untilMs - now);
    });
  }

  #remove(gone: ReadonlySet<Early>): void {
    if (gone.size === 0) return;
    this.#held = this.#held.filter((each) => !gone.has(each));
    for (const { bytes } of gone) this.#bytes -= bytes;
  }
}

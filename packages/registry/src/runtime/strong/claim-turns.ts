/**
 * ClaimTurns: when this node asks for a free name. Who is placed first asks at once, the others a step later each, so that
 * a name without an owner costs one question where all is well, and is not lost where the first is cut off from the store.
 */
import type { Timer } from "@foundation/core";
import type { Wiring } from "../wiring.js";

interface Turn {
  isDue: boolean;
  timer: Timer;
}

export class ClaimTurns {
  readonly #wiring: Wiring;
  readonly #onDue: (identity: string) => void;
  readonly #turns = new Map<string, Turn>();

  constructor(wiring: Wiring, onDue: (identity: string) => void) {
    this.#wiring = wiring;
    this.#onDue = onDue;
  }

  /** Whether its turn has come; if not, `onDue` is called when it has. */
  isDue(identity: string, rank: number): boolean {
    if (rank === 0) return true;
    const turn = this.#turns.get(identity);
    if (turn !== undefined) return turn.isDue;
    const { clock, limits } = this.#wiring;
    const next: Turn = {
      isDue: false,
      timer: clock.setTimer(rank * limits.claimStepMs, () => {
        next.isDue = true;
        this.#onDue(identity);
      }),
    };
    this.#turns.set(identity, next);
    return false;
  }

  /** The name has an owner, or was asked for: the next time it is free begins anew. */
  end(identity: string): void {
    this.#turns.get(identity)?.timer.cancel();
    this.#turns.delete(identity);
  }

  close(): void {
    for (const { timer } of this.#turns.values()) timer.cancel();
    this.#turns.clear();
  }
}

/** Network: loses, repeats, delays, overtakes, and is cut one way or both. */
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";

export interface NetworkConditions {
  /** Chances of a message. */
  readonly loss: number;
  readonly repetition: number;
  /** Chance to come very late, behind many others. */
  readonly lateness: number;
  readonly latencyMs: number;
}

const LATE_TIMES = 40;

export class Network {
  readonly #random: Random;
  readonly #conditions: NetworkConditions;
  readonly #cuts = new Set<string>();
  isFaultless = false;
  lost = 0;
  repeated = 0;

  constructor(random: Random, conditions: NetworkConditions) {
    this.#random = random;
    this.#conditions = conditions;
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  /** How long each copy of a message takes; none of a lost one. */
  delays(): readonly number[] {
    const random = this.#random;
    const { loss, repetition, lateness, latencyMs } = this.#conditions;
    if (this.isFaultless) return [latencyMs * (0.2 + random.next())];
    const copies = random.next() < repetition ? 2 : 1;
    this.repeated += copies - 1;
    const delays: number[] = [];
    for (let i = 0; i < copies; i += 1) {
      if (random.next() < loss) {
        this.lost += 1;
        continue;
      }
      const times = random.next() < lateness ? LATE_TIMES * random.next() : 1;
      delays.push(latencyMs * (0.2 + random.next()) * Math.max(1, times));
    }
    return delays;
  }
}

/**
 * Wires: what lies between the nodes of a core world: latency, loss, repetition, and which directions are cut.
 */
import type { Random } from "@foundation/core/ports";
import {
  drawLatencyMs,
  lanConditions,
  type LinkConditions,
} from "../simulation/link-conditions.js";
import { coreWorldLimits } from "./limits.js";

/** How one direction between two nodes behaves while it is not cut. */
export interface CoreConditions extends Omit<LinkConditions, "bytesPerMs"> {
  /** How often a datagram is lost, from 0 to 1. Streams lose nothing. */
  readonly lossChance: number;
  /** How often a datagram comes twice, from 0 to 1. Streams repeat nothing. */
  readonly repeatChance: number;
}

/** A quiet local network that loses and repeats nothing. */
export const quietConditions: CoreConditions = {
  latencyMs: lanConditions.latencyMs,
  jitterMs: lanConditions.jitterMs,
  spikeChance: lanConditions.spikeChance,
  spikeMs: lanConditions.spikeMs,
  lossChance: 0,
  repeatChance: 0,
};

/** With the bandwidth that messages without a size do not use. */
type Kept = CoreConditions & LinkConditions;

export class Wires {
  readonly random: Random;
  #usual: Kept;
  readonly #special = new Map<number, Kept>();
  readonly #cuts = new Set<number>();

  constructor(random: Random, conditions: CoreConditions) {
    this.random = random;
    this.#usual = kept(conditions);
  }

  conditions(from: number, to: number): Kept {
    if (this.#special.size === 0) return this.#usual;
    return this.#special.get(pairOf(from, to)) ?? this.#usual;
  }

  latencyMs(from: number, to: number): number {
    return drawLatencyMs(this.conditions(from, to), this.random);
  }

  isCut(from: number, to: number): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(pairOf(from, to));
  }

  cut(from: number, to: number): void {
    this.#cuts.add(pairOf(from, to));
  }

  set(from: number, to: number, conditions: CoreConditions | undefined): void {
    if (conditions === undefined) this.#special.delete(pairOf(from, to));
    else this.#special.set(pairOf(from, to), kept(conditions));
  }

  heal(conditions: CoreConditions | undefined): void {
    this.#cuts.clear();
    this.#special.clear();
    if (conditions) this.#usual = kept(conditions);
  }
}

/** A pair of nodes as one number, so that looking it up makes no text. */
export function pairOf(from: number, to: number): number {
  return from * coreWorldLimits.nodesMax + to;
}

function kept(conditions: CoreConditions): Kept {
  return { ...conditions, bytesPerMs: Number.POSITIVE_INFINITY };
}

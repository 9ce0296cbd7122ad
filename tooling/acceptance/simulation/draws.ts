/** Draws: what everything of a run takes from its random source. */
import type { Random } from "@foundation/core/ports";

export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

export function between(random: Random, least: number, most: number): number {
  return Math.round(least + random.next() * (most - least));
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)] as T;
}

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** The same by a number from 0 to 1 that was drawn before. */
export function chosen<T>(from: readonly T[], choice: number): T {
  return from[Math.floor(choice * from.length)] as T;
}

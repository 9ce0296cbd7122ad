/** Seeds: which ones a hunt plays, and with which options. */
import { freshSeeds } from "../../acceptance/simulation/fresh-seeds.js";
import { keptSeeds } from "../../acceptance/simulation/kept-seeds.js";
import type { PlayOptions } from "../../acceptance/simulation/play-seed.js";
import type { Order } from "./order.js";

/** Everything to play, in order: without end when the order has none. */
export function* playsOf(order: Order): Generator<PlayOptions, void> {
  if (order.seed !== undefined) {
    yield playAgain(order, order.seed);
    return;
  }
  const { nodesMin, nodesMax, forMs } = order;
  for (const seed of seedsOf(order)) yield { seed, nodesMin, nodesMax, forMs };
}

/** A hunt without a number of seeds is for finding: it looks somewhere else each time. */
function seedsOf({ count, prefix }: Order): Iterable<string> {
  if (count === undefined) return numbered(prefix ?? `hunt-${Date.now().toString(36)}`);
  return prefix === undefined ? freshSeeds(count) : numbered(prefix, count);
}

function* numbered(prefix: string, count = Number.POSITIVE_INFINITY): Generator<string, void> {
  for (let index = 1; index <= count; index++) yield `${prefix}-${index}`;
}

/** A seed that failed once is kept with what it was played with; that counts unless something else is asked for. */
function playAgain({ nodesMin, nodesMax, forMs, isRangeGiven }: Order, seed: string): PlayOptions {
  const kept = isRangeGiven ? undefined : keptSeeds().find((each) => each.seed === seed);
  return kept ?? { seed, nodesMin, nodesMax, forMs };
}

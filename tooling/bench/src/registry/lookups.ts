/**
 * Look-ups in three orders, each beside a map of the language with the same keys, in the same process and in turns: drawn
 * uniformly (each name out of the cache), by Zipf's law (what applications do: the n-th most wanted name is asked for 1/n as
 * often) and in the order of registration.
 *
 * Every key looked up is a text of its own, flat, as it comes off a wire, and drawn before time is taken. Of what is found
 * the serial is read, on both sides.
 */
import { seededRandom } from "@foundation/core/testing";
import type { Registry } from "@foundation/registry";

export const ORDERS = ["uniform", "zipf", "sequential"] as const;
export type LookupOrder = (typeof ORDERS)[number];

/** Look-ups a second. */
export interface Lookups {
  readonly ours: number;
  readonly bare: number;
}

type Look = (name: string) => number | undefined;

const SEED = "look-ups";
/** Turns of each of the two. */
const ROUNDS = 5;
/** Calls between two looks at the clock. */
const AT_ONCE = 1_000;

/** Look-ups a second of `names` names in each order. */
export function lookupsOf(
  registry: Pick<Registry, "lookup">,
  nameOf: (n: number) => string,
  names: number,
  forMs: number,
): Readonly<Record<LookupOrder, Lookups>> {
  const serials = Array.from(
    { length: names },
    (_, n) => [flat(nameOf(n)), { serial: n }] as const,
  );
  const bare = new Map(serials);
  const ours: Look = (name) => registry.lookup(name)?.pid.serial;
  const theirs: Look = (name) => bare.get(name)?.serial;
  const measured = ORDERS.map((order) => {
    const keys = drawn(order, names).map((n) => flat(nameOf(n)));
    return [order, ratesOf(keys, ours, theirs, forMs)] as const;
  });
  return Object.fromEntries(measured) as Record<LookupOrder, Lookups>;
}

/** As many numbers below `names`, in the order in which they are looked up. */
export function drawn(order: LookupOrder, names: number): readonly number[] {
  const random = seededRandom(SEED);
  switch (order) {
    case "uniform":
      return Array.from({ length: names }, () => Math.floor(random.next() * names));
    case "zipf":
      return zipf(names, () => random.next());
    case "sequential":
      return Array.from({ length: names }, (_, n) => n);
    default:
      return order satisfies never;
  }
}

/** Which names are wanted most has nothing to do with the order of their registration. */
function zipf(names: number, next: () => number): readonly number[] {
  const byRank = Array.from({ length: names }, (_, n) => [next(), n] as const);
  byRank.sort(([a], [b]) => a - b);
  let sum = 0;
  const upTo = byRank.map((_, rank) => (sum += 1 / (rank + 1)));
  return byRank.map(() => {
    const wanted = next() * sum;
    let [low, high] = [0, names - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((upTo[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return (byRank[low] as readonly [number, number])[1];
  });
}

/** A text put together of others stays a tree of them: half a dozen more memory accesses, on both sides. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}

function ratesOf(keys: readonly string[], ours: Look, bare: Look, forMs: number): Lookups {
  for (const look of [ours, bare]) rateOf(keys, look, forMs / 4);
  const rates: Lookups[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const turnMs = forMs / ROUNDS;
    rates.push({ ours: rateOf(keys, ours, turnMs), bare: rateOf(keys, bare, turnMs) });
  }
  const mean = (side: keyof Lookups) =>
    ROUNDS / rates.reduce((seconds, rate) => seconds + 1 / rate[side], 0);
  return { ours: mean("ours"), bare: mean("bare") };
}

function rateOf(keys: readonly string[], look: Look, forMs: number): number {
  const startedMs = performance.now();
  let nowMs = startedMs;
  let [done, found, at] = [0, 0, 0];
  for (; nowMs - startedMs < forMs; nowMs = performance.now()) {
    for (let i = 0; i < AT_ONCE; i += 1) {
      if (look(keys[at] as string) !== undefined) found += 1;
      at = at + 1 === keys.length ? 0 : at + 1;
    }
    done += AT_ONCE;
  }
  if (found !== done) throw new Error(`${done - found} of ${done} names were not found`);
  return (done * 1_000) / (nowMs - startedMs);
}

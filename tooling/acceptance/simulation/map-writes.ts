/** Map writes: what the workload does to a replicated map, and what its writer must see at once. */
import { chosen } from "./draws.js";
import type { StampedMap } from "./stamped-map.js";

const keys = Array.from({ length: 16 }, (_, index) => `key-${index}`);

/** Numbers from 0 to 1: which key, how many keys, what is done. */
interface Draw {
  readonly name: number;
  readonly amount: number;
  readonly other: number;
}

/** Writes, deletes, or writes several keys at once; gives what the writer then finds and should not. */
export function writeMap(
  map: StampedMap,
  { name, amount, other }: Draw,
  value: () => string,
): readonly string[] {
  const key = chosen(keys, name);
  const written = new Map<string, string | undefined>();
  if (other < 0.3) {
    written.set(key, undefined);
    map.delete(key);
  } else if (other < 0.9) {
    const one = value();
    written.set(key, one);
    map.set(key, one);
  } else {
    for (const each of keys.slice(0, Math.ceil(amount * keys.length))) written.set(each, value());
    for (const [each, one] of written) map.set(each, one as string);
  }
  // Whatever the wall clocks say, a write wins over what its writer had seen.
  return [...written]
    .filter(([each, one]) => map.get(each) !== one)
    .map(([each, one]) => `"${each}" was written "${one}", is "${map.get(each)}"`);
}

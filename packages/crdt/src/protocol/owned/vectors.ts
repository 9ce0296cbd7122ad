/** Vectors: where a node stands with all shards it can see, in messages of limited size. */
import { END_OF_IDS, type Vector, type VectorEntry } from "./messages.js";
import type { Shard } from "./shard.js";

/** Where a shard stands here. */
export function placeOf<V>({ owner, boot, sequence, floor }: Shard<V>): VectorEntry {
  return [owner, boot, sequence, floor];
}

/** The places of all visible shards, in messages that together cover every id. */
export function* vectorsOf(places: VectorEntry[], entriesMax: number): Generator<Vector> {
  places.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  let after = "";
  for (let start = 0; start < places.length; start += entriesMax) {
    const entries = places.slice(start, start + entriesMax);
    const isLast = start + entriesMax >= places.length;
    const through = isLast ? END_OF_IDS : (entries.at(-1)?.[0] ?? END_OF_IDS);
    yield { type: "vector", range: { after, through }, entries };
    after = through;
  }
}

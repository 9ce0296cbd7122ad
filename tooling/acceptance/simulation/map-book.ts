/**
 * MapBook: what every node saw of the replicated map, kept outside of them, and what must be there in the end.
 *
 * The truth about a key is the write with the greatest stamp that any living start has seen, its own writes included:
 * when all are connected every node must show just that. So no write of a living node is lost unless a later one
 * replaced it, and nothing that was deleted comes back.
 */
import type { WriteStamp } from "@foundation/crdt";
import type { StampedChange } from "./stamped-map.js";

/** The last change of a key that one start of a node saw. */
interface Seen {
  readonly value: string | undefined;
  readonly stamp: WriteStamp;
}

/** What one node shows at the moment. */
export interface MapView {
  readonly name: string;
  readonly writer: string;
  readonly entries: ReadonlyMap<string, string>;
}

export class MapBook {
  /** By start of a node, by key. */
  readonly #seen = new Map<string, Map<string, Seen>>();
  /** Of each key, the stamps that were given to a write. */
  readonly #given = new Set<string>();
  readonly violations: string[] = [];
  writes = 0;

  /** A start of a node tells a change it sees. */
  note(writer: string, change: StampedChange): void {
    let seen = this.#seen.get(writer);
    if (seen === undefined) this.#seen.set(writer, (seen = new Map<string, Seen>()));
    const before = seen.get(change.key);
    if (before !== undefined && compareStamps(change.stamp, before.stamp) <= 0) {
      const what = `${shown(change.stamp)} after ${shown(before.stamp)}`;
      this.violations.push(`map on ${writer}: "${change.key}" took the older write ${what}`);
    }
    if (change.local) this.#written(writer, change);
    const value = change.type === "set" ? change.value : undefined;
    seen.set(change.key, { value, stamp: change.stamp });
  }

  /** What is not as it must be, given what the living nodes show. */
  differences(views: readonly MapView[]): readonly string[] {
    const wrong: string[] = [];
    const truth = this.#truth(views.map(({ writer }) => writer));
    for (const { name, entries } of views) {
      for (const [key, { value, stamp }] of truth) {
        const found = entries.get(key);
        if (found === value) continue;
        const expected = value === undefined ? "was deleted" : `is "${value}"`;
        const has = found === undefined ? "nothing" : `"${found}"`;
        wrong.push(`map on ${name}: "${key}" ${expected} by ${shown(stamp)}, found ${has}`);
      }
      for (const [key, value] of entries) {
        if (!truth.has(key)) wrong.push(`map on ${name}: nobody wrote "${key}" = "${value}"`);
      }
    }
    return wrong;
  }

  /** Replicas compare stamps, not values: with one stamp for two writes they would differ unseen. */
  #written(writer: string, { key, stamp }: StampedChange): void {
    this.writes += 1;
    const given = `${key} ${JSON.stringify(stamp)}`;
    if (this.#given.has(given)) {
      this.violations.push(`map on ${writer}: "${key}" was written twice at ${shown(stamp)}`);
    }
    this.#given.add(given);
  }

  #truth(writers: readonly string[]): ReadonlyMap<string, Seen> {
    const truth = new Map<string, Seen>();
    for (const writer of writers) {
      for (const [key, seen] of this.#seen.get(writer) ?? []) {
        const best = truth.get(key);
        if (best === undefined || compareStamps(seen.stamp, best.stamp) > 0) truth.set(key, seen);
      }
    }
    return truth;
  }
}

/** Written once more than the map has it: a mistake there must not hide here. */
function compareStamps(a: WriteStamp, b: WriteStamp): number {
  if (a.wallMs !== b.wallMs) return a.wallMs - b.wallMs;
  if (a.counter !== b.counter) return a.counter - b.counter;
  if (a.node !== b.node) return a.node < b.node ? -1 : 1;
  if (a.boot === b.boot) return 0;
  return a.boot < b.boot ? -1 : 1;
}

function shown({ wallMs, counter, node, boot }: WriteStamp): string {
  return `${wallMs}.${counter} of ${node.slice(0, 8)}/${boot}`;
}

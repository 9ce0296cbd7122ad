/**
 * LogView: a log as (index, term) of each entry, and the configurations in it: what checks need of one, kept up to date
 * write by write because most checks look at it after each.
 */
import type { Configuration, Entry, SnapshotMeta } from "@foundation/consensus";

export class LogView {
  readonly #terms = new Map<number, number>();
  readonly #configurations: { readonly index: number; readonly configuration: Configuration }[] =
    [];
  #last = 0;

  get lastIndex(): number {
    return this.#last;
  }

  get terms(): ReadonlyMap<number, number> {
    return this.#terms;
  }

  termAt(index: number): number | undefined {
    return index === 0 ? 0 : this.#terms.get(index);
  }

  /** The latest one in the log. */
  get configuration(): Configuration | undefined {
    return this.#configurations.at(-1)?.configuration;
  }

  /** Begins anew behind a snapshot. */
  restart({ index, term, configuration }: SnapshotMeta): void {
    this.#terms.clear();
    this.#terms.set(index, term);
    this.#configurations.splice(0, Infinity, { index, configuration });
    this.#last = index;
  }

  /** Puts entries behind `after`; gives what was there and is not any more. */
  replace(after: number, entries: readonly Entry[]): readonly (readonly [number, number])[] {
    const gone: (readonly [number, number])[] = [];
    for (let index = this.#last; index > after; index -= 1) {
      const term = this.#terms.get(index);
      if (term !== undefined && entries[index - after - 1]?.term !== term) gone.push([index, term]);
      this.#terms.delete(index);
    }
    while ((this.#configurations.at(-1)?.index ?? 0) > after) this.#configurations.pop();
    this.#last = after;
    for (const entry of entries) {
      this.#terms.set(entry.index, entry.term);
      this.#last = entry.index;
      if (entry.type !== "configuration") continue;
      this.#configurations.push({ index: entry.index, configuration: entry.configuration });
    }
    return gone;
  }

  /** A snapshot has what is up to `index`, and the log forgets it up to `to`. */
  compact({ index, term }: SnapshotMeta, to: number): void {
    // A leader's snapshot that is being installed has taken this one's place.
    if (!this.#terms.has(index)) return;
    for (const each of this.#terms.keys()) if (each <= to) this.#terms.delete(each);
    this.#terms.set(index, term);
  }
}

/**
 * View: what the readers of a store see, and how it changed since they were last told.
 *
 * Shards come and go with their owners; an entry is seen while its shard is visible. Whatever a shard
 * gains or loses passes here, once, so the index and the changes cannot tell two stories.
 */
import { ClaimIndex } from "./claims.js";
import type { OwnedChange } from "./inputs.js";
import type { Entry, Replacement, Shard } from "./shard.js";

export class View<V> {
  readonly claims = new ClaimIndex<V>();
  #changes: OwnedChange<V>[] = [];

  /** What has changed since this was last asked. */
  takeChanges(): readonly OwnedChange<V>[] {
    const changes = this.#changes;
    if (changes.length > 0) this.#changes = [];
    return changes;
  }

  /** A shard has become visible. */
  show(shard: Shard<V>): void {
    for (const entry of shard.live()) this.note({ before: undefined, after: entry });
  }

  /** A shard is not visible any more. */
  hide(shard: Shard<V>): void {
    for (const entry of shard.live()) this.#forget(entry);
  }

  /** A visible shard's place is taken by a newer whole one: readers see the difference. */
  replace(old: Shard<V>, whole: Shard<V>): void {
    for (const entry of old.live()) {
      const latest = whole.latest(entry.key);
      if (latest === undefined || latest.deleted) this.#forget(entry);
    }
    for (const entry of whole.live()) this.note({ before: old.latest(entry.key), after: entry });
  }

  /** One write of a visible shard. */
  note({ before, after }: Replacement<V>): void {
    const hadValue = before !== undefined && !before.deleted;
    if (hadValue) this.claims.remove(before);
    if (!after.deleted) this.claims.add(after);
    const { key, owner, boot } = after;
    const value = after.value as V;
    if (hadValue) {
      const previous = before.value as V;
      if (after.deleted) this.#changes.push({ type: "removed", key, previous, owner, boot });
      else if (before.sequence !== after.sequence) {
        this.#changes.push({ type: "changed", key, value, previous, owner, boot });
      }
    } else if (!after.deleted) this.#changes.push({ type: "added", key, value, owner, boot });
  }

  /** A visible entry is gone without a write: its shard was hidden, dropped or replaced. */
  #forget(entry: Entry<V>): void {
    this.claims.remove(entry);
    const { key, owner, boot } = entry;
    this.#changes.push({ type: "removed", key, previous: entry.value as V, owner, boot });
  }
}

/**
 * Quorums: how many of a key's N owners must answer, and what their answers mean together.
 *
 * As Attiya, Bar-Noy and Dolev's register (1995, doi:10.1145/200836.200869), with one difference: a key has one primary in
 * an epoch, so that a write may depend on what it replaces. An epoch follows another by sealing: enough old owners promise
 * never to serve the old one again (vertical Paxos, https://www.microsoft.com/en-us/research/publication/vertical-paxos-and-primary-backup-replication/).
 *
 * Invariants, for every N ≥ 2: two writes, a write and a read, a seal and a write, a seal and a read of one bucket always
 * have an owner in common. With two owners, the loss of one waits for the next epoch, and loses nothing.
 */
import { invariant } from "./invariant.js";
import { newestOf, type Item } from "./item.js";
import { compareVersions, type Version } from "./version.js";

/** Owners that must have taken a write, or answered a read. */
export function quorumOf(owners: number): number {
  return Math.floor(owners / 2) + 1;
}

/** Old owners that must be sealed, so that none of their quorums can be reached again. */
export function sealOf(owners: number): number {
  const seal = owners - quorumOf(owners) + 1;
  invariant(seal + quorumOf(owners) > owners, "a seal meets every quorum");
  return seal;
}

/** What one owner says about a key. */
export interface Answer {
  /** Undefined: it knows nothing of the key but the floor of its bucket. */
  readonly item: Item | undefined;
  readonly floor: Version;
}

/**
 * The newest that was written, by the answers of a quorum. An owner without the key may have given it up: then what the
 * others have is believed only above its floor.
 */
export function resolve(answers: readonly Answer[]): Item | undefined {
  const items = answers.flatMap(({ item }) => (item === undefined ? [] : [item]));
  const newest = newestOf(items);
  if (newest === undefined) return undefined;
  for (const { item, floor } of answers) {
    if (item === undefined && compareVersions(newest.version, floor) <= 0) return undefined;
  }
  return newest;
}

/** What a new owner may believe of a bucket, by what a seal of the old owners held. */
export function mergeSnapshots(
  snapshots: readonly { readonly items: ReadonlyMap<string, Item>; readonly floor: Version }[],
): readonly Item[] {
  const keys = new Set(snapshots.flatMap(({ items }) => [...items.keys()]));
  const merged: Item[] = [];
  for (const key of keys) {
    const answers = snapshots.map(({ items, floor }) => ({ item: items.get(key), floor }));
    const item = resolve(answers);
    if (item !== undefined) merged.push(item);
  }
  return merged;
}

/**
 * Occupancy: how many children of which kind each node runs, kept as specs change.
 *
 * Constraints ask it for every node and every child without one, so it must not search: counts by
 * group and by definition are always kept, those by prefix from the first question on.
 *
 * Invariants: what `put` says of an identity replaces what was said before; every count is that of
 * the children put last. Limit: `PREFIXES_MAX` prefixes are kept, the oldest is counted anew when it
 * is asked for again.
 */
import { assert } from "./assert.js";
import type { ChildSpec, Owner } from "./child-spec.js";
import { isSelected, selectorOf, type Peer, type Selector } from "./peers.js";

/** What constraints need to know of a child: a spec, or the request to start one. */
export type Placeable = Pick<ChildSpec, "identity" | "definition" | "on" | "rules">;

const PREFIXES_MAX = 64;

interface Entry extends Peer {
  readonly at: string;
  /** Whom it keeps off its node. */
  readonly excludes: Selector | undefined;
}

type Counts = Map<string, number>;

/** Counts of children by node. */
export class Occupancy {
  readonly #entries = new Map<string, Entry>();
  readonly #totals: Counts = new Map();
  readonly #bySelector = new Map<Selector, Counts>();
  /** Selectors that children of a node keep off it. */
  readonly #exclusions = new Map<string, Map<Selector, number>>();
  readonly #prefixes = new Set<Selector>();

  /** The child runs, or is about to run, on that start of that node. */
  put(child: Placeable, owner: Owner): void {
    this.remove(child.identity);
    const entry = entryOf(child, owner);
    this.#entries.set(entry.identity, entry);
    this.#count(entry, 1);
  }

  /** The child runs nowhere. */
  remove(identity: string): void {
    const entry = this.#entries.get(identity);
    if (entry === undefined) return;
    this.#entries.delete(identity);
    this.#count(entry, -1);
  }

  /** True when any child keeps others off its node. */
  get hasExclusions(): boolean {
    return this.#exclusions.size > 0;
  }

  /** Children on the node. */
  total(owner: Owner): number {
    return this.#totals.get(keyOf(owner)) ?? 0;
  }

  /** Of those selected, how many run on the node; the child that asks does not count itself. */
  count(selector: Selector, owner: Owner, asking: Placeable): number {
    const at = keyOf(owner);
    const all = this.#countsOf(selector).get(at) ?? 0;
    const own = this.#entries.get(asking.identity);
    return own !== undefined && own.at === at && isSelected(selector, own) ? all - 1 : all;
  }

  /** By which exclusion the children of the node keep the child off it, if they do. */
  exclusion(owner: Owner, child: Placeable): Selector | undefined {
    const at = keyOf(owner);
    const there = this.#exclusions.get(at);
    if (there === undefined) return undefined;
    const own = this.#entries.get(child.identity);
    const peer = peerOf(child);
    for (const [selector, count] of there) {
      const others = own !== undefined && own.at === at && own.excludes === selector ? 1 : 0;
      if (count > others && isSelected(selector, peer)) return selector;
    }
    return undefined;
  }

  /** True when some child, on whatever node, keeps this one off its node. */
  isExcluded(child: Placeable): boolean {
    const peer = peerOf(child);
    for (const there of this.#exclusions.values()) {
      for (const selector of there.keys()) if (isSelected(selector, peer)) return true;
    }
    return false;
  }

  #countsOf(selector: Selector): Counts {
    const known = this.#bySelector.get(selector);
    if (known !== undefined) return known;
    const counts: Counts = new Map();
    if (!selector.startsWith("p:")) return counts;
    for (const entry of this.#entries.values()) {
      if (isSelected(selector, entry)) add(counts, entry.at, 1);
    }
    this.#bySelector.set(selector, counts);
    this.#prefixes.add(selector);
    if (this.#prefixes.size > PREFIXES_MAX) {
      const [oldest] = this.#prefixes as Iterable<Selector>;
      if (oldest === undefined) return counts;
      this.#prefixes.delete(oldest);
      this.#bySelector.delete(oldest);
    }
    return counts;
  }

  #count(entry: Entry, change: 1 | -1): void {
    const { at, definition, group, excludes } = entry;
    add(this.#totals, at, change);
    this.#countIn(`d:${definition}`, at, change);
    if (group !== undefined) this.#countIn(`g:${group}`, at, change);
    for (const prefix of this.#prefixes) {
      if (isSelected(prefix, entry)) this.#countIn(prefix, at, change);
    }
    if (excludes === undefined) return;
    const there = this.#exclusions.get(at) ?? new Map<Selector, number>();
    this.#exclusions.set(at, there);
    add(there, excludes, change);
    if (there.size === 0) this.#exclusions.delete(at);
  }

  #countIn(selector: Selector, at: string, change: 1 | -1): void {
    let counts = this.#bySelector.get(selector);
    if (counts === undefined) this.#bySelector.set(selector, (counts = new Map()));
    add(counts, at, change);
    if (counts.size === 0 && !this.#prefixes.has(selector)) this.#bySelector.delete(selector);
  }
}

/** A child as selectors see it. */
export function peerOf({ identity, definition, rules }: Placeable): Peer {
  return { identity, definition, group: rules?.constraints?.group };
}

function entryOf(child: Placeable, owner: Owner): Entry {
  const peer = peerOf(child);
  const { antiAffinity } = child.rules?.constraints ?? {};
  const isHard = antiAffinity !== undefined && antiAffinity.preferred !== true;
  const excludes = isHard ? selectorOf(antiAffinity, peer) : undefined;
  return { ...peer, at: keyOf(owner), excludes };
}

function keyOf({ node, boot }: Owner): string {
  return `${node}/${boot}`;
}

function add<K>(counts: Map<K, number>, key: K, change: number): void {
  const next = (counts.get(key) ?? 0) + change;
  assert(next >= 0, "nothing is taken away that was not counted");
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

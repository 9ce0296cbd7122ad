/**
 * SortedMap: texts in order, each with a value, and copies that cost nothing.
 *
 * Why it exists: a store of a million keys has to range from any key, to count what is between two, and to be written
 * to a snapshot as it is now while commands go on. It is a list of pages of at most `PAGE_KEYS_MAX` keys: two binary
 * searches find a key, an insertion moves one page's keys, a count adds up pages. That is the shape of a B+ tree of two
 * levels, which is enough for tens of millions of keys; the libraries there are have no count, and more levels.
 *
 * Invariants: no page is empty; keys rise within a page and from page to page; a page that a copy shares is not changed
 * but replaced.
 */
import { invariant } from "../invariant.js";
import { PAGE_KEYS_MAX } from "./limits.js";

interface Page<Value> {
  readonly keys: string[];
  readonly values: Value[];
  /** The map that may change it. */
  readonly owner: object;
}

export class SortedMap<Value> {
  #pages: Page<Value>[] = [];
  #size = 0;
  /** Changes with each copy, so that no page made before it is taken for this map's own. */
  #owner: object = {};

  get size(): number {
    return this.#size;
  }

  get(key: string): Value | undefined {
    const page = this.#pages[this.#pageOf(key)];
    if (!page) return undefined;
    const at = lowerBound(page.keys, key);
    return page.keys[at] === key ? page.values[at] : undefined;
  }

  /** @returns what it replaces */
  set(key: string, value: Value): Value | undefined {
    if (this.#pages.length === 0) {
      this.#pages.push({ keys: [key], values: [value], owner: this.#owner });
      this.#size = 1;
      return undefined;
    }
    const number = Math.max(0, this.#pageOf(key));
    const page = this.#own(number);
    const at = lowerBound(page.keys, key);
    if (page.keys[at] === key) {
      const previous = page.values[at];
      page.values[at] = value;
      return previous;
    }
    this.#size += 1;
    // Keys that come in order fill pages one after the other, instead of halving each.
    const isLast = number === this.#pages.length - 1 && at === page.keys.length;
    if (isLast && page.keys.length === PAGE_KEYS_MAX) {
      this.#pages.push({ keys: [key], values: [value], owner: this.#owner });
      return undefined;
    }
    page.keys.splice(at, 0, key);
    page.values.splice(at, 0, value);
    if (page.keys.length > PAGE_KEYS_MAX) this.#split(number, page);
    return undefined;
  }

  /** @returns what it deleted */
  delete(key: string): Value | undefined {
    const number = this.#pageOf(key);
    const found = this.#pages[number];
    if (!found) return undefined;
    const at = lowerBound(found.keys, key);
    if (found.keys[at] !== key) return undefined;
    const page = this.#own(number);
    page.keys.splice(at, 1);
    const [previous] = page.values.splice(at, 1);
    this.#size -= 1;
    if (page.keys.length === 0) this.#pages.splice(number, 1);
    else this.#join(number);
    return previous;
  }

  /** How many keys there are from `from` up to, not including, `to`. */
  count(from: string, to: string): number {
    if (from >= to) return 0;
    const [first, firstAt] = this.#seek(from);
    const [last, lastAt] = this.#seek(to);
    let count = lastAt - firstAt;
    for (let i = first; i < last; i += 1) count += this.#pages[i]?.keys.length ?? 0;
    return count;
  }

  /** The first values from `from` up to, not including, `to`. */
  collect(from: string, to: string, limit: number): Value[] {
    const values: Value[] = [];
    let [number, at] = this.#seek(from);
    for (; number < this.#pages.length; number += 1, at = 0) {
      const page = this.#pages[number] as Page<Value>;
      for (; at < page.keys.length; at += 1) {
        if (values.length >= limit || (page.keys[at] as string) >= to) return values;
        values.push(page.values[at] as Value);
      }
    }
    return values;
  }

  /** Keys and values from `from` up to, not including, `to`. The map must not change meanwhile. */
  *entries(from = "", to?: string): Generator<readonly [key: string, value: Value]> {
    let [number, at] = this.#seek(from);
    for (; number < this.#pages.length; number += 1, at = 0) {
      const page = this.#pages[number] as Page<Value>;
      for (; at < page.keys.length; at += 1) {
        const key = page.keys[at] as string;
        if (to !== undefined && key >= to) return;
        yield [key, page.values[at] as Value];
      }
    }
  }

  /** The map as it is now, whatever happens to this one. */
  copy(): SortedMap<Value> {
    const copy = new SortedMap<Value>();
    copy.#pages = this.#pages.slice();
    copy.#size = this.#size;
    this.#owner = {};
    return copy;
  }

  /** Number of the page that has the key if any does; -1 when it is before all. */
  #pageOf(key: string): number {
    let low = 0;
    let high = this.#pages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pages[middle]?.keys[0] as string) <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Where the first key that is not before `key` stands, or would. */
  #seek(key: string): [number: number, at: number] {
    const number = Math.max(0, this.#pageOf(key));
    const page = this.#pages[number];
    return [number, page ? lowerBound(page.keys, key) : 0];
  }

  #own(number: number): Page<Value> {
    const page = this.#pages[number];
    invariant(page !== undefined, "a page of a sorted map is looked for where it is");
    if (page.owner === this.#owner) return page;
    const own = { keys: page.keys.slice(), values: page.values.slice(), owner: this.#owner };
    this.#pages[number] = own;
    return own;
  }

  #split(number: number, page: Page<Value>): void {
    const half = page.keys.length >>> 1;
    const keys = page.keys.splice(half);
    const values = page.values.splice(half);
    this.#pages.splice(number + 1, 0, { keys, values, owner: this.#owner });
  }

  /** Puts a page and the next one together when they fill a half: so pages stay few after deletions. */
  #join(number: number): void {
    const page = this.#pages[number] as Page<Value>;
    const next = this.#pages[number + 1];
    if (!next || page.keys.length + next.keys.length > PAGE_KEYS_MAX / 2) return;
    for (const key of next.keys) page.keys.push(key);
    for (const value of next.values) page.values.push(value);
    this.#pages.splice(number + 1, 1);
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * TopicTrie: which of many patterns a topic matches, in time that does not depend on how many
 * patterns there are.
 *
 * A node a segment; `*` and `>` are children like others, so a walk follows at most the exact child
 * and `*` at each step and collects `>` on the way.
 *
 * Invariants: a value is in the trie once for each pattern it was added under; nodes without values
 * and children are removed, so memory follows the number of patterns.
 */
import { ANY, REST } from "./topic-name.js";

interface Branch<T> {
  readonly children: Map<string, Branch<T>>;
  readonly values: Set<T>;
}

export class TopicTrie<T> {
  readonly #root: Branch<T> = branch();
  #size = 0;

  /** How many (pattern, value) pairs there are. */
  get size(): number {
    return this.#size;
  }

  /** Adds a value under a pattern; false when it is there already. */
  add(pattern: readonly string[], value: T): boolean {
    let at = this.#root;
    for (const segment of pattern) {
      let next = at.children.get(segment);
      if (next === undefined) {
        next = branch();
        at.children.set(segment, next);
      }
      at = next;
    }
    if (at.values.has(value)) return false;
    at.values.add(value);
    this.#size += 1;
    return true;
  }

  /** Removes a value from a pattern; false when it was not there. */
  remove(pattern: readonly string[], value: T): boolean {
    const path: Branch<T>[] = [this.#root];
    for (const segment of pattern) {
      const next = path.at(-1)?.children.get(segment);
      if (next === undefined) return false;
      path.push(next);
    }
    if (path.at(-1)?.values.delete(value) !== true) return false;
    this.#size -= 1;
    for (let depth = pattern.length; depth > 0; depth -= 1) {
      const leaf = path[depth];
      if (leaf === undefined || leaf.values.size > 0 || leaf.children.size > 0) break;
      path[depth - 1]?.children.delete(pattern[depth - 1] ?? "");
    }
    return true;
  }

  /** Each value once that was added under a pattern the topic matches. */
  match(topic: readonly string[]): ReadonlySet<T> {
    const found = new Set<T>();
    collect(this.#root, topic, 0, found);
    return found;
  }
}

function branch<T>(): Branch<T> {
  return { children: new Map(), values: new Set() };
}

function collect<T>(at: Branch<T>, topic: readonly string[], depth: number, found: Set<T>): void {
  if (depth === topic.length) {
    for (const value of at.values) found.add(value);
    return;
  }
  const rest = at.children.get(REST);
  if (rest !== undefined) for (const value of rest.values) found.add(value);
  const exact = at.children.get(topic[depth] ?? "");
  if (exact !== undefined) collect(exact, topic, depth + 1, found);
  const any = at.children.get(ANY);
  if (any !== undefined) collect(any, topic, depth + 1, found);
}

/**
 * NameWatchers: who is told of changes of names, and what each was told last.
 *
 * What a watched name led to is remembered here alone, and only while somebody watches it: names nobody watches cost
 * nothing. A name is told of once for each change of where it leads, also when its claims change more often.
 * Limit: `watchBuffer`.
 */
import { boundedStream, type BoundedStream } from "@foundation/core";
import { sameOwner } from "../../protocol/child-spec.js";
import { isGenerated } from "../../protocol/names.js";
import type { Located, NameEntry } from "./name-store.js";

/** A change of a name, as this node learns it. */
export type NameEvent =
  | { readonly type: "registered"; readonly entry: NameEntry }
  /** The same name leads elsewhere now: a restart, a takeover, a resolved conflict. */
  | { readonly type: "moved"; readonly entry: NameEntry; readonly previous: NameEntry }
  /** The same process has it, and something else is kept beside it. */
  | { readonly type: "updated"; readonly entry: NameEntry; readonly previous: NameEntry }
  | { readonly type: "unregistered"; readonly entry: NameEntry };

interface Watcher {
  readonly prefix: string;
  readonly stream: BoundedStream<NameEvent>;
}

export class NameWatchers {
  readonly #bufferMax: number;
  readonly #watchers = new Set<Watcher>();
  /** Where the watched names led when they were last told of. */
  readonly #told = new Map<string, Located>();

  constructor(bufferMax: number) {
    this.#bufferMax = bufferMax;
  }

  isWatched(name: string): boolean {
    if (this.#watchers.size === 0 || isGenerated(name)) return false;
    for (const { prefix } of this.#watchers) if (name.startsWith(prefix)) return true;
    return false;
  }

  /** Gives the present entries as `registered`, in the order of `present`, then every change. */
  watch(
    prefix: string,
    present: readonly Located[],
    signal: AbortSignal | undefined,
  ): AsyncIterableIterator<NameEvent> {
    const stream = boundedStream<NameEvent>({
      name: "registry.watch",
      buffer: this.#bufferMax,
      overflow: "drop-oldest",
      signal,
      onEnd: () => this.#ended(watcher),
    });
    const watcher: Watcher = { prefix, stream };
    if (stream.ended) return stream.iterator;
    for (const located of present) {
      this.#told.set(located.name, located);
      stream.push({ type: "registered", entry: entryOf(located) });
    }
    this.#watchers.add(watcher);
    return stream.iterator;
  }

  /** Where a watched name leads now. */
  note(name: string, located: Located | undefined): void {
    const previous = this.#told.get(name);
    if (located === undefined) this.#told.delete(name);
    else this.#told.set(name, located);
    const event = eventOf(previous, located);
    if (event === undefined) return;
    for (const { prefix, stream } of this.#watchers) {
      if (name.startsWith(prefix)) stream.push(event);
    }
  }

  close(): void {
    for (const { stream } of [...this.#watchers]) stream.end();
  }

  #ended(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    for (const name of this.#told.keys()) if (!this.isWatched(name)) this.#told.delete(name);
  }
}

export function entryOf({ name, pid, definition, meta }: NameEntry): NameEntry {
  return { name, pid, definition, meta };
}

function eventOf(previous: Located | undefined, next: Located | undefined): NameEvent | undefined {
  if (next === undefined) return previous && { type: "unregistered", entry: entryOf(previous) };
  if (previous === undefined) return { type: "registered", entry: entryOf(next) };
  const { pid } = next;
  const same = sameOwner(pid, previous.pid) && pid.serial === previous.pid.serial;
  if (same && next.meta === previous.meta) return undefined;
  const type = same ? "updated" : "moved";
  return { type, entry: entryOf(next), previous: entryOf(previous) };
}

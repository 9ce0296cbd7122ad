/**
 * A watch of the key-value store.
 *
 * Invariants: every change once, in the order of revisions, those of one revision one after the other; after a snapshot
 * comes what happened after it. A reader that is slow holds nothing up but itself.
 */
import type { KeyRange, Revision } from "../../engine/engine.js";
import { follow } from "../follow.js";
import { joinSignals } from "../patience.js";
import type { RecipeWorld } from "../world.js";
import { entryOf, type KvEntry } from "./entry.js";

export interface KvWatchOptions {
  /** Ends the loop, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** The first revision wanted. Not together with `initial`. @default the next one */
  readonly from?: Revision | undefined;
  /** Gives a snapshot first. @default false */
  readonly initial?: boolean | undefined;
}

export type KvEvent<T> =
  | {
      readonly type: "put";
      readonly key: string;
      readonly revision: Revision;
      readonly entry: KvEntry<T>;
      readonly previous?: KvEntry<T>;
    }
  | {
      readonly type: "delete";
      readonly key: string;
      readonly revision: Revision;
      readonly previous?: KvEntry<T>;
    }
  | {
      /**
       * All there is: first of all when asked for, or because the store has forgotten the changes that came next
       * ("compacted"): what is not in it is gone, whenever that was.
       */
      readonly type: "snapshot";
      readonly reason: "initial" | "compacted";
      readonly revision: Revision;
      readonly entries: readonly KvEntry<T>[];
    };

/** Changes for one loop. */
export interface KvWatch<T>
  extends AsyncIterableIterator<KvEvent<T>, undefined, undefined>,
    AsyncDisposable {
  /** Resolves when it is certain that every later change is given. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export function watchKv<T>(
  world: RecipeWorld,
  prefix: string,
  range: KeyRange,
  options: KvWatchOptions,
  wants: (key: string) => boolean = () => true,
): KvWatch<T> {
  const closed = new AbortController();
  const either = joinSignals(options.signal, closed.signal);
  const begin = firstRevision(world, range, options, either.signal);
  begin.catch(() => undefined);
  const events = eventsOf<T>({ world, prefix, range, wants }, begin, either);
  const close = async () => {
    closed.abort();
    await events.return(undefined);
  };
  return {
    next: () => events.next(),
    async return() {
      await close();
      return { done: true, value: undefined };
    },
    ready: async () => {
      await begin;
    },
    close,
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Where the watch begins is decided at once, not when its reader comes. */
async function firstRevision(
  world: RecipeWorld,
  range: KeyRange,
  { from, initial }: KvWatchOptions,
  signal: AbortSignal,
): Promise<Revision | undefined> {
  if (initial === true) return undefined;
  if (from !== undefined) return from;
  const watch = world.engine.watch(range, { signal });
  try {
    return await watch.ready();
  } finally {
    await watch.close();
  }
}

interface Watched {
  readonly world: RecipeWorld;
  readonly prefix: string;
  readonly range: KeyRange;
  /** Of the keys of the range, by their whole names. */
  readonly wants: (key: string) => boolean;
}

async function* eventsOf<T>(
  { world, prefix, range, wants }: Watched,
  begin: Promise<Revision | undefined>,
  { signal, end }: { readonly signal: AbortSignal; end(): void },
): AsyncGenerator<KvEvent<T>, undefined, undefined> {
  const { codec } = world;
  try {
    const from = await begin.catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    for await (const each of follow(world, range, { signal, from })) {
      const { revision } = each;
      if (each.type === "snapshot") {
        const { type, reason } = each;
        const wanted = each.pairs.filter(({ key }) => wants(key));
        const entries = wanted.map((pair) => entryOf<T>(codec, prefix, pair));
        yield { type, reason, revision, entries };
        continue;
      }
      for (const change of each.changes) {
        if (!wants(change.type === "put" ? change.pair.key : change.key)) continue;
        const before = change.previous && entryOf<T>(codec, prefix, change.previous);
        const previous = before && { previous: before };
        if (change.type === "put") {
          const entry = entryOf<T>(codec, prefix, change.pair);
          yield { type: "put", key: entry.key, revision, entry, ...previous };
        } else {
          yield { type: "delete", key: change.key.slice(prefix.length), revision, ...previous };
        }
      }
    }
    return undefined;
  } finally {
    end();
  }
}

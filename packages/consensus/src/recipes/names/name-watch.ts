/** A watch of names: what the keys of owners say, in the words of names. */
import type { NameEvent, NameOwner, NameWatch, NameWatchOptions } from "@foundation/core/ports";
import type { KeyRange } from "../../engine/engine.js";
import type { KvEntry } from "../kv/entry.js";
import { watchKv, type KvEvent } from "../kv/watch.js";
import type { RecipeWorld } from "../world.js";
import type { Owned } from "./names.js";

export function watchNames<T>(
  world: RecipeWorld,
  prefix: string,
  range: KeyRange,
  options: NameWatchOptions,
): NameWatch<T> {
  const watch = watchKv<Owned<T>>(world, prefix, range, options);
  return {
    async next() {
      const { done, value } = await watch.next();
      return done === true ? { done, value: undefined } : { done: false, value: eventOf(value) };
    },
    async return() {
      await watch.close();
      return { done: true, value: undefined };
    },
    ready: () => watch.ready(),
    close: () => watch.close(),
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: () => watch.close(),
  };
}

function eventOf<T>(event: KvEvent<Owned<T>>): NameEvent<T> {
  switch (event.type) {
    case "put":
      return { type: "owned", owner: ownerOf(event.entry) };
    case "delete":
      return { type: "free", name: decodeURIComponent(event.key) };
    case "snapshot":
      return { type: "snapshot", owners: event.entries.map((entry) => ownerOf(entry)) };
    default:
      return event satisfies never;
  }
}

function ownerOf<T>({ key, value, revision }: KvEntry<Owned<T>>): NameOwner<T> {
  return { name: decodeURIComponent(key), data: value.data, token: revision };
}

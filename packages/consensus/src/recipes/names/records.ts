/** What stands in the store for a name, and what is done to it. */
import type { Revision } from "../../engine/engine.js";
import { follow } from "../follow.js";
import { persist } from "../persistence.js";
import { pairsOf, type Session } from "../sessions/session.js";
import type { RecipeWorld } from "../world.js";
import type { Owned } from "./names.js";

export interface Found<T> {
  readonly owned: Owned<T>;
  readonly token: Revision;
  readonly revision: Revision;
}

export async function look<T>(
  world: RecipeWorld,
  key: string,
  signal: AbortSignal,
): Promise<Found<T> | undefined> {
  const { results, revision } = await persist(world, signal, () =>
    world.engine.txn({ then: [{ type: "range", key }] }),
  );
  const [pair] = pairsOf(results[0]);
  if (!pair) return undefined;
  const owned = world.codec.decode(pair.value) as Owned<T>;
  return { owned, token: pair.modRevision, revision };
}

/** Makes every claim fail that this session sent before. */
export async function fence(
  world: RecipeWorld,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  await persist(world, signal, () => world.engine.txn({ then: [session.fence()] }));
}

/** Deletes a name if it is this claim's still. */
export async function take(
  world: RecipeWorld,
  key: string,
  token: Revision,
  signal: AbortSignal,
): Promise<void> {
  await persist(world, signal, () =>
    world.engine.txn({
      if: [{ key, target: "modRevision", is: "=", than: token }],
      then: [{ type: "delete", key }],
    }),
  );
}

/** Waits until the name has been moved to this landing. */
export async function arrival<T>(
  world: RecipeWorld,
  key: string,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly token: Revision; readonly owned: Owned<T> }> {
  for await (const each of follow(world, { key }, { signal })) {
    const pairs =
      each.type === "snapshot"
        ? each.pairs
        : each.changes.flatMap((change) => (change.type === "put" ? [change.pair] : []));
    for (const pair of pairs) {
      const owned = world.codec.decode(pair.value) as Owned<T>;
      if (owned.id === id) return { token: pair.modRevision, owned };
    }
  }
  throw signal.reason;
}

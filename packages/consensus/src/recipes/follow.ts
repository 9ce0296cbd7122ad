/**
 * follow: a range as it is, and all that changes in it after, across broken watches and forgotten revisions.
 *
 * A watch that was away for too long finds that the store has forgotten what happened. To go on silently would hide
 * changes, so the reader gets the whole range anew and is told that this is what it gets.
 *
 * Invariants: revisions rise; between two batches nothing of the range is left out, between a batch and a snapshot the
 * way there may be, its end never.
 */
import type { KeyRange, KeyValue, Revision, WatchBatch } from "../engine/engine.js";
import { consensusErrors } from "../errors.js";
import { RECIPE_LIMITS, RECIPE_TIMES } from "./limits.js";
import { isPassing, pause, persist } from "./persistence.js";
import { pairsOf } from "./sessions/session.js";
import type { RecipeWorld } from "./world.js";

/** What there is, or what has changed. */
export type Followed =
  | ({ readonly type: "changes" } & WatchBatch)
  | {
      readonly type: "snapshot";
      readonly reason: "initial" | "compacted";
      readonly revision: Revision;
      readonly pairs: readonly KeyValue[];
    };

export interface FollowOptions {
  /** Ends it, without an error. */
  readonly signal: AbortSignal;
  /** The first revision wanted. @default first all there is, then what comes */
  readonly from?: Revision | undefined;
}

/** Yields until the signal fires. @throws what does not pass, such as {ERR_CLOSED} of the engine */
export async function* follow(
  world: RecipeWorld,
  range: KeyRange,
  { signal, from }: FollowOptions,
): AsyncGenerator<Followed, void, undefined> {
  let next = from;
  let reason: "initial" | "compacted" = "initial";
  while (!signal.aborted) {
    try {
      if (next === undefined) {
        const { revision, pairs } = await readAll(world, range, { signal });
        next = revision + 1;
        yield { type: "snapshot", reason, revision, pairs };
      }
      for await (const batch of world.engine.watch(range, { from: next, signal })) {
        next = batch.revision + 1;
        yield { type: "changes", ...batch };
      }
      // Ended without an error: by the signal, or by the engine, whose next answer says so.
      if (!signal.aborted) await readAll(world, { key: range.key }, { signal });
    } catch (error) {
      if (signal.aborted) return;
      if (consensusErrors.ERR_REVISION_COMPACTED.is(error)) {
        next = undefined;
        reason = "compacted";
      } else if (!isPassing(error)) throw error;
      else await pause(world, RECIPE_TIMES.retryMsMax, signal).catch(() => undefined);
    }
  }
}

/** All pairs of a range as of one revision, read page by page. @throws {ERR_REVISION_COMPACTED} it took too long */
export async function readAll(
  world: RecipeWorld,
  range: KeyRange,
  { signal }: { readonly signal: AbortSignal },
): Promise<{ readonly revision: Revision; readonly pairs: readonly KeyValue[] }> {
  const pairs: KeyValue[] = [];
  let revision: Revision | undefined;
  for await (const page of pagesOf(world, range, { signal })) {
    revision ??= page.revision;
    pairs.push(...page.pairs);
  }
  return { revision: revision ?? 0, pairs };
}

export interface PageOptions {
  readonly signal: AbortSignal;
  readonly revision?: Revision | undefined;
  readonly pageKeys?: number | undefined;
  readonly keysOnly?: boolean | undefined;
}

/** The pages of a range, all of one revision; at least one. */
export async function* pagesOf(
  world: RecipeWorld,
  range: KeyRange,
  { signal, revision: asked, pageKeys: limit = RECIPE_LIMITS.pageKeys, keysOnly }: PageOptions,
): AsyncGenerator<
  { readonly revision: Revision; readonly pairs: readonly KeyValue[] },
  void,
  undefined
> {
  let { key } = range;
  let revision = asked;
  for (;;) {
    const page = {
      type: "range",
      key,
      limit,
      ...(range.end !== undefined && { end: range.end }),
      ...(revision !== undefined && { revision }),
      ...(keysOnly === true && { keysOnly }),
    } as const;
    const answer = await persist(world, signal, () => world.engine.txn({ then: [page] }));
    const pairs = pairsOf(answer.results[0]);
    revision ??= answer.revision;
    yield { revision, pairs };
    const last = pairs.at(-1);
    if (range.end === undefined || last === undefined || pairs.length < limit) return;
    // The least key after it.
    key = `${last.key}\0`;
  }
}

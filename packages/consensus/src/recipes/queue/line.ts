/**
 * Line: a fair queue in the store, which locks and semaphores are.
 *
 * Everyone who comes puts an entry under the own lease; the order is that of the revisions which made the entries, so it
 * is the store's and nobody's clock. Whoever has all that stands before it, and its own, within the limit is let in; in a
 * line of one that is the head. One who waits in a line of one watches the entry before its own and no other, so that one
 * departure wakes one client (ZooKeeper's recipe; Hunt et al. 2010).
 *
 * Invariants: who is let in stays in until it leaves or its lease ends, for nobody can come before it; the revision of its
 * entry is its token, greater than that of everyone who was let in before in a line of one.
 */
import { coreErrors } from "@foundation/core";
import type { Comparison, KeyRange, KeyValue, WatchBatch } from "../../engine/engine.js";
import { rangeOf } from "../../engine/engine.js";
import { consensusErrors } from "../../errors.js";
import { RECIPE_LIMITS, RECIPE_TIMES } from "../limits.js";
import { joinSignals, type Patience } from "../patience.js";
import { isPassing, pause, persist } from "../persistence.js";
import type { SessionEntry, Surroundings } from "../sessions/session.js";
import type { Sessions, SessionUse } from "../sessions/sessions.js";
import { keySegment, type RecipeWorld } from "../world.js";
import { pairsOf } from "../sessions/session.js";

/** What an entry says of who made it. */
export interface Stand {
  readonly client: string;
  readonly owner?: string;
  /** How much of the limit it takes. */
  readonly permits: number;
  /** How much there is. All in one line must say the same. */
  readonly limit: number;
}

/** Someone in the line. */
export interface Standing extends Stand {
  readonly key: string;
  readonly token: number;
}

/** One who was let in. */
export interface Admission {
  readonly token: number;
  readonly use: SessionUse;
  leave(): Promise<void>;
}

export interface LineRequest {
  readonly ttlMs: number;
  readonly stand: Stand;
  readonly patience: Patience;
}

export class Line {
  readonly #world: RecipeWorld;
  readonly #sessions: Sessions;
  readonly #range: KeyRange;
  readonly #prefix: string;

  /** @param kind the recipe's word in its keys */
  constructor(world: RecipeWorld, sessions: Sessions, kind: string, name: string) {
    this.#world = world;
    this.#sessions = sessions;
    this.#prefix = `${world.prefix}${kind}/${keySegment(name)}/`;
    this.#range = rangeOf(this.#prefix);
  }

  /** Waits to be let in. @throws the reason of patience's signal; {ERR_INVALID_ARGUMENT} the limits differ */
  async enter(request: LineRequest): Promise<Admission> {
    for (;;) {
      try {
        return await this.#attempt(request, (visit) => this.#turn(visit));
      } catch (error) {
        if (request.patience.signal.aborted) throw request.patience.signal.reason;
        // The place is lost with its lease; nothing was held yet, so it is right to stand at the end again.
        if (!coreErrors.ERR_LEASE_LOST.is(error)) throw error;
      }
    }
  }

  /** As `enter`, but undefined when there is no room. */
  async tryEnter(request: LineRequest): Promise<Admission | undefined> {
    const { stand, patience } = request;
    if (!fits(await this.inspect(patience.signal), stand)) return undefined;
    try {
      return await this.#attempt(request, (visit) => this.#settle(visit));
    } catch (error) {
      if (error === NO_ROOM) return undefined;
      throw error;
    }
  }

  /** Everyone in the line, in order. */
  async inspect(signal: AbortSignal): Promise<readonly Standing[]> {
    const { engine } = this.#world;
    const look = { type: "range", ...this.#range } as const;
    const { results } = await persist(this.#world, signal, () => engine.txn({ then: [look] }));
    return this.#standings(pairsOf(results[0]), Number.POSITIVE_INFINITY);
  }

  async #attempt(
    { ttlMs, stand, patience }: LineRequest,
    wait: (visit: Visit) => Promise<void>,
  ): Promise<Admission> {
    const using = this.#sessions.use(ttlMs, patience.signal);
    const use = await patience.obtain(using, (late) => late.end());
    const entry = use.session.entry(this.#prefix);
    const either = joinSignals(patience.signal, use.session.signal);
    const leave = () => entry.leave().finally(() => use.end());
    try {
      const value = this.#world.codec.encode(stand);
      const around = await entry.put(value, this.#range, either.signal);
      const visit: Visit = { entry, stand, around, signal: either.signal };
      this.#checkLimits(visit);
      await wait(visit);
      if (!use.session.isAlive) throw leaseGone(use.session.lease);
      return { token: around.createRevision, use, leave };
    } catch (error) {
      if (error === NO_ROOM) use.end();
      else void leave();
      throw error;
    } finally {
      either.end();
    }
  }

  /** Waits until the entry is within the limit. */
  async #turn({ entry, stand, around, signal }: Visit): Promise<void> {
    let { revision } = around;
    let ahead = this.#ahead(around);
    while (!fits(ahead, stand)) {
      const range = stand.limit === 1 ? { key: (ahead.at(-1) as Standing).key } : this.#range;
      const watch = this.#world.engine.watch(range, { from: revision + 1, signal });
      try {
        for await (const batch of watch) {
          revision = batch.revision;
          const left = without(ahead, batch);
          if (left.length === ahead.length) continue;
          ahead = left;
          if (fits(ahead, stand) || stand.limit === 1) break;
        }
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!isPassing(error) && !consensusErrors.ERR_REVISION_COMPACTED.is(error)) throw error;
        await pause(this.#world, RECIPE_TIMES.retryMsMax, signal);
      } finally {
        await watch.close();
      }
      if (signal.aborted) throw signal.reason;
      if (fits(ahead, stand)) return;
      // In a line of one, others before may have left while nobody watched them; so when a watch broke.
      const now = await entry.look(this.#range, signal);
      revision = now.revision;
      ahead = this.#ahead(now);
    }
  }

  /**
   * Leaves again unless the entry is within the limit: only while those are there because of whom it is not. So nobody
   * ever heads the line who is about to leave it, and "another has it" is true when it is told.
   */
  async #settle({ entry, stand, around, signal }: Visit): Promise<void> {
    let now: Surroundings | undefined = around;
    while (now) {
      const ahead = this.#ahead(now);
      if (fits(ahead, stand)) return;
      const conditions = ahead.slice(0, RECIPE_LIMITS.conditionsMax).map(isThere);
      now = await entry.leaveIf(conditions, this.#range, signal);
    }
    throw NO_ROOM;
  }

  #ahead({ others, createRevision }: Surroundings): readonly Standing[] {
    return this.#standings(others, createRevision);
  }

  #standings(pairs: readonly KeyValue[], before: number): readonly Standing[] {
    return pairs
      .filter(({ createRevision }) => createRevision < before)
      .sort((a, b) => a.createRevision - b.createRevision)
      .map(({ key, value, createRevision }) => ({
        ...(this.#world.codec.decode(value) as Stand),
        key,
        token: createRevision,
      }));
  }

  #checkLimits({ stand, around }: Visit): void {
    const other = this.#ahead(around).find(({ limit }) => limit !== stand.limit);
    if (!other) return;
    const expected = `${other.limit}, as ${other.client} said before`;
    const found = String(stand.limit);
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `limit must be ${expected}, found ${found}: all who use one semaphore must agree`,
      { argument: "limit", expected, found },
    );
  }
}

interface Visit {
  readonly entry: SessionEntry;
  readonly stand: Stand;
  readonly around: Surroundings;
  readonly signal: AbortSignal;
}

/** Says that the entry is gone, because there was no room. */
const NO_ROOM = new Error("there is no room");

function fits(ahead: readonly Stand[], { permits, limit }: Stand): boolean {
  return ahead.reduce((sum, other) => sum + other.permits, permits) <= limit;
}

function without(ahead: readonly Standing[], batch: WatchBatch): readonly Standing[] {
  const gone = new Set<string>();
  for (const change of batch.changes) if (change.type === "delete") gone.add(change.key);
  return ahead.filter(({ key }) => !gone.has(key));
}

function isThere({ key, token }: Standing): Comparison {
  return { key, target: "createRevision", is: "=", than: token };
}

function leaseGone(lease: string): Error {
  return coreErrors.ERR_LEASE_LOST(`The lease ${lease} ended while waiting`, { lease });
}

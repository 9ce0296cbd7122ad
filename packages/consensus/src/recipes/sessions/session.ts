/**
 * Session: one lease of a client, and entries that live and die with it.
 *
 * The hard part is the request with an unknown outcome: the put of a queue's entry that timed out may be applied *after*
 * the client has given up and deleted it, and then the entry stands in everybody's way for as long as the lease lives.
 * So each session has a record in the store, every entry is put only if the record is unchanged, and whoever takes away
 * an entry whose put may still be under way writes the record in the same transaction. After that no old put succeeds.
 *
 * Invariants: an entry is there at most once, and never again after `leave` has resolved; what an entry's put answered is
 * what the one that was applied saw.
 */
import { coreErrors } from "@foundation/core";
import type {
  Comparison,
  KeyRange,
  KeyValue,
  Operation,
  OperationResult,
  Revision,
} from "../../engine/engine.js";
import { isPassing, persist } from "../persistence.js";
import { randomText, type RecipeWorld } from "../world.js";
import { LeaseKeeper } from "./lease-keeper.js";

/** What was in a range when an entry was put, and since. */
export interface Surroundings {
  readonly createRevision: Revision;
  /** As of which `others` were read. */
  readonly revision: Revision;
  /** The pairs of the range but for the entry itself. */
  readonly others: readonly KeyValue[];
}

export class Session {
  readonly keeper: LeaseKeeper;
  readonly #world: RecipeWorld;
  readonly #recordKey: string;
  #recordRevision: Revision;
  #entries = 0;

  private constructor(
    world: RecipeWorld,
    keeper: LeaseKeeper,
    recordKey: string,
    revision: Revision,
  ) {
    this.#world = world;
    this.keeper = keeper;
    this.#recordKey = recordKey;
    this.#recordRevision = revision;
  }

  /** Grants a lease and writes the session's record. */
  static async open(world: RecipeWorld, ttlMs: number): Promise<Session> {
    const { engine } = world;
    const sentAtMs = world.clock.now();
    const lease = await engine.grantLease(ttlMs);
    const keeper = new LeaseKeeper(world, lease, sentAtMs);
    const key = `${world.prefix}sessions/${randomText(world.random)}`;
    try {
      const put: Operation = { type: "put", key, value: recordOf(world), lease: lease.id };
      const { revision } = await engine.txn({ then: [put] });
      return new Session(world, keeper, key, revision);
    } catch (error) {
      // Nobody knows this lease: it is ended now, or by itself.
      void engine.revokeLease(lease.id).catch(() => undefined);
      throw error;
    }
  }

  get lease(): string {
    return this.keeper.id;
  }

  /** Fires with `ERR_LEASE_LOST`. */
  get signal(): AbortSignal {
    return this.keeper.signal;
  }

  get isAlive(): boolean {
    return this.keeper.isAlive;
  }

  /** A new entry below `prefix`, whose key no other entry has. */
  entry(prefix: string): SessionEntry {
    this.#entries += 1;
    const name = this.#recordKey.slice(this.#recordKey.lastIndexOf("/") + 1);
    return new SessionEntry(this.#world, this, `${prefix}${name}-${this.#entries}`);
  }

  /** Holds as long as no entry was taken away whose put was under way. */
  unchanged(): Comparison {
    return {
      key: this.#recordKey,
      target: "modRevision",
      is: "=",
      than: this.#recordRevision,
    };
  }

  readRecord(): Operation {
    return { type: "range", key: this.#recordKey };
  }

  /** @throws {ERR_LEASE_LOST} the record is gone, and so is the lease */
  learnRecord(result: OperationResult | undefined): void {
    const record = result?.type === "range" ? result.pairs[0] : undefined;
    if (record === undefined) {
      this.keeper.lose("its record is not in the store any more");
      throw this.signal.reason;
    }
    this.#recordRevision = record.modRevision;
  }

  /** Makes every put fail that was sent before. */
  fence(): Operation {
    const value = recordOf(this.#world);
    return { type: "put", key: this.#recordKey, value, lease: this.lease };
  }

  /** The request found that the lease is not there. */
  lost(cause: unknown): void {
    this.keeper.lose("the store does not have it any more", cause);
  }
}

/** A key that is put once under a session's lease. */
export class SessionEntry {
  readonly key: string;
  readonly session: Session;
  readonly #world: RecipeWorld;
  /** Puts that were sent, and not answered with certainty. */
  #uncertain = 0;

  constructor(world: RecipeWorld, session: Session, key: string) {
    this.#world = world;
    this.session = session;
    this.key = key;
  }

  /**
   * Puts the entry exactly once, and reads `range` in the same transaction.
   *
   * @throws {ERR_LEASE_LOST} the session is over; the signal's reason when it fires: then `leave` must follow
   */
  async put(value: Uint8Array, range: KeyRange, signal: AbortSignal): Promise<Surroundings> {
    const { session } = this;
    for (;;) {
      const reads = [{ type: "range", ...range } as const, session.readRecord()];
      const put = { type: "put", key: this.key, value, lease: session.lease } as const;
      const absent = { key: this.key, target: "createRevision", is: "=", than: 0 } as const;
      const answer = await persist(this.#world, signal, () =>
        this.#send([session.unchanged(), absent], [...reads, put], reads),
      );
      const others = pairsOf(answer.results[0]);
      if (answer.succeeded) {
        return { createRevision: answer.revision, revision: answer.revision, others };
      }
      const own = others.find(({ key }) => key === this.key);
      if (own) return this.#around(own, others, answer.revision);
      session.learnRecord(answer.results[1]);
    }
  }

  /** Deletes the entry; resolves when it is gone and stays so, at the latest with the lease. */
  async leave(): Promise<void> {
    const { session } = this;
    try {
      await persist(this.#world, session.signal, () =>
        this.#world.engine.txn({ then: this.#departure() }),
      );
    } catch (error) {
      if (coreErrors.ERR_LEASE_LOST.is(error)) session.lost(error);
      // With the lease the entry goes as well. What else refuses a deletion would refuse it for ever.
      else if (!session.signal.aborted) session.keeper.lose("an entry cannot be deleted", error);
    }
  }

  /**
   * Deletes the entry if all of `conditions` hold. Undefined when it is gone; else what is in the range.
   *
   * @throws as `put` does
   */
  async leaveIf(
    conditions: readonly Comparison[],
    range: KeyRange,
    signal: AbortSignal,
  ): Promise<Surroundings | undefined> {
    const answer = await persist(this.#world, signal, () =>
      this.#world.engine.txn({
        if: conditions,
        then: this.#departure(),
        else: [{ type: "range", ...range }],
      }),
    );
    if (answer.succeeded) return undefined;
    const pairs = pairsOf(answer.results[0]);
    const own = pairs.find(({ key }) => key === this.key);
    // Not there: an earlier request of this call took it away, and its answer was lost.
    return own && this.#around(own, pairs, answer.revision);
  }

  /** What is in the range now. @throws {ERR_LEASE_LOST} the entry is gone */
  async look(range: KeyRange, signal: AbortSignal): Promise<Surroundings> {
    const answer = await persist(this.#world, signal, () =>
      this.#world.engine.txn({ then: [{ type: "range", ...range }] }),
    );
    const pairs = pairsOf(answer.results[0]);
    const own = pairs.find(({ key }) => key === this.key);
    if (own) return this.#around(own, pairs, answer.revision);
    throw coreErrors.ERR_LEASE_LOST(
      `The entry ${this.key} is gone: its lease has ended, or someone deleted it`,
      { lease: this.session.lease },
    );
  }

  #around(own: KeyValue, pairs: readonly KeyValue[], revision: Revision): Surroundings {
    const others = pairs.filter(({ key }) => key !== own.key);
    return { createRevision: own.createRevision, revision, others };
  }

  #departure(): readonly Operation[] {
    const departure: Operation = { type: "delete", key: this.key };
    return this.#uncertain > 0 ? [departure, this.session.fence()] : [departure];
  }

  async #send(
    conditions: readonly Comparison[],
    then: readonly Operation[],
    otherwise: readonly Operation[],
  ) {
    this.#uncertain += 1;
    try {
      const answer = await this.#world.engine.txn({ if: conditions, then, else: otherwise });
      this.#uncertain -= 1;
      return answer;
    } catch (error) {
      const isCertain = !isPassing(error) || (error as { retryable?: boolean }).retryable === true;
      if (isCertain) this.#uncertain -= 1;
      if (coreErrors.ERR_LEASE_LOST.is(error)) this.session.lost(error);
      throw error;
    }
  }
}

/** The pairs of a range's answer. */
export function pairsOf(result: OperationResult | undefined): readonly KeyValue[] {
  return result?.type === "range" ? result.pairs : [];
}

function recordOf(world: RecipeWorld): Uint8Array {
  return world.codec.encode({ client: world.client });
}

/**
 * Campaign: one candidate in one election, until it resigns.
 *
 * The ballot decides; this carries it out. Whatever it writes comes back through the watch, and only what the watch says
 * counts: a write whose answer was lost is no different from one whose answer came.
 *
 * Invariants: one write is under way at a time; a term begins only with a token greater than that of the term before; one
 * term is open at a time, and none while the session is not alive.
 */
import { coreErrors, boundedStream } from "@foundation/core";
import type { KeyRange, Transaction } from "../../engine/engine.js";
import { rangeOf } from "../../engine/engine.js";
import { follow, type Followed } from "../follow.js";
import { RECIPE_TIMES } from "../limits.js";
import { joinSignals, orAborted } from "../patience.js";
import { isPassing, pause, persist } from "../persistence.js";
import { pairsOf, type SessionEntry } from "../sessions/session.js";
import type { Sessions } from "../sessions/sessions.js";
import type { RecipeWorld } from "../world.js";
import { Ballot, type BallotTimes, type Candidate, type CandidateNote } from "./ballot.js";
import { Term, type Leadership } from "./leadership.js";
import { Office, type Step } from "./office.js";

export interface CampaignSettings {
  readonly name: string;
  /** Below which the election's keys are. */
  readonly prefix: string;
  readonly ttlMs: number;
  readonly score: number;
  readonly graceMs: number;
  readonly times: BallotTimes;
}

/** The key that says who leads. */
export function leaderKeyOf(prefix: string): string {
  return `${prefix}leader`;
}

export class Candidacy {
  readonly #world: RecipeWorld;
  readonly #sessions: Sessions;
  readonly #settings: CampaignSettings;
  readonly #range: KeyRange;
  readonly #leaderKey: string;
  readonly #stopping = new AbortController();
  readonly #terms = boundedStream<Leadership>({ buffer: 1, name: "leaderships" });
  readonly #running: Promise<void>;
  #term: Term | undefined;
  #lastToken = 0;
  #failure: unknown;
  #waiters = new Set<() => void>();

  constructor(world: RecipeWorld, sessions: Sessions, settings: CampaignSettings) {
    this.#world = world;
    this.#sessions = sessions;
    this.#settings = settings;
    this.#range = rangeOf(settings.prefix);
    this.#leaderKey = leaderKeyOf(settings.prefix);
    this.#running = this.#run();
  }

  /** The term that is open. */
  get term(): Term | undefined {
    return this.#term?.isLeader ? this.#term : undefined;
  }

  /** Each leadership as it is won; one that nobody took before the next is left out. */
  get terms(): AsyncIterableIterator<Leadership> {
    return this.#terms.iterator;
  }

  /** Resolves when a term is open. */
  async elected(signal: AbortSignal): Promise<Leadership> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const { term } = this;
      if (term) return term;
      const changed = new Promise<void>((resolve) => this.#waiters.add(resolve));
      await orAborted(changed, signal);
    }
  }

  /** Gives up leadership and candidacy; resolves when both are gone, at the latest with the lease. */
  async stop(reason: unknown): Promise<void> {
    this.#failure ??= reason;
    this.#endTerm("resigned");
    this.#stopping.abort(reason);
    this.#wakeWaiters();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#stand();
      } catch (error) {
        if (signal.aborted) break;
        if (!coreErrors.ERR_LEASE_LOST.is(error) && !isPassing(error)) {
          this.#fail(error);
          return;
        }
        await pause(this.#world, RECIPE_TIMES.retryMs, signal).catch(() => undefined);
      }
    }
    this.#terms.end();
  }

  /** One candidacy under one session. */
  async #stand(): Promise<void> {
    const { signal } = this.#stopping;
    const use = await this.#sessions.use(this.#settings.ttlMs, signal);
    const { session } = use;
    const entry = session.entry(`${this.#settings.prefix}candidates/`);
    const either = joinSignals(signal, session.signal);
    try {
      await this.#contend(entry, either.signal);
    } finally {
      this.#endTerm(
        session.signal.aborted ? "lease-lost" : signal.aborted ? "resigned" : "removed",
      );
      either.end();
      await this.#withdraw(entry);
      use.end();
    }
  }

  async #contend(entry: SessionEntry, signal: AbortSignal): Promise<void> {
    const { codec } = this.#world;
    const note = this.#noteOf(entry);
    const around = await entry.put(codec.encode(note), this.#range, signal);
    const decode = (value: Uint8Array) => codec.decode(value) as CandidateNote;
    const ballot = new Ballot(entry.key, this.#leaderKey, this.#settings.times, decode);
    for (const pair of around.others) ballot.put(pair);
    const own: Candidate = { ...note, createRevision: around.createRevision };
    ballot.admit(own);
    const office = new Office(this.#world.clock, () => this.#decide(ballot, entry, own, signal));
    try {
      office.look();
      const from = around.revision + 1;
      for await (const each of follow(this.#world, this.#range, { from, signal })) {
        apply(ballot, each);
        office.look();
        if (office.isOut) throw outError(this.#settings.name, entry.session.lease);
      }
      throw signal.reason;
    } finally {
      await office.close();
    }
  }

  /** What is to be done now: a write that is under way, a moment to look again, or nothing. */
  #decide(ballot: Ballot, entry: SessionEntry, own: Candidate, signal: AbortSignal): Step {
    const decision = ballot.decide(this.#world.clock.now());
    switch (decision.type) {
      case "out":
        return { type: "out" };
      case "follow":
        this.#endTerm("removed");
        return { type: "idle" };
      case "wait":
        this.#endTerm("removed");
        return { type: "sleep", untilMs: decision.wakeAtMs };
      case "claim":
        this.#endTerm("removed");
        return { type: "write", run: () => this.#write(this.#claim(entry, own, 0), signal) };
      case "lead":
        // After a handing over that failed the token is spent: a new one is asked for.
        if (decision.token === this.#lastToken && this.#term === undefined) {
          const again = this.#claim(entry, own, decision.token);
          return { type: "write", run: () => this.#write(again, signal) };
        }
        this.#begin(decision.token, entry);
        return decision.wakeAtMs === undefined
          ? { type: "idle" }
          : { type: "sleep", untilMs: decision.wakeAtMs };
      case "hand-over":
        return { type: "write", run: () => this.#handOver(decision.token, decision.to, signal) };
      default:
        return decision satisfies never;
    }
  }

  #begin(token: number, { session }: SessionEntry): void {
    if (token <= this.#lastToken || !session.isAlive) return;
    this.#endTerm("removed");
    this.#lastToken = token;
    this.#term = new Term(this.#settings.name, token, session);
    this.#terms.push(this.#term);
    this.#wakeWaiters();
  }

  #endTerm(reason: "lease-lost" | "removed" | "resigned" | "handed-over"): Term | undefined {
    const term = this.#term;
    this.#term = undefined;
    term?.end(reason);
    return term;
  }

  /** The old leader stops first, then the new one is told: between them nobody leads. */
  async #handOver(token: number, to: Candidate, signal: AbortSignal): Promise<void> {
    const term = this.#endTerm("handed-over");
    if (term) await this.#untilStopped(term, signal);
    const { createRevision, ...note } = to;
    await this.#write(
      {
        if: [
          { key: this.#leaderKey, target: "modRevision", is: "=", than: token },
          { key: to.id, target: "createRevision", is: "=", than: createRevision },
        ],
        then: [this.#leaderPut(note)],
      },
      signal,
    );
  }

  async #untilStopped(term: Term, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = joinSignals(signal, over.signal);
    const grace = this.#world.clock.sleep(this.#settings.graceMs, { signal: either.signal });
    await Promise.race([term.stopped, grace.catch(() => undefined)]);
    over.abort();
    either.end();
  }

  #claim(entry: SessionEntry, own: Candidate, token: number): Transaction {
    return {
      if: [
        { key: this.#leaderKey, target: "modRevision", is: "=", than: token },
        { key: entry.key, target: "createRevision", is: "=", than: own.createRevision },
      ],
      then: [this.#leaderPut(this.#noteOf(entry))],
    };
  }

  #leaderPut(note: CandidateNote) {
    const value = this.#world.codec.encode(note);
    return { type: "put", key: this.#leaderKey, value, lease: note.lease } as const;
  }

  #noteOf({ key, session }: SessionEntry): CandidateNote {
    const { client } = this.#world;
    return { id: key, client, score: this.#settings.score, lease: session.lease };
  }

  /** What became of it, the watch tells. */
  async #write(transaction: Transaction, signal: AbortSignal): Promise<void> {
    try {
      await orAborted(this.#world.engine.txn(transaction), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error) && !coreErrors.ERR_LEASE_LOST.is(error)) {
        const { name } = this.#settings;
        this.#world.logger.warn("a write of an election was refused", { election: name, error });
      }
      await pause(this.#world, RECIPE_TIMES.retryMsMax, signal).catch(() => undefined);
    }
  }

  /** First the candidate goes, so that nobody makes it leader any more; then the leadership, if it has it. */
  async #withdraw(entry: SessionEntry): Promise<void> {
    const { engine, codec } = this.#world;
    const { signal } = entry.session;
    await entry.leave();
    try {
      const look = { type: "range", key: this.#leaderKey } as const;
      const { results } = await persist(this.#world, signal, () => engine.txn({ then: [look] }));
      const [pair] = pairsOf(results[0]);
      if (!pair || (codec.decode(pair.value) as CandidateNote).id !== entry.key) return;
      const than = pair.modRevision;
      await persist(this.#world, signal, () =>
        engine.txn({
          if: [{ key: this.#leaderKey, target: "modRevision", is: "=", than }],
          then: [{ type: "delete", key: this.#leaderKey }],
        }),
      );
    } catch {
      // With the lease both go.
    }
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#terms.fail(error);
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }
}

function apply(ballot: Ballot, each: Followed): void {
  if (each.type === "snapshot") return ballot.reset(each.pairs);
  for (const change of each.changes) {
    if (change.type === "put") ballot.put(change.pair);
    else ballot.remove(change.key);
  }
}

function outError(name: string, lease: string): Error {
  const message = `The candidate's entry in the election "${name}" is gone: its lease has ended`;
  return coreErrors.ERR_LEASE_LOST(message, { lease });
}

/**
 * Roster: the committed list of a cluster's members, from which a quorum is counted.
 *
 * Who is reachable is a matter of view; who belongs to the cluster is a decision. Counting a majority of whom one happens
 * to see lets two halves both have one. So the list is committed, each change is a compare-and-set on its epoch, and both
 * sides of a partition count from a list of which they know how old it is.
 *
 * Guarantee: epochs grow by one, one list for each. Limit: the copy of a node that is cut off may be an older epoch; each
 * change that replaces less than half of the members at once keeps majorities of neighbouring epochs overlapping, and
 * `propose` refuses larger ones unless told otherwise.
 */
import type { Engine, KeyValue, RequestOptions } from "../engine/engine.js";
import { coreErrors } from "@foundation/core";
import type { ProposeOptions, Roster, RosterState } from "@foundation/core/ports";
import { follow } from "./follow.js";
import { RECIPE_LIMITS } from "./limits.js";
import { joinSignals } from "./patience.js";
import { pairsOf } from "./sessions/session.js";
import {
  closedHandle,
  invalidArgument,
  recipeWorld,
  type RecipeOptions,
  type RecipeWorld,
} from "./world.js";

/**
 * The roster over an engine.
 *
 * @example
 * ```ts
 * import { createMemoryEngine, createRoster } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const roster = createRoster(engine)
 * await roster.propose(["a", "b", "c"])
 * console.log(roster.hasQuorum(["a", "b"])) // true
 * await roster.close()
 * await engine.close()
 * ```
 */
export function createRoster(engine: Engine, options: RecipeOptions = {}): Roster {
  return new CommittedRoster(recipeWorld(engine, options));
}

const NOBODY: RosterState = { epoch: 0, members: [] };

class CommittedRoster implements Roster {
  readonly #world: RecipeWorld;
  readonly #key: string;
  readonly #closed = new AbortController();
  readonly #following: Promise<void>;
  readonly #ready: Promise<void>;
  readonly #readers = new Set<() => void>();
  #state = NOBODY;

  constructor(world: RecipeWorld) {
    this.#world = world;
    this.#key = `${world.prefix}roster`;
    let settle: { resolve(): void; reject(error: unknown): void } | undefined;
    this.#ready = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.#ready.catch(() => undefined);
    this.#following = this.#follow(() => settle?.resolve()).catch((error: unknown) => {
      settle?.reject(error);
      // Who closes it while it is read for the first time knows.
      if (this.#closed.signal.aborted) return;
      this.#world.logger.error("the copy of the roster is followed no more", { error });
    });
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  current(): RosterState {
    return this.#state;
  }

  async read(options?: RequestOptions): Promise<RosterState> {
    return (await this.#stored(options)).state;
  }

  async propose(proposed: Iterable<string>, options: ProposeOptions = {}): Promise<RosterState> {
    const { epoch: expected = this.#state.epoch, force = false, ...request } = options;
    const members = membersOf(proposed);
    const { state, revision } = await this.#stored(request);
    if (state.epoch !== expected) throw epochError(expected, state.epoch);
    if (!force) checkOverlap(state.members, members);
    const next: RosterState = { epoch: expected + 1, members };
    const { engine, codec } = this.#world;
    const answer = await engine.txn(
      {
        if: [{ key: this.#key, target: "modRevision", is: "=", than: revision }],
        then: [{ type: "put", key: this.#key, value: codec.encode(next) }],
        else: [{ type: "range", key: this.#key }],
      },
      request,
    );
    if (!answer.succeeded) {
      const [pair] = pairsOf(answer.results[0]);
      throw epochError(expected, pair ? this.#stateOf(pair).epoch : 0);
    }
    this.#take(next);
    return next;
  }

  hasQuorum(present: Iterable<string>): boolean {
    const { members } = this.#state;
    const there = new Set(present);
    return members.filter((member) => there.has(member)).length * 2 > members.length;
  }

  watch({
    signal,
  }: {
    readonly signal?: AbortSignal | undefined;
  } = {}): AsyncIterable<RosterState> {
    return this.#later(this.#state.epoch, signal);
  }

  async close(): Promise<void> {
    this.#closed.abort(closedHandle("This roster"));
    await this.#following;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(onReady: () => void): Promise<void> {
    const { signal } = this.#closed;
    for await (const each of follow(this.#world, { key: this.#key }, { signal })) {
      const pairs =
        each.type === "snapshot"
          ? each.pairs
          : each.changes.flatMap((change) => (change.type === "put" ? [change.pair] : []));
      for (const pair of pairs) this.#take(this.#stateOf(pair));
      onReady();
    }
    throw signal.reason;
  }

  /** Epochs only grow, whichever way they come. */
  #take(state: RosterState): void {
    if (state.epoch <= this.#state.epoch) return;
    this.#state = state;
    for (const wake of this.#readers) wake();
  }

  async *#later(from: number, given?: AbortSignal): AsyncGenerator<RosterState> {
    const { signal, end } = joinSignals(given, this.#closed.signal);
    let told = from;
    let wake = (): void => undefined;
    const onChange = (): void => wake();
    this.#readers.add(onChange);
    signal.addEventListener("abort", onChange);
    try {
      while (!signal.aborted) {
        const state = this.#state;
        if (state.epoch > told) {
          told = state.epoch;
          yield state;
        } else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", onChange);
      this.#readers.delete(onChange);
      end();
    }
  }

  async #stored(
    request?: RequestOptions,
  ): Promise<{ readonly state: RosterState; readonly revision: number }> {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
    const { engine } = this.#world;
    const { results } = await engine.txn({ then: [{ type: "range", key: this.#key }] }, request);
    const [pair] = pairsOf(results[0]);
    if (!pair) return { state: NOBODY, revision: 0 };
    return { state: this.#stateOf(pair), revision: pair.modRevision };
  }

  #stateOf({ value }: KeyValue): RosterState {
    return this.#world.codec.decode(value) as RosterState;
  }
}

function membersOf(proposed: Iterable<string>): readonly string[] {
  const members = [...new Set(proposed)].sort();
  const max = RECIPE_LIMITS.rosterMembersMax;
  if (members.length === 0 || members.length > max) {
    throw invalidArgument("members", `a list of 1 to ${max} members`, `one of ${members.length}`);
  }
  return members;
}

/** Any majority of the one list and any of the other have a member in common, or there was no list. */
function checkOverlap(before: readonly string[], after: readonly string[]): void {
  if (before.length === 0) return;
  const kept = after.filter((member) => before.includes(member)).length;
  // What a majority of each must take of the common members, when it takes all of the others first.
  const needs = ({ length }: readonly string[]) =>
    Math.max(0, Math.floor(length / 2) + 1 - (length - kept));
  if (needs(before) + needs(after) > kept) return;
  const expected =
    "a change after which every two majorities, old and new, have a member in common";
  const found = `${before.length} members before, ${after.length} after, ${kept} of them the same`;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `members must be ${expected}, found ${found}; change fewer at once, or pass force: true`,
    { argument: "members", expected, found },
  );
}

function epochError(expected: number, found: number): Error {
  return coreErrors.ERR_ROSTER_EPOCH(
    `The roster was proposed from epoch ${expected} and is at ${found}; read it and decide anew`,
    { expected, found },
  );
}

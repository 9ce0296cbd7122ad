/**
 * Holds: what one client holds of one kind of line, so that it can be given back together.
 *
 * An owner is a task's own word for itself. One who asks again for what it has or waits for would wait for itself; that
 * is refused where owners are named, for nobody else can know that two requests are of one task.
 */
import { parseDuration, type Duration } from "@foundation/core";
import { consensusErrors } from "../../errors.js";
import { RECIPE_TIMES } from "../limits.js";
import { Patience, type WaitOptions } from "../patience.js";
import {
  Line,
  type Admission,
  type LineRequest,
  type Stand,
  type Standing,
} from "../queue/line.js";
import type { Sessions } from "../sessions/sessions.js";
import { closedHandle, type RecipeWorld } from "../world.js";
import { HeldPlace, type Hold } from "./hold.js";

/** How to take a lock or permits. */
export interface AcquireOptions extends WaitOptions {
  /**
   * The lease: how long the others wait for a holder that has died. It is renewed while it is held. @default "10s"
   */
  readonly ttl?: Duration | undefined;
  /** False: is refused with `ERR_LOCK_HELD` instead of waiting for others. @default true */
  readonly wait?: boolean | undefined;
  /** The task that asks; one that has it already is refused with `ERR_LOCK_REENTRANT`. @default nobody */
  readonly owner?: string | undefined;
}

/** Someone who holds or waits. */
export interface Claimant {
  readonly client: string;
  readonly owner?: string;
  readonly token: number;
}

export class Holds {
  readonly #world: RecipeWorld;
  readonly #sessions: Sessions;
  readonly #kind: string;
  readonly #noun: string;
  readonly #held = new Set<Hold>();
  readonly #owned = new Set<string>();
  readonly #closed = new AbortController();

  /** @param noun for errors: "lock", "semaphore" */
  constructor(world: RecipeWorld, sessions: Sessions, kind: string, noun: string) {
    this.#world = world;
    this.#sessions = sessions;
    this.#kind = kind;
    this.#noun = noun;
  }

  async acquire(
    name: string,
    size: { readonly permits: number; readonly limit: number },
    options: AcquireOptions,
  ): Promise<Hold> {
    if (options.wait === false) {
      const hold = await this.tryAcquire(name, size, options);
      if (hold) return hold;
      throw await this.#heldError(name);
    }
    return (await this.#take(name, size, options, (line, request) => line.enter(request))) as Hold;
  }

  async tryAcquire(
    name: string,
    size: { readonly permits: number; readonly limit: number },
    options: AcquireOptions,
  ): Promise<Hold | undefined> {
    return await this.#take(name, size, options, (line, request) => line.tryEnter(request));
  }

  async inspect(name: string, options: WaitOptions): Promise<readonly Standing[]> {
    const patience = this.#patience(name, options);
    try {
      return await this.#line(name).inspect(patience.signal);
    } finally {
      patience.end();
    }
  }

  /** Gives back all that is held, and refuses more. */
  async close(): Promise<void> {
    this.#closed.abort(closedHandle(`This client's ${this.#noun}s`));
    await Promise.all([...this.#held].map((hold) => hold.release()));
  }

  async #take(
    name: string,
    size: { readonly permits: number; readonly limit: number },
    options: AcquireOptions,
    enter: (line: Line, request: LineRequest) => Promise<Admission | undefined>,
  ): Promise<Hold | undefined> {
    const { ttl = RECIPE_TIMES.ttlMs, owner } = options;
    const ttlMs = parseDuration(ttl, "ttl");
    const line = this.#line(name);
    const disown = this.#own(name, owner);
    const patience = this.#patience(name, options);
    let admission: Admission | undefined;
    try {
      const { client } = this.#world;
      const stand: Stand = { client, ...size, ...(owner !== undefined && { owner }) };
      admission = await enter(line, { ttlMs, stand, patience });
    } finally {
      patience.end();
      if (!admission) disown();
    }
    if (!admission) return undefined;
    const hold = this.#hold(name, admission, disown);
    // Closed in the moment it was let in.
    if (this.#closed.signal.aborted) await hold.release();
    return hold;
  }

  #hold(name: string, admission: Admission, disown: () => void): Hold {
    const hold = new HeldPlace(name, admission, () => {
      this.#held.delete(hold);
      disown();
    });
    this.#held.add(hold);
    return hold;
  }

  #own(name: string, owner: string | undefined): () => void {
    if (owner === undefined) return () => undefined;
    const key = JSON.stringify([name, owner]);
    if (this.#owned.has(key)) throw this.#reentrant(name, owner);
    this.#owned.add(key);
    return () => this.#owned.delete(key);
  }

  #patience(name: string, options: WaitOptions): Patience {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
    const target = `${this.#noun} "${name}"`;
    return new Patience(this.#world.clock, options, target, this.#closed.signal);
  }

  #line(name: string): Line {
    return new Line(this.#world, this.#sessions, this.#kind, name);
  }

  async #heldError(name: string): Promise<Error> {
    const [head] = await this.inspect(name, {});
    const holder = head?.owner ?? head?.client ?? "one who has left just now";
    return consensusErrors.ERR_LOCK_HELD(
      `The ${this.#noun} "${name}" is held by ${holder}; wait for it, or do without`,
      { lock: name, holder, token: head?.token ?? 0 },
    );
  }

  #reentrant(name: string, owner: string): Error {
    return consensusErrors.ERR_LOCK_REENTRANT(
      `"${owner}" has the ${this.#noun} "${name}" already, or waits for it, and would wait for itself; ` +
        "pass on the one it has",
      { lock: name, owner },
    );
  }
}

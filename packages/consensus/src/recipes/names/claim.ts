/**
 * Claim: a name that this client owns, until it is released, moved, or lost with its lease.
 *
 * Invariants: what has ended stays ended; `signal` fires for a loss and for a move, never for a release; while it is not
 * known whether a move was made, the claim does not count as held.
 */
import { coreErrors } from "@foundation/core";
import type { NameClaim, NameLanding } from "@foundation/core/ports";
import type { Revision } from "../../engine/engine.js";
import { follow } from "../follow.js";
import { joinSignals, Patience, type WaitOptions } from "../patience.js";
import { pairsOf } from "../sessions/session.js";
import type { SessionUse } from "../sessions/sessions.js";
import type { RecipeWorld } from "../world.js";
import type { Owned } from "./names.js";
import { take } from "./records.js";

export interface ClaimParts<T> {
  readonly name: string;
  readonly key: string;
  readonly token: Revision;
  readonly use: SessionUse;
  readonly owned: Owned<T>;
}

export class Claim<T> implements NameClaim<T> {
  readonly name: string;
  readonly data: T;
  readonly token: Revision;
  readonly #world: RecipeWorld;
  readonly #parts: ClaimParts<T>;
  readonly #onOver: () => void;
  readonly #ended = new AbortController();
  readonly #following = new AbortController();
  #isOver = false;
  #isMoving = false;
  #releasing: Promise<void> | undefined;

  constructor(world: RecipeWorld, parts: ClaimParts<T>, onOver: () => void) {
    this.#world = world;
    this.#parts = parts;
    this.#onOver = onOver;
    this.name = parts.name;
    this.data = parts.owned.data;
    this.token = parts.token;
    const { signal } = parts.use.session;
    const onLost = () => this.#lose(signal.reason);
    signal.addEventListener("abort", onLost, { once: true });
    this.#following.signal.addEventListener("abort", () =>
      signal.removeEventListener("abort", onLost),
    );
    if (signal.aborted) onLost();
    else void this.#follow();
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get isHeld(): boolean {
    return !this.#isOver && !this.#isMoving && this.#parts.use.session.isAlive;
  }

  async renew(): Promise<boolean> {
    await this.#parts.use.session.keeper.renew();
    return this.isHeld;
  }

  async moveTo(landing: NameLanding, data: T, options: WaitOptions = {}): Promise<Revision> {
    if (!this.isHeld) throw this.#movedError();
    this.#isMoving = true;
    const { key, token } = this.#parts;
    const value = this.#world.codec.encode({ data, id: landing.id } satisfies Owned<T>);
    const patience = new Patience(this.#world.clock, options, `the move of name "${this.name}"`);
    const either = joinSignals(patience.signal, this.#parts.use.session.signal);
    try {
      const answer = await this.#world.engine.txn(
        {
          if: [
            { key, target: "modRevision", is: "=", than: token },
            { key: landing.id, target: "createRevision", is: "=", than: landing.createRevision },
          ],
          then: [{ type: "put", key, value, lease: landing.lease }],
          else: [{ type: "range", key }],
        },
        { signal: either.signal },
      );
      const stays = pairsOf(answer.results[0])[0]?.modRevision === token;
      if (!answer.succeeded) throw stays ? goneError(landing) : this.#movedError();
      this.#lose(this.#movedError());
      return answer.revision;
    } catch (error) {
      if (!coreErrors.ERR_OUTCOME_UNKNOWN.is(error)) this.#isMoving = false;
      throw error;
    } finally {
      either.end();
      patience.end();
    }
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #release(): Promise<void> {
    if (this.#isOver) return;
    const { key, token, use } = this.#parts;
    this.#isMoving = true;
    try {
      await take(this.#world, key, token, use.session.signal);
    } catch {
      // The lease is lost, and the name with it.
    }
    this.#finish();
  }

  /** Sees when somebody else takes the name away. */
  async #follow(): Promise<void> {
    const { key, token } = this.#parts;
    const { signal } = this.#following;
    try {
      for await (const each of follow(this.#world, { key }, { signal, from: token + 1 })) {
        const isOwn = each.type === "snapshot" && each.pairs[0]?.modRevision === token;
        if (!isOwn) return this.#lose(this.#movedError());
      }
    } catch (error) {
      // Without a watch the lease still tells the truth, only later.
      this.#world.logger.warn("a claim of a name is not watched any more", {
        name: this.name,
        error,
      });
    }
  }

  #lose(reason: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    if (this.#releasing === undefined) this.#ended.abort(reason);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#following.abort();
    this.#parts.use.end();
    this.#onOver();
  }

  #movedError(): Error {
    const { name, token } = this;
    return coreErrors.ERR_NAME_MOVED(
      `The name "${name}" is not that of the claim with token ${token} any more; look up who has it`,
      { name, token },
    );
  }
}

function goneError({ lease }: NameLanding): Error {
  const message = "The successor does not wait for the name any more; the name stays where it is";
  return coreErrors.ERR_LEASE_LOST(message, { lease });
}

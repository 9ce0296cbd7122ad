/**
 * StrongNames: the names that this node holds of the name store, and what it knows of those of others.
 *
 * The store is asked for nothing before the first strong child is heard of. A claim is this node's right to run a child; it
 * is handed to the kernel as the process's lease, which asks it before each message and before each reply. When it is lost
 * the instance is told to end; whether it hears that in time no longer matters, since nothing it does has effect.
 *
 * Invariants: an instance runs under a claim of this node or has no effect; a claim is given back only when its instance
 * is gone; a claim that was moved is never ended from here, what becomes of its instance is the mover's to say.
 * Limits: `storeTimeoutMs`, `storeRetryMs`, `claimStepMs`.
 */
import { isFoundationError, type Pid, type ProcessLease } from "@foundation/core";
import type { NameClaim, NameLanding, NamePad, NameStore } from "@foundation/core/ports";
import type { ChildSpec, Owner } from "../../protocol/child-spec.js";
import { isStrong, parseHolder, type HolderData, type Holding } from "../../protocol/strong.js";
import { isMember, type Wiring } from "../wiring.js";
import { ClaimTurns } from "./claim-turns.js";
import { cutOff, notHeld, storeRequired } from "./refusals.js";
import { StoreReach } from "./store-reach.js";
import { StoreWatch } from "./store-watch.js";

/** Looked up to see whether the store answers; whether anybody has it is no matter. */
const PROBED = "probe";

/** How long an operation may take, and what makes it stop. */
export interface StoreWait {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What supervision is told. */
export interface StrongEvents {
  /** It has another owner, or none, or its turn to be asked for has come: look at it. */
  changed(identity: string): void;
  /** What is known of all of them may have changed. */
  allChanged(): void;
  /** This node has lost the name: end what runs under it. */
  lost(identity: string): void;
}

/** Where a name can be moved to: made by the node that shall have it. */
export interface StrongLanding extends AsyncDisposable {
  /** Plain data, for the present holder. */
  readonly landing: NameLanding;
  /** Resolves when the name was moved here: this node holds it then. */
  landed(wait: StoreWait): Promise<ProcessLease>;
  /** Waits no more; a name that is moved here at the same time is given back. */
  close(): Promise<void>;
}

interface Held {
  readonly claim: NameClaim<HolderData>;
  isMoving: boolean;
}

export class StrongNames {
  readonly #wiring: Wiring;
  readonly #store: NameStore | undefined;
  readonly #ttlMs: number;
  readonly #events: StrongEvents;
  readonly #watch: StoreWatch;
  readonly #held = new Map<string, Held>();
  readonly #releasing = new Map<string, Promise<void>>();
  readonly #turns: ClaimTurns;
  readonly #reach: StoreReach;
  readonly #unsubscribe: () => void;
  readonly #closing = new AbortController();

  constructor(wiring: Wiring, store: NameStore | undefined, ttlMs: number, events: StrongEvents) {
    this.#wiring = wiring;
    this.#store = store;
    this.#ttlMs = ttlMs;
    this.#events = events;
    const changed = (identity: string) => this.#told(identity);
    this.#watch = new StoreWatch(wiring, { changed, allChanged: () => events.allChanged() });
    this.#turns = new ClaimTurns(wiring, (identity) => events.changed(identity));
    const ask = (timeoutMs: number) => this.#probe(timeoutMs);
    this.#reach = new StoreReach(wiring, ask, () => events.allChanged());
    this.#unsubscribe = wiring.membership.subscribe(({ type }) => {
      if (type === "node-down" && this.#watch.isOpen) this.#reach.probe();
    });
  }

  /** Names this node holds. */
  get size(): number {
    return this.#held.size;
  }

  /** @throws {ERR_NAME_STORE_REQUIRED} this node has no store of names */
  require(name: string): NameStore {
    if (this.#store !== undefined) return this.#store;
    throw storeRequired(name);
  }

  /** Who has the name, as far as this node knows. */
  holding(identity: string): Holding {
    const held = this.#held.get(identity);
    if (held !== undefined) {
      return { type: "held", token: held.claim.token, owner: held.claim.data };
    }
    if (this.#store === undefined) return { type: "unknown" };
    this.#watch.open(this.#store);
    if (this.#releasing.has(identity)) return { type: "unknown" };
    return this.#watch.holdings.of(identity);
  }

  /** This node's right to run the child, while it has it. */
  lease(identity: string): ProcessLease | undefined {
    return this.#held.get(identity)?.claim;
  }

  /** Whether the name is being given to another node: what becomes of its instance here is the mover's to say. */
  isMoving(identity: string): boolean {
    return this.#held.get(identity)?.isMoving === true;
  }

  /** Whether any strong child was heard of. */
  get isUsed(): boolean {
    return this.#watch.isOpen;
  }

  /** Whether an instance may be the one that a name leads to: of a strong child, the latest holder's only. */
  mayServe(instance: Owner, spec: ChildSpec | undefined): boolean {
    if (spec?.state !== "running" || !isStrong(spec)) return true;
    return this.#watch.holdings.admits(instance, spec);
  }

  /**
   * Whether who is claimed to run it may still be asked where it is: the store has not told yet of the owner that the spec
   * names. Nothing runs there without the name; if the process was moved away, its messages are sent after it.
   */
  mayForward(spec: ChildSpec | undefined): boolean {
    return spec?.state === "running" && isStrong(spec) && this.#watch.holdings.isBehind(spec);
  }

  /** Where a process that was moved is, as its name says, before its claim has arrived. */
  movedTo(identity: string): Pid | undefined {
    const holding = this.#watch.holdings.of(identity);
    if (holding.type !== "held" || holding.owner?.serial === undefined) return undefined;
    const { node, boot, serial } = holding.owner;
    return { node, boot, serial };
  }

  /** Whether this node's turn has come to ask for a free name; if not, `changed` tells when. */
  isDue(identity: string, rank: number): boolean {
    return this.#turns.isDue(identity, rank);
  }

  /**
   * Takes the name; undefined when another has it.
   *
   * @throws {ERR_NAME_STORE_REQUIRED} @throws {ERR_MINORITY_SIDE} the store did not answer in time @throws {ERR_ABORTED}
   */
  async acquire(
    identity: string,
    definition: string,
    wait: StoreWait,
  ): Promise<ProcessLease | undefined> {
    const store = this.require(identity);
    this.#turns.end(identity);
    if (this.#held.has(identity)) return undefined;
    const data: HolderData = { ...this.#wiring.self, definition };
    const timeout = Math.min(wait.timeoutMs, this.#wiring.limits.storeTimeoutMs);
    const claim = await this.#ask(identity, () =>
      store.acquire(identity, data, { ttl: this.#ttlMs, timeout, signal: wait.signal }),
    );
    this.#watch.open(store);
    return claim && this.#hold(identity, claim);
  }

  /** Who has the name, asked of the store. @throws as `acquire` */
  async holder(identity: string, wait: StoreWait): Promise<HolderData | undefined> {
    const store = this.require(identity);
    const timeout = Math.min(wait.timeoutMs, this.#wiring.limits.storeTimeoutMs);
    const found = await this.#ask(identity, () =>
      store.lookup(identity, { timeout, signal: wait.signal }),
    );
    return parseHolder(found?.data);
  }

  /** Gives the name back; resolves when it is, or is certain to be. Nothing happens where this node does not hold it. */
  release(identity: string): Promise<void> {
    const held = this.#held.get(identity);
    if (held === undefined) return this.#releasing.get(identity) ?? Promise.resolve();
    this.#held.delete(identity);
    const done = () => {
      this.#releasing.delete(identity);
      this.#events.changed(identity);
    };
    const releasing = held.claim.release().then(done, done);
    this.#releasing.set(identity, releasing);
    return releasing;
  }

  /** Resolves when a release of the name that is under way has ended, or the signal fires. */
  released(identity: string, signal: AbortSignal): Promise<void> {
    const releasing = this.#releasing.get(identity);
    if (releasing === undefined || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      signal.addEventListener("abort", done, { once: true });
      void releasing.then(done);
    });
  }

  /** Prepares to be given the name by its holder: for a migration's target. @throws as `acquire` */
  async prepare(identity: string, wait: StoreWait): Promise<StrongLanding> {
    const store = this.require(identity);
    const timeout = Math.min(wait.timeoutMs, this.#wiring.limits.storeTimeoutMs);
    const pad: NamePad<HolderData> = await this.#ask(identity, () =>
      store.prepare(identity, { ttl: this.#ttlMs, timeout, signal: wait.signal }),
    );
    this.#watch.open(store);
    const close = () => pad.close();
    return {
      landing: pad.landing,
      landed: async ({ timeoutMs, signal }) =>
        this.#hold(identity, await pad.landed({ timeout: timeoutMs, signal })),
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  /**
   * The commit point of a migration: gives the name to another node. Resolves to the new token; the instance here has no
   * effect any more, and is left for `handOff`. After an error it is as it was, unless `lease(identity)` says otherwise.
   *
   * @throws {ERR_NAME_MOVED} this node does not hold it; {ERR_LEASE_LOST} the successor waits no more, the name stays;
   *   {ERR_OUTCOME_UNKNOWN} it may be moved: the instance here has no effect until it is known
   */
  async moveTo(
    identity: string,
    landing: NameLanding,
    to: HolderData,
    wait: StoreWait,
  ): Promise<number> {
    const held = this.#held.get(identity);
    if (held === undefined) throw notHeld(identity);
    held.isMoving = true;
    try {
      const { timeoutMs: timeout, signal } = wait;
      const token = await held.claim.moveTo(landing, to, { timeout, signal });
      this.#held.delete(identity);
      return token;
    } catch (error) {
      held.isMoving = false;
      if (held.claim.signal.aborted) this.#lost(identity, held);
      throw error;
    }
  }

  /** Why a strong child cannot be reached from here, where it is this side that is cut off. */
  refusal(spec: ChildSpec): Error | undefined {
    return isStrong(spec) && this.#reach.isCut ? cutOff(spec.identity) : undefined;
  }

  /** Why nobody runs under a strong name, for people; undefined where there is nothing more to say than of any child. */
  why(spec: ChildSpec): string | undefined {
    if (!isStrong(spec)) return undefined;
    const holding = this.holding(spec.identity);
    if (holding.type === "unknown") return "this node has not heard from the name store yet";
    if (holding.type === "free") return "its name is free, and a node is asking for it";
    const { owner } = holding;
    if (owner === undefined) return "something that is no process holds its name in the name store";
    if (isMember(owner, this.#wiring.membership)) return "it is being started where its name is";
    const node = owner.node.slice(0, 8);
    return `node ${node} held its name and is gone: the name store frees it within ${this.#ttlMs} ms`;
  }

  /** The child exists no more. */
  forget(identity: string): void {
    this.#turns.end(identity);
    this.#watch.holdings.forget(identity);
  }

  /** Gives every name back. Waits for the store no longer than it gets for an answer. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#unsubscribe();
    this.#watch.close();
    this.#turns.close();
    this.#reach.close();
    const all = [...this.#held.keys()].map((identity) => this.release(identity));
    all.push(...this.#releasing.values());
    if (all.length === 0) return;
    const { clock, limits } = this.#wiring;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(limits.storeTimeoutMs, resolve);
      void Promise.all(all).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #hold(identity: string, claim: NameClaim<HolderData>): ProcessLease {
    const held: Held = { claim, isMoving: false };
    this.#held.set(identity, held);
    const onLost = () => this.#lost(identity, held);
    claim.signal.addEventListener("abort", onLost, { once: true });
    if (claim.signal.aborted) onLost();
    if (this.#closing.signal.aborted) void this.release(identity);
    return claim;
  }

  #lost(identity: string, held: Held): void {
    if (held.isMoving || this.#held.get(identity) !== held) return;
    this.#held.delete(identity);
    const reason = String(held.claim.signal.reason);
    this.#wiring.metrics.leasesLost.add();
    this.#wiring.logger.warn("A strong name was lost: its process ends", { identity, reason });
    this.#events.lost(identity);
    this.#reach.probe();
  }

  async #ask<T>(identity: string, operation: () => Promise<T>): Promise<T> {
    try {
      const answer = await operation();
      this.#reach.answered();
      return answer;
    } catch (error) {
      if (!isFoundationError(error, "ERR_TIMEOUT")) throw error;
      this.#reach.failed();
      throw cutOff(identity, error);
    }
  }

  async #probe(timeout: number): Promise<void> {
    const { signal } = this.#closing;
    await this.#store?.lookup(PROBED, { timeout, signal });
  }

  #told(identity: string): void {
    if (this.#watch.holdings.of(identity).type === "held") this.#turns.end(identity);
    this.#events.changed(identity);
  }
}

/**
 * NameStore: the claims of all nodes, read as one process for each name.
 *
 * Claims live in an owner-sharded store, so a node's claims vanish with it and return with it. Nothing is kept beside
 * them: a look-up reads the store, where nearly every name has one claim, and resolves several when it meets them.
 *
 * Invariants: a name this node claims is resolved at once (it reads its own writes); what a name leads to depends only
 * on the claims; a hint (a location learnt from a reply, before the claim came) never outranks a claim of the same or a
 * higher version.
 * Limits: `hintsMax`, `hintMs`.
 */
import type { Pid } from "@foundation/core";
import type { OwnedChange } from "@foundation/crdt";
import {
  isOutdated,
  resolve,
  type Claim,
  type ClaimValue,
} from "../../protocol/name-resolution.js";
import { isNameKey, packClaim, unpackClaim } from "../../protocol/name-value.js";
import { isGenerated } from "../../protocol/names.js";
import { sameOwner, type ChildSpec } from "../../protocol/child-spec.js";
import { isMember, type Wiring } from "../wiring.js";
import { nameValueOf, type ClaimStore } from "./claims.js";
import type { NameWatchers } from "./name-watchers.js";

/** Where a name leads. */
export interface NameEntry {
  readonly name: string;
  readonly pid: Pid;
  /** The name of its definition, where it was registered with one. */
  readonly definition: string | undefined;
  /** Whatever was registered beside it: plain data. */
  readonly meta: unknown;
}

/** Where a name leads, with the version of its claim. */
export interface Located extends NameEntry {
  readonly incarnation: number;
  readonly generation: number;
}

interface Hint extends Located {
  readonly untilMs: number;
}

/** Names of the cluster. */
export class NameStore {
  readonly #wiring: Wiring;
  readonly #store: ClaimStore;
  /** Keys of the store that are no name a user gave: generated ones and what is not a name. */
  readonly #others = new Set<string>();
  readonly #hints = new Map<string, Hint>();
  readonly #watchers: NameWatchers;
  readonly #onLost: (name: string, own: ClaimValue) => void;
  readonly #unsubscribe: () => void;

  /** `onLost` is called when a claim of this node loses against another one. */
  constructor(
    wiring: Wiring,
    store: ClaimStore,
    watchers: NameWatchers,
    onLost: (name: string, own: ClaimValue) => void,
  ) {
    this.#wiring = wiring;
    this.#store = store;
    this.#watchers = watchers;
    this.#onLost = onLost;
    this.#unsubscribe = store.subscribe((change) => this.#changed(change));
  }

  /** Names that are registered, generated ones not counted. */
  get size(): number {
    return this.#store.size - this.#others.size;
  }

  claim(name: string, value: ClaimValue): void {
    this.#store.set(name, packClaim(value));
  }

  /** Gives up this node's claim, if it stands for that process. */
  withdraw(name: string, serial: number): void {
    if (this.ownClaim(name)?.serial === serial) this.#store.delete(name);
  }

  /** This node's own claim. */
  ownClaim(name: string): ClaimValue | undefined {
    const value = nameValueOf(this.#store.own(name)?.value);
    return value && unpackClaim(value);
  }

  /** Where the name leads, as far as this node knows. */
  locate(name: string): NameEntry | undefined {
    if (this.#hints.size === 0) return this.located(name);
    const hint = this.#hints.get(name);
    if (hint === undefined) return this.located(name);
    const { clock, membership } = this.#wiring;
    if (hint.untilMs > clock.now() && isMember(hint.pid, membership)) return hint;
    this.#hints.delete(name);
    return this.located(name);
  }

  /** Where the claims lead, hints apart. */
  located(name: string): Located | undefined {
    const claims = this.#store.get(name);
    const [first] = claims;
    if (first === undefined || !isNameKey(name)) return undefined;
    if (claims.length > 1) {
      const { winner } = this.#resolve(name);
      return winner && locatedBy(name, winner);
    }
    const value = nameValueOf(first.value);
    if (value === undefined) return undefined;
    const pid = { node: first.owner, boot: first.boot, serial: value.s };
    const isVersioned = "i" in value;
    return {
      name,
      pid,
      definition: value.d,
      meta: isVersioned ? value.m : undefined,
      incarnation: isVersioned ? value.i : 0,
      generation: isVersioned ? value.g : 0,
    };
  }

  /** Remembers a location that a reply told, until the claim itself arrives, for a short time. */
  hint(entry: Located): void {
    this.#hints.delete(entry.name);
    const claimed = this.located(entry.name);
    if (claimed && outranks(claimed, entry)) return;
    if (this.#hints.size >= this.#wiring.limits.hintsMax) {
      for (const oldest of this.#hints.keys()) {
        this.#hints.delete(oldest);
        break;
      }
    }
    const untilMs = this.#wiring.clock.now() + this.#wiring.limits.hintMs;
    this.#hints.set(entry.name, { ...entry, untilMs });
  }

  /** Forgets a hint that the child's spec contradicts. */
  contradict(spec: ChildSpec): void {
    const hint = this.#hints.get(spec.identity);
    if (hint === undefined) return;
    const { serial, ...owner } = hint.pid;
    const { definition, incarnation, generation, meta } = hint;
    const value = { serial, definition, incarnation, generation, meta };
    if (isOutdated({ owner, value }, spec)) this.#hints.delete(spec.identity);
  }

  /** Forgets a hint that proved stale. */
  dropHint(name: string): void {
    this.#hints.delete(name);
  }

  /** What the names with that prefix lead to, generated ones left out; in no order. */
  *under(prefix: string): Generator<Located> {
    for (const key of this.#store.keys()) {
      if (!key.startsWith(prefix) || isGenerated(key)) continue;
      const located = this.located(key);
      if (located !== undefined) yield located;
    }
  }

  close(): void {
    this.#unsubscribe();
    this.#hints.clear();
  }

  /** What several claims come to. */
  #resolve(name: string): { readonly winner: Claim | undefined; readonly own: Claim | undefined } {
    const claims: Claim[] = [];
    for (const { owner, boot, value } of this.#store.get(name)) {
      const kept = nameValueOf(value);
      if (kept === undefined) continue;
      claims.push({ owner: { node: owner, boot }, value: unpackClaim(kept) });
    }
    const winner = resolve(claims);
    return { winner, own: claims.find(({ owner }) => sameOwner(owner, this.#wiring.self)) };
  }

  #changed({ key }: OwnedChange<unknown>): void {
    const claims = this.#store.get(key);
    // Of a single claim it is enough to see that it is one: what may be more is looked at closely.
    const isUsual = claims[0]?.value !== null && !isGenerated(key);
    if (isUsual || claims.length === 0) this.#others.delete(key);
    else if (isGenerated(key) || this.located(key) === undefined) this.#others.add(key);
    if (!isNameKey(key)) return;
    this.#dropOutranked(key);
    if (this.#watchers.isWatched(key)) this.#watchers.note(key, this.located(key));
    if (claims.length > 1) this.#settle(key);
  }

  /** At once and not when next asked: the claim may be gone again by then. */
  #dropOutranked(name: string): void {
    if (this.#hints.size === 0) return;
    const hint = this.#hints.get(name);
    if (hint === undefined) return;
    const claimed = this.located(name);
    if (claimed && outranks(claimed, hint)) this.#hints.delete(name);
  }

  /** Several nodes claim the name: this one gives way unless its claim wins. */
  #settle(name: string): void {
    const { winner, own } = this.#resolve(name);
    if (winner !== undefined && own !== undefined && own !== winner) this.#onLost(name, own.value);
  }
}

function locatedBy(name: string, { owner, value }: Claim): Located {
  const { serial, definition, incarnation, generation, meta } = value;
  const pid = { node: owner.node, boot: owner.boot, serial };
  return { name, pid, definition, meta, incarnation, generation };
}

/** True when the claim says at least as much as the hint. */
function outranks(claimed: Located, hint: Located): boolean {
  if (claimed.incarnation !== hint.incarnation) return claimed.incarnation > hint.incarnation;
  return claimed.generation >= hint.generation;
}

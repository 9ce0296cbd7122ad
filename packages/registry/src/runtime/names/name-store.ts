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
import type { Claim as StoredClaim, OwnedChange } from "@foundation/crdt";
import {
  isOutdated,
  resolve,
  type Claim,
  type ClaimValue,
} from "../../protocol/name-resolution.js";
import { isNameKey, packClaim } from "../../protocol/name-value.js";
import { isGenerated } from "../../protocol/names.js";
import { sameOwner, type ChildSpec } from "../../protocol/child-spec.js";
import { isMember, type Wiring } from "../wiring.js";
import { keptOf, type Claims } from "./claims.js";
import { entryOf, type NameWatchers } from "./name-watchers.js";

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
  readonly #store: Claims["store"];
  readonly #kept: Claims["kept"];
  /** Keys of the store that are no name a user gave: generated ones and what is not a name. */
  readonly #others = new Set<string>();
  readonly #hints = new Map<string, Hint>();
  readonly #watchers: NameWatchers;
  readonly #onLost: (name: string, own: ClaimValue) => void;
  readonly #unsubscribe: () => void;

  /** `onLost` is called when a claim of this node loses against another one. */
  constructor(
    wiring: Wiring,
    { store, kept }: Claims,
    watchers: NameWatchers,
    onLost: (name: string, own: ClaimValue) => void,
  ) {
    this.#wiring = wiring;
    this.#store = store;
    this.#kept = kept;
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
    const kept = keptOf(this.#store.own(name)?.value);
    return kept === undefined ? undefined : this.#kept.valueOf(kept);
  }

  /** Where the name leads, as far as this node knows. */
  locate(name: string): NameEntry | undefined {
    if (this.#hints.size > 0) {
      const hint = this.#believed(name);
      if (hint !== undefined) return entryOf(hint);
    }
    const claim = this.#store.sole(name);
    if (claim === undefined) return undefined;
    // The usual one is read here and not by way of `located`: nothing is made but what is returned.
    if (claim !== null && typeof claim.value === "number" && isNameKey(name)) {
      const pid = { node: claim.owner, boot: claim.boot, serial: this.#kept.serialOf(claim.value) };
      return { name, pid, definition: this.#kept.definitionOf(claim.value), meta: undefined };
    }
    const located = this.located(name);
    return located && entryOf(located);
  }

  /** Where the claims lead, hints apart. */
  located(name: string): Located | undefined {
    const sole = this.#store.sole(name);
    if (sole === undefined || !isNameKey(name)) return undefined;
    const claim = sole === null ? this.#resolve(name).winner : this.#claimOf(sole);
    return claim && locatedBy(name, claim);
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

  /** A location that a reply told and that may still hold. */
  #believed(name: string): Hint | undefined {
    const hint = this.#hints.get(name);
    if (hint === undefined) return undefined;
    const { clock, membership } = this.#wiring;
    if (hint.untilMs > clock.now() && isMember(hint.pid, membership)) return hint;
    this.#hints.delete(name);
    return undefined;
  }

  #claimOf({ owner: node, boot, value }: StoredClaim<unknown>): Claim | undefined {
    const kept = keptOf(value);
    if (kept === undefined) return undefined;
    return { owner: { node, boot }, value: this.#kept.valueOf(kept) };
  }

  /** What several claims come to. */
  #resolve(name: string): { readonly winner: Claim | undefined; readonly own: Claim | undefined } {
    const claims: Claim[] = [];
    for (const stored of this.#store.get(name)) {
      const claim = this.#claimOf(stored);
      if (claim !== undefined) claims.push(claim);
    }
    const winner = resolve(claims);
    return { winner, own: claims.find(({ owner }) => sameOwner(owner, this.#wiring.self)) };
  }

  #changed({ key }: OwnedChange<unknown>): void {
    const sole = this.#store.sole(key);
    if (sole === undefined || this.#isName(key, sole)) this.#others.delete(key);
    else this.#others.add(key);
    if (!isNameKey(key)) return;
    this.#dropOutranked(key);
    if (this.#watchers.isWatched(key)) this.#watchers.note(key, this.located(key));
    if (sole === null) this.#settle(key);
  }

  /** Of a single claim it is enough to see that it is one: what may be more is looked at closely. */
  #isName(key: string, sole: StoredClaim<unknown> | null): boolean {
    if (isGenerated(key)) return false;
    return sole === null ? this.located(key) !== undefined : sole.value !== null;
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

/**
 * NameStore: the claims of all nodes, resolved to one process for each name.
 *
 * Claims live in an owner-sharded store, so a node's claims vanish with it and return with it. The
 * resolved view is kept beside it and changes when a claim does, so a look-up reads one map.
 *
 * Invariants: a name this node claims is resolved at once (it reads its own writes); the view of a
 * name depends only on the claims; a hint (a location learnt from a reply, before the claim came)
 * never outranks a claim of the same or a higher version.
 * Limits: `hintsMax`, `hintMs`, `watchBuffer`.
 */
import { boundedStream, type BoundedStream, type Pid } from "@foundation/core";
import type { OwnedStore } from "@foundation/crdt";
import {
  isOutdated,
  parseClaim,
  resolve,
  type Claim,
  type ClaimValue,
} from "../../protocol/name-resolution.js";
import { isGenerated } from "../../protocol/names.js";
import { sameOwner, type ChildSpec } from "../../protocol/child-spec.js";
import { isMember, type Wiring } from "../wiring.js";

/** Where a name leads. */
export interface NameEntry {
  readonly name: string;
  readonly pid: Pid;
  /** The name of its definition, where it was registered with one. */
  readonly definition: string | undefined;
  /** Whatever was registered beside it: plain data. */
  readonly meta: unknown;
}

/** A change of a name, as this node learns it. */
export type NameEvent =
  | { readonly type: "registered"; readonly entry: NameEntry }
  /** The same name leads elsewhere now: a restart, a takeover, a resolved conflict. */
  | { readonly type: "moved"; readonly entry: NameEntry; readonly previous: NameEntry }
  | { readonly type: "unregistered"; readonly entry: NameEntry };

interface Located extends NameEntry {
  readonly incarnation: number;
  readonly generation: number;
}

interface Hint extends Located {
  readonly untilMs: number;
}

interface Watcher {
  readonly prefix: string;
  readonly stream: BoundedStream<NameEvent>;
}

const KEY = "n:";

/** Names of the cluster. */
export class NameStore {
  readonly #wiring: Wiring;
  readonly #store: OwnedStore<unknown>;
  readonly #resolved = new Map<string, Located>();
  /** How many of the resolved names the registry made. */
  #generated = 0;
  readonly #hints = new Map<string, Hint>();
  readonly #watchers = new Set<Watcher>();
  readonly #onLost: (name: string, own: ClaimValue) => void;
  readonly #unsubscribe: () => void;

  /** `onLost` is called when a claim of this node loses against another one. */
  constructor(
    wiring: Wiring,
    store: OwnedStore<unknown>,
    onLost: (name: string, own: ClaimValue) => void,
  ) {
    this.#wiring = wiring;
    this.#store = store;
    this.#onLost = onLost;
    this.#unsubscribe = store.subscribe(({ key }) => {
      if (key.startsWith(KEY)) this.#refresh(key.slice(KEY.length));
    });
  }

  /** Names that are registered, generated ones not counted. */
  get size(): number {
    return this.#resolved.size - this.#generated;
  }

  claim(name: string, value: ClaimValue): void {
    this.#store.set(KEY + name, value);
    this.#refresh(name);
  }

  /** Gives up this node's claim, if it stands for that process. */
  withdraw(name: string, serial: number): void {
    if (this.ownClaim(name)?.serial !== serial) return;
    this.#store.delete(KEY + name);
    this.#refresh(name);
  }

  /** This node's own claim. */
  ownClaim(name: string): ClaimValue | undefined {
    return parseClaim(this.#store.own(KEY + name)?.value);
  }

  /** Where the name leads, as far as this node knows. */
  locate(name: string): NameEntry | undefined {
    const claimed = this.#resolved.get(name);
    if (this.#hints.size === 0) return claimed;
    const hint = this.#hints.get(name);
    if (hint === undefined) return claimed;
    const { clock, membership } = this.#wiring;
    if (hint.untilMs > clock.now() && isMember(hint.pid, membership)) return hint;
    this.#hints.delete(name);
    return claimed;
  }

  /** Remembers a location that a reply told, until the claim itself arrives, for a short time. */
  hint(entry: Located): void {
    this.#hints.delete(entry.name);
    const claimed = this.#resolved.get(entry.name);
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

  /** Entries whose name begins with the prefix, ordered by name. */
  select(prefix: string): readonly NameEntry[] {
    const found: NameEntry[] = [];
    for (const [name, located] of this.#resolved) {
      if (!isGenerated(name) && name.startsWith(prefix)) found.push(entryOf(located));
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The present entries as `registered`, then every change. */
  watch(prefix: string, signal: AbortSignal | undefined): AsyncIterableIterator<NameEvent> {
    const stream = boundedStream<NameEvent>({
      name: "registry.watch",
      buffer: this.#wiring.limits.watchBuffer,
      overflow: "drop-oldest",
      signal,
      onEnd: () => this.#watchers.delete(watcher),
    });
    const watcher: Watcher = { prefix, stream };
    if (stream.ended) return stream.iterator;
    for (const entry of this.select(prefix)) stream.push({ type: "registered", entry });
    this.#watchers.add(watcher);
    return stream.iterator;
  }

  close(): void {
    this.#unsubscribe();
    for (const { stream } of [...this.#watchers]) stream.end();
    this.#hints.clear();
  }

  #claims(name: string): readonly Claim[] {
    const claims: Claim[] = [];
    for (const { owner, boot, value } of this.#store.get(KEY + name)) {
      const parsed = parseClaim(value);
      if (parsed !== undefined) claims.push({ owner: { node: owner, boot }, value: parsed });
    }
    return claims;
  }

  #refresh(name: string): void {
    const claims = this.#claims(name);
    const winner = resolve(claims);
    const previous = this.#resolved.get(name);
    const located = winner && locatedBy(name, winner);
    if (located === undefined) this.#resolved.delete(name);
    else this.#resolved.set(name, located);
    if (isGenerated(name)) {
      this.#generated += Number(located !== undefined) - Number(previous !== undefined);
    }
    // At once and not when next asked: the claim may be gone again by then.
    const hint = this.#hints.get(name);
    if (located && hint && outranks(located, hint)) this.#hints.delete(name);
    this.#tell(previous, located);
    if (claims.length < 2 || winner === undefined) return;
    const own = claims.find(({ owner }) => sameOwner(owner, this.#wiring.self));
    if (own !== undefined && own !== winner) this.#onLost(name, own.value);
  }

  #tell(previous: Located | undefined, next: Located | undefined): void {
    const name = (next ?? previous)?.name;
    if (name === undefined || isGenerated(name) || this.#watchers.size === 0) return;
    const event = eventOf(previous, next);
    if (event === undefined) return;
    for (const { prefix, stream } of this.#watchers) {
      if (name.startsWith(prefix)) stream.push(event);
    }
  }
}

function locatedBy(name: string, { owner, value }: Claim): Located {
  const { serial, definition, incarnation, generation, meta } = value;
  const pid = { node: owner.node, boot: owner.boot, serial };
  return { name, pid, definition, meta, incarnation, generation };
}

function entryOf({ name, pid, definition, meta }: Located): NameEntry {
  return { name, pid, definition, meta };
}

function eventOf(previous: Located | undefined, next: Located | undefined): NameEvent | undefined {
  if (next === undefined) return previous && { type: "unregistered", entry: entryOf(previous) };
  if (previous === undefined) return { type: "registered", entry: entryOf(next) };
  const { pid } = next;
  const same = sameOwner(pid, previous.pid) && pid.serial === previous.pid.serial;
  if (same) return undefined;
  return { type: "moved", entry: entryOf(next), previous: entryOf(previous) };
}

/** True when the claim says at least as much as the hint. */
function outranks(claimed: Located, hint: Located): boolean {
  if (claimed.incarnation !== hint.incarnation) return claimed.incarnation > hint.incarnation;
  return claimed.generation >= hint.generation;
}

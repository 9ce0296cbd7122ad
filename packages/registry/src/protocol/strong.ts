/**
 * Strong children: of whom at most one instance has effect, because a name store gives their name to one owner at a time.
 *
 * What a membership believes decides nothing here: who holds the name runs the child, and a child is taken over when its
 * name is free. The name's token is the child's generation, and the token of its start the incarnation; so the versions
 * that spread among the nodes and the tokens of the store have one order, and none of them can prefer an older owner.
 *
 * Invariants: of two specs of one strong child, the one written under the later claim is the greater; an instance is found
 * under its name only while nobody is known to have had the name later.
 */
import type { NodeId } from "@foundation/core";
import type { NameEvent, NameOwner } from "@foundation/core/ports";
import {
  sameOwner,
  startSpec,
  takeoverSpec,
  type ChildRequest,
  type ChildSpec,
  type Owner,
} from "./child-spec.js";
import { parseOwner } from "./parse-spec.js";

/** What the owner of a name says of itself in the store. */
export interface HolderData extends Owner {
  readonly definition: string;
  /** Of a process that was moved there, by which it is found before its claim has arrived. */
  readonly serial?: number;
}

/** Who has the name of a strong child, as this node was told last. */
export type Holding =
  /** The store has told nothing yet. */
  | { readonly type: "unknown" }
  | { readonly type: "free"; readonly lastToken: number }
  /** `owner` is undefined where something else than a process of this registry has it. */
  | { readonly type: "held"; readonly token: number; readonly owner: HolderData | undefined };

/** True for a child that needs its name of the store to run. */
export function isStrong({ rules }: Pick<ChildRequest, "rules">): boolean {
  return rules?.consistency === "strong";
}

/** The first spec of a strong child, started under a claim with that token. */
export function strongStart(
  request: ChildRequest,
  owner: Owner,
  known: ChildSpec | undefined,
  token: number,
): ChildSpec {
  const spec = startSpec(request, owner, known);
  return { ...spec, incarnation: Math.max(spec.incarnation, token), generation: token };
}

/** The spec by which the holder of a later claim takes a strong child over. */
export function strongTakeover(spec: ChildSpec, owner: Owner, token: number): ChildSpec {
  const taken = takeoverSpec(spec, owner);
  // Greater also where a store has lost its tokens and begins anew.
  return { ...taken, generation: Math.max(taken.generation, token) };
}

/** The holder, or undefined when the data is another's. */
export function parseHolder(data: unknown): HolderData | undefined {
  const owner = parseOwner(data);
  const { definition, serial } = (data ?? {}) as Partial<HolderData>;
  if (owner === undefined || typeof definition !== "string") return undefined;
  return { ...owner, definition, ...(typeof serial === "number" ? { serial } : {}) };
}

/**
 * When a candidate asks for a free name: 0 at once, 1 a step later than who is placed first, and so on; undefined when it
 * is no candidate. All may ask, since the first may be cut off from the store; the store decides.
 */
export function claimRank(
  self: NodeId,
  first: NodeId | undefined,
  candidates: readonly { readonly id: NodeId }[],
): number | undefined {
  if (!candidates.some(({ id }) => id === self)) return undefined;
  if (first === self) return 0;
  let rank = 1;
  for (const { id } of candidates) if (id !== first && id < self) rank += 1;
  return rank;
}

interface Known {
  token: number;
  /** Undefined for something that is no process of this registry. */
  owner: HolderData | undefined;
  isFree: boolean;
}

/** The owners of all names, by what a watch has told. */
export class Holdings {
  readonly #known = new Map<string, Known>();
  #isReady = false;

  /** Names that are held, or were. */
  get size(): number {
    return this.#known.size;
  }

  /** Takes an event in; gives the names whose owner is another now. */
  apply(event: NameEvent<unknown>): readonly string[] {
    switch (event.type) {
      case "owned":
        return this.#owned(event.owner);
      case "free":
        return this.#free(event.name);
      case "snapshot": {
        this.#isReady = true;
        const there = new Set(event.owners.map(({ name }) => name));
        const gone = [...this.#known.keys()].filter((name) => !there.has(name));
        return [
          ...gone.flatMap((name) => this.#free(name)),
          ...event.owners.flatMap((owner) => this.#owned(owner)),
        ];
      }
      default:
        return event satisfies never;
    }
  }

  of(name: string): Holding {
    const known = this.#known.get(name);
    if (known === undefined) {
      return this.#isReady ? { type: "free", lastToken: 0 } : { type: "unknown" };
    }
    const { token, owner, isFree } = known;
    return isFree ? { type: "free", lastToken: token } : { type: "held", token, owner };
  }

  /**
   * Whether an instance may be the one that has the name: not when the store, or the newest spec, knows of a later owner.
   */
  admits(instance: Owner, spec: ChildSpec): boolean {
    if (this.isBehind(spec)) return sameOwner(instance, spec.owner);
    const known = this.#known.get(spec.identity);
    return known?.isFree === false && known.owner !== undefined && sameOwner(instance, known.owner);
  }

  /** Whether a spec tells of a later owner than the store has told of. */
  isBehind(spec: ChildSpec): boolean {
    const known = this.#known.get(spec.identity);
    return known === undefined || spec.generation > known.token;
  }

  /** Forgets a name that is free and whose child exists no more. */
  forget(name: string): void {
    if (this.#known.get(name)?.isFree === true) this.#known.delete(name);
  }

  #owned({ name, token, data }: NameOwner<unknown>): readonly string[] {
    const known = this.#known.get(name);
    if (known !== undefined && known.token >= token) return [];
    this.#known.set(name, { token, owner: parseHolder(data), isFree: false });
    return [name];
  }

  #free(name: string): readonly string[] {
    const known = this.#known.get(name);
    if (known === undefined || known.isFree) return [];
    known.isFree = true;
    return [name];
  }
}

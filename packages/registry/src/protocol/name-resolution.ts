/**
 * Name resolution: which of several claims to one name holds.
 *
 * Each node writes its claims into its own shard, so two nodes can claim one name at once, or on
 * both sides of a partition. Every node picks the same winner from the same claims, without a clock:
 * the greater (incarnation, generation, owner). Claims of distributed children carry the version of
 * their spec, so that a name and its spec name the same winner; claims registered by hand carry
 * (0, 0), so that a supervised child outranks them.
 *
 * Invariants: `resolve` does not depend on the order of the claims; the winner of a set is the
 * winner of every subset that contains it.
 */
import { compareOwners, sameOwner, type ChildSpec, type Owner } from "./child-spec.js";

/** What a node writes in its shard under a name. Immutable plain data. */
export interface ClaimValue {
  /** Serial number of the process on its node. */
  readonly serial: number;
  /** The name of its definition, where it is known. */
  readonly definition: string | undefined;
  readonly incarnation: number;
  readonly generation: number;
  /** Whatever the user keeps beside the name: plain data. */
  readonly meta: unknown;
}

/** One owner's claim to a name. */
export interface Claim {
  readonly owner: Owner;
  readonly value: ClaimValue;
}

/** Positive when `a` outranks `b`. */
export function compareClaims(a: Claim, b: Claim): number {
  return (
    a.value.incarnation - b.value.incarnation ||
    a.value.generation - b.value.generation ||
    compareOwners(a.owner, b.owner)
  );
}

/** The claim that holds, or undefined when nobody claims the name. */
export function resolve(claims: readonly Claim[]): Claim | undefined {
  let winner: Claim | undefined;
  for (const claim of claims) {
    if (winner === undefined || compareClaims(claim, winner) > 0) winner = claim;
  }
  return winner;
}

/**
 * True when a child's spec says that nothing runs where a claim says it does: a newer version runs elsewhere or nowhere.
 * A claim without a version belongs to no child; a spec of one that no longer runs says nothing about it.
 */
export function isOutdated({ owner, value }: Claim, spec: ChildSpec): boolean {
  const isRunning = spec.state === "running";
  if (value.incarnation === 0 && !isRunning) return false;
  if (value.incarnation !== spec.incarnation) return value.incarnation < spec.incarnation;
  if (spec.state === "stopped") return true;
  if (value.generation !== spec.generation) return value.generation < spec.generation;
  return !isRunning || !sameOwner(owner, spec.owner);
}

/** Checks what arrived under a name: a peer of another version may have written anything. */
export function parseClaim(value: unknown): ClaimValue | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const claim = value as Partial<ClaimValue>;
  if (!isCount(claim.serial) || !isCount(claim.incarnation) || !isCount(claim.generation)) {
    return undefined;
  }
  const definition = typeof claim.definition === "string" ? claim.definition : undefined;
  const { serial, incarnation, generation, meta } = claim;
  return { serial, definition, incarnation, generation, meta };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

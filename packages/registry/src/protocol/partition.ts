/**
 * PartitionPolicy: what a child does where its cluster is cut in two, and the count by which a side knows that it is one.
 *
 * | policy | the side without a quorum | the side with one | after the heal |
 * |---|---|---|---|
 * | `run-anywhere` | runs it | runs it | the greater version stays, the other ends with `name-conflict` |
 * | `quorum` | stops it, starts none | takes it over, a grace period after its node was lost | one, where it was taken to |
 * | `stay` | runs it where its node is | leaves it to its node | where it was |
 *
 * A quorum is more than half of a list that both sides have in common: the committed roster, or what was configured. Never
 * of whoever is seen: each side of a cut sees only itself, and would always have all of it. Exactly half is no quorum, so
 * an even cluster cut in half runs nothing guarded (docs/decisions/0019).
 *
 * A side learns that it was cut off when its failure detector says so, and the other side perhaps earlier. So a guarded
 * child is taken over only when its node has been gone for the grace period, and it is started again, here too, only when
 * the quorum has been there for as long: who comes back into a quorum has news to hear first.
 *
 * Invariants: of two sides that count from one list at most one has a quorum; who may not run may not start; a decision
 * depends only on its inputs. Limit: a side whose detection is later than the other's by more than the grace period runs
 * for the difference; only `consistency: "strong"` knows no such difference.
 */
export type PartitionPolicy = "run-anywhere" | "quorum" | "stay";

const POLICIES: ReadonlySet<unknown> = new Set(["run-anywhere", "quorum", "stay"]);

/** True for the name of a policy; for what a user or a peer said. */
export function isPartitionPolicy(value: unknown): value is PartitionPolicy {
  return POLICIES.has(value);
}

/** From what a quorum is counted: the names or ids of nodes, or only how many there are. */
export type Electorate = readonly string[] | number;

/** Somebody who is there, by its id and its name. */
export interface Present {
  readonly id: string;
  readonly name: string;
}

/** How many of how many are there. */
export interface Count {
  readonly present: number;
  readonly of: number;
}

/** Counts those present; one who is named twice, or twice by one name, counts once. */
export function count(electorate: Electorate, present: Iterable<Present>): Count {
  if (typeof electorate === "number") {
    const ids = new Set<string>();
    for (const { id } of present) ids.add(id);
    return { present: ids.size, of: electorate };
  }
  const there = new Set<string>();
  for (const { id, name } of present) there.add(id).add(name);
  const members = new Set(electorate);
  let found = 0;
  for (const member of members) found += Number(there.has(member));
  return { present: found, of: members.size };
}

/** More than half, of at least one: exactly half is on both sides. */
export function isQuorum({ present, of }: Count): boolean {
  return of > 0 && present * 2 > of;
}

/** What a node knows of the side it is on. */
export interface Side {
  /** For how long it has had a quorum without a break; undefined when it has none now. */
  readonly quorumForMs: number | undefined;
  /** How long a node must be gone, and a quorum be there, before anything is started because of it. */
  readonly graceMs: number;
}

/** Whether what runs here may go on. */
export function mayRun(policy: PartitionPolicy, { quorumForMs }: Side): boolean {
  return policy !== "quorum" || quorumForMs !== undefined;
}

/** Whether a child that is this node's may be started again here. */
export function mayStart(policy: PartitionPolicy, { quorumForMs, graceMs }: Side): boolean {
  return policy !== "quorum" || (quorumForMs !== undefined && quorumForMs >= graceMs);
}

/** What is known of an owner that is no member any more. */
export interface Absence {
  /** For how long this node has missed it. */
  readonly goneForMs: number;
  /** Its node is this one, started anew: the old start has ended for certain. */
  readonly isSelf: boolean;
}

/** Whether a child may be taken over from an owner that is gone. */
export function mayTakeOver(policy: PartitionPolicy, side: Side, absence: Absence): boolean {
  switch (policy) {
    case "run-anywhere":
      return true;
    case "quorum":
      return mayStart(policy, side) && (absence.isSelf || absence.goneForMs >= side.graceMs);
    case "stay":
      return absence.isSelf;
    default:
      return policy satisfies never;
  }
}

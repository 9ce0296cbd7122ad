/**
 * Candidates: the members that may run a child.
 *
 * A candidate defines the process, fits `on`, and is not draining. Nobody needs to agree on the
 * list: a disagreement costs at most a second instance for as long as the versions of the spec need
 * to arrive, and the greater one stays.
 */
import type { Member, NodeId } from "@foundation/core";
import type { On } from "./child-spec.js";

/** True when the node is known to define a process of that name. */
export type Defines = (node: NodeId, definition: string) => boolean;

/** Chooses one of the candidates for a key, the same on every node for the same candidates. */
export type Place = (key: string, candidates: readonly Member[]) => NodeId | undefined;

/** Members that may run the child, in the order given. */
export function candidatesFor(
  child: { readonly definition: string; readonly on: On | undefined },
  members: readonly Member[],
  defines: Defines,
): readonly Member[] {
  return members.filter(
    (member) =>
      (member.status === "alive" || member.status === "suspect") &&
      fits(member, child.on) &&
      defines(member.id, child.definition),
  );
}

/** Candidates for a first start: a suspected node is passed over where there is another. */
export function preferWell(candidates: readonly Member[]): readonly Member[] {
  const well = candidates.filter((member) => member.status === "alive");
  return well.length > 0 ? well : candidates;
}

/** True when the member meets the constraint. */
export function fits(member: Member, on: On | undefined): boolean {
  if (on === undefined) return true;
  if (typeof on === "string") return member.id === on;
  if (on.role !== undefined && !member.roles.includes(on.role)) return false;
  for (const [label, value] of Object.entries(on.labels ?? {})) {
    if (!Object.hasOwn(member.labels, label) || member.labels[label] !== value) return false;
  }
  return true;
}

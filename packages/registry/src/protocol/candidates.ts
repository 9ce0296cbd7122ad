/**
 * Candidates: the members that may run a child.
 *
 * A candidate defines the process, fits `on`, and is not draining. Nobody needs to agree on the
 * list: a disagreement costs at most a second instance for as long as the versions of the spec need
 * to arrive, and the greater one stays.
 */
import type { Member, NodeId } from "@foundation/core";
import type { On } from "./child-spec.js";
import type { Placeable } from "./occupancy.js";

/** True when the node is known to define a process of that name. */
export type Defines = (node: NodeId, definition: string) => boolean;

/**
 * Chooses one of the candidates for a key, the same on every node for the same candidates; of those
 * that the constraints of the child allow, where it is told the child.
 */
export type Place = (
  key: string,
  candidates: readonly Member[],
  child?: Placeable,
) => NodeId | undefined;

/** Members that may run the child, in the order given. */
export function candidatesFor(
  child: Pick<Placeable, "definition" | "on">,
  members: readonly Member[],
  defines: Defines,
): readonly Member[] {
  return members.filter((member) => whyNot(child, member, defines) === undefined);
}

/** Why the member is no candidate for the child; undefined when it is one. */
export function whyNot(
  child: Pick<Placeable, "definition" | "on">,
  member: Member,
  defines: Defines,
): string | undefined {
  if (member.status === "draining") return "it is draining";
  if (member.status !== "alive" && member.status !== "suspect") return "it is no member";
  if (!fits(member, child.on)) return "it does not fit `on`";
  return defines(member.id, child.definition) ? undefined : "it does not define the process";
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

/**
 * PlannedMoves: the moves a rebalance comes to, in the order in which they help most.
 *
 * A rebalance may be cut short, by its limit or by a node that goes; what was done by then shall be the better part of it.
 * So constraints are mended first, and each move after that takes from the node that is the furthest above the other.
 *
 * Invariants: each child that moved is in the list once; the order depends on the children alone.
 */
import type { Member, NodeId } from "@foundation/core";
import type { ChildSpec } from "./child-spec.js";

export interface PlannedMove {
  readonly identity: string;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly why: "constraints" | "balance";
}

/** A child that was at home on one member and shall be on another, or the same. */
export interface Movable {
  readonly spec: ChildSpec;
  readonly home: Member;
  readonly at: Member;
  readonly why: PlannedMove["why"];
}

/** Repairs first, then always from the fullest node to the emptiest; `all` are the children that count. */
export function ordered(
  moved: readonly Movable[],
  all: readonly Movable[],
): readonly PlannedMove[] {
  const counts = new Map<Member, number>();
  for (const { home } of all) counts.set(home, (counts.get(home) ?? 0) + 1);
  const gain = ({ home, at }: Movable) => (counts.get(home) ?? 0) - (counts.get(at) ?? 0);
  const take = ({ spec, home, at, why }: Movable): PlannedMove => {
    counts.set(home, (counts.get(home) ?? 0) - 1);
    counts.set(at, (counts.get(at) ?? 0) + 1);
    return { identity: spec.identity, from: home.id, to: at.id, why };
  };
  const repairs = moved.filter(({ why }) => why === "constraints").map(take);
  const ways = new Map<string, Movable[]>();
  for (const child of moved) {
    if (child.why !== "balance") continue;
    const way = `${child.home.id}>${child.at.id}`;
    const known = ways.get(way);
    if (known === undefined) ways.set(way, [child]);
    else known.push(child);
  }
  const balance: PlannedMove[] = [];
  while (ways.size > 0) {
    const [way, children] = [...ways].reduce((best, each) =>
      gain(each[1][0] as Movable) > gain(best[1][0] as Movable) ? each : best,
    );
    balance.push(take(children.shift() as Movable));
    if (children.length === 0) ways.delete(way);
  }
  return [...repairs, ...balance];
}

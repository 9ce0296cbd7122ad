/** Why a relayed connection was not opened, or broke, told for people and for who tries again. */
import type { Connection, ConnectionEnd, NodeId } from "@foundation/core";
import type { RelayBreak, RelayRefusal } from "../../protocol/relay/frames.js";

/** How the opening of one route went. */
export type RouteOutcome =
  | { readonly type: "opened"; readonly connection: Connection }
  | {
      readonly type: "failed";
      /** A node refused, a link broke on the way, or nobody answered in time. */
      readonly reason: RelayRefusal | "broken" | "timeout";
      /** Who said so. */
      readonly by: NodeId;
      /** Nodes that another route had better not lead over; empty: another route is of no use. */
      readonly blamed: readonly NodeId[];
    };

const WHAT: Readonly<Record<RelayRefusal, string>> = {
  "no-link": "has no link to the next node of the route",
  "relay-full": "passes on as many connections as it may",
  "too-many-opens": "was asked to open too many connections in a second",
  "too-many-connections": "has as many relayed connections as it may",
  taken: "knows another connection by this number",
  "not-accepting": "takes no relayed connections",
  overloaded: "could not get rid of what it was to pass on",
  "limits-differ": "has other limits",
};

/** What a break that came means for the connection of this end. */
export function endOf(broken: RelayBreak, route: readonly NodeId[]): ConnectionEnd {
  const { refusal, index } = broken;
  const who = route[index] ?? "a node that is not on the route";
  if (refusal !== undefined) return { reason: "lost", detail: `${who} ${WHAT[refusal]}` };
  const isEnd = index === 0 || index === route.length - 1;
  const what = isEnd ? "has ended the connection" : "has lost a link of the route";
  const detail =
    broken.reason === "protocol" ? `${who} was sent what breaks the rules` : `${who} ${what}`;
  return { reason: broken.reason, detail };
}

/** What a break that came means for a connection that is being opened. */
export function failureOf(broken: RelayBreak, route: readonly NodeId[]): RouteOutcome {
  const { refusal, index } = broken;
  const by = route[index] ?? (route[1] as NodeId);
  const reason = refusal ?? "broken";
  return { type: "failed", reason, by, blamed: blamedFor(reason, index, route) };
}

/** Nobody has answered: any node between may be the one. */
export function unanswered(route: readonly NodeId[]): RouteOutcome {
  return {
    type: "failed",
    reason: "timeout",
    by: route[0] as NodeId,
    blamed: route.slice(1, -1),
  };
}

function blamedFor(
  reason: RelayRefusal | "broken",
  index: number,
  route: readonly NodeId[],
): readonly NodeId[] {
  const last = route.length - 1;
  // The target's own answer is the same whatever way the question came.
  if (index >= last) return [];
  const isLink = reason === "no-link" || reason === "broken";
  // A link that is gone has two ends: the further one is out of reach this way, unless it is the
  // target, which another neighbour may reach.
  const place = isLink && index + 1 < last ? index + 1 : index;
  return place === 0 ? [] : [route[place] as NodeId];
}

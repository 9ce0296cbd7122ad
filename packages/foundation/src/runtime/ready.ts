/** ready(): waits until enough members are listed. */
import { coreErrors, parseDuration, type Clock, type Membership } from "@foundation/core";
import type { ReadyOptions } from "../cluster.js";
import { foundationErrors } from "../errors.js";
import { membersReach } from "./members-reach.js";

/**
 * `closed` fires when the node has left: nobody else will come then.
 * @throws {ERR_NOT_READY} @throws {ERR_ABORTED} @throws {ERR_CLOSED}
 */
export async function membersReady(
  membership: Membership,
  clock: Clock,
  { nodes = 2, timeout = "30s", signal }: ReadyOptions,
  closed?: AbortSignal,
): Promise<void> {
  const withinMs = parseDuration(timeout, "timeout");
  if (!Number.isInteger(nodes) || nodes < 1) {
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `ready() waits for a whole number of nodes of at least 1, found ${nodes}`,
      { argument: "nodes", expected: "an integer of at least 1", found: String(nodes) },
    );
  }
  const first = await membersReach(membership, clock, { count: nodes, withinMs, signal, closed });
  switch (first) {
    case "reached":
      return;
    case "timeout":
      throw notReady(nodes, membership.members().length, withinMs);
    case "aborted":
      throw coreErrors.ERR_ABORTED("ready() was aborted", { target: "ready" }, signal?.reason);
    case "closed":
      throw coreErrors.ERR_CLOSED("This node has left its cluster", { what: "cluster" });
    default:
      first satisfies never;
  }
}

function notReady(wanted: number, found: number, withinMs: number): Error {
  return foundationErrors.ERR_NOT_READY(
    `Only ${found} of ${wanted} nodes were there after ${withinMs} ms. Start the others, or look at ` +
      "await cluster.health(), here and on the others: one side says what was refused and why.",
    { wanted, found, withinMs },
  );
}

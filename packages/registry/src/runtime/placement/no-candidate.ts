/** The error that says of each node why it may not run a child. */
import type { FoundationError, Member } from "@foundation/core";
import { registryErrors } from "../../errors.js";

/** A node and why it is not chosen. */
export interface WhyNot {
  readonly member: Member;
  readonly why: string;
}

/** Nodes that one error names; a cluster may have thousands. */
const NODES_MAX = 20;

/** The child can be started nowhere. */
export function noCandidate(name: string, because: string | readonly WhyNot[]): FoundationError {
  if (typeof because === "string") {
    return registryErrors.ERR_NO_CANDIDATE(`"${name}" can be started nowhere: ${because}`, {
      name,
      reason: because,
    });
  }
  const nodes = because.slice(0, NODES_MAX).map(({ member, why }) => ({ node: member.name, why }));
  const more = because.length > nodes.length ? `; and ${because.length - nodes.length} more` : "";
  const reason = nodes.map(({ node, why }) => `${node}: ${why}`).join("; ") + more;
  return registryErrors.ERR_NO_CANDIDATE(`"${name}" can be started nowhere: ${reason}`, {
    name,
    reason,
    nodes,
  });
}

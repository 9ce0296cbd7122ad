/** NodeStatus: what a running node says of its group, as it comes over its socket. */
import { coreErrors } from "@foundation/core";

interface Named {
  readonly id: string;
  readonly name: string;
}

export interface NodeStatus {
  readonly node: Named;
  /** Nodes that may vote, now or later. */
  readonly candidates: readonly Named[];
  readonly standing?: "decided" | "waiting" | "stuck";
  readonly group?: string;
  readonly firstVoters?: readonly string[];
  readonly why?: string;
  readonly member?: {
    readonly role: string;
    readonly term: number;
    readonly leader?: string;
    readonly voters: readonly string[];
    readonly learners: readonly string[];
    readonly appliedIndex: number;
    readonly failure?: string;
  };
  readonly keeping?: string;
}

/**
 * The status when the value is one; of an object that says who the node is, the rest is believed.
 * @throws {ERR_NOT_DECODABLE}
 */
export function asStatus(value: unknown): NodeStatus {
  const { node, candidates } = (value ?? {}) as Partial<NodeStatus>;
  if (typeof node?.name === "string" && Array.isArray(candidates)) return value as NodeStatus;
  const reason = "a status that is none";
  throw coreErrors.ERR_NOT_DECODABLE(
    `The node gave ${reason}: run the command of its own version`,
    { reason },
  );
}

/**
 * EcosystemErrors: why an ecosystem is not started or changed as it was asked.
 *
 * Apart from the work, so that what a caller reads stands beside what else he may read.
 */
import { coreErrors, isFoundationError, type NodeId } from "@foundation/core";
import { registryErrors } from "../../errors.js";
import type { EcosystemPlan } from "../../protocol/ecosystem-plan.js";
import type { Patience } from "../patience.js";

/** Who has the name of a member. */
export interface Holder {
  readonly name: string;
  readonly node: NodeId;
  readonly boot: unknown;
  readonly serial: number | undefined;
  readonly definition: string | undefined;
}

/** Something runs under the name of a member. */
export function alreadyRuns(ecosystem: string, holder: Holder): Error {
  const { name, node, boot, serial, definition } = holder;
  return registryErrors.ERR_NAME_TAKEN(
    `Ecosystem "${ecosystem}" cannot be started: "${name}" runs already, on node ${node}`,
    { name, holder: { node, boot: String(boot), serial }, definition },
  );
}

export function tooMany(limit: number): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `The cluster has ${limit} ecosystems (ecosystemsMax) and starts no more`,
    { queue: "ecosystems", limit, unit: "messages" },
  );
}

/** The end of the time is a timeout to the caller. */
export function explained(name: string, patience: Patience, error: unknown): unknown {
  if (!patience.expired || !isFoundationError(error, "ERR_ABORTED")) return error;
  const { timeoutMs } = patience;
  return coreErrors.ERR_TIMEOUT(
    `Ecosystem "${name}" was not ready within ${timeoutMs} ms: ${error.message}`,
    { timeoutMs, target: name },
    error,
  );
}

/** It has no workers of that process. */
export function noKind(name: string, process: string, { kinds }: EcosystemPlan): Error {
  const expected = `one of ${kinds.map((kind) => kind.process).join(", ") || "none"}`;
  return coreErrors.ERR_INVALID_ARGUMENT(
    `scale: ecosystem "${name}" has no workers of process "${process}"; expected ${expected}`,
    { argument: "process", expected, found: process },
  );
}

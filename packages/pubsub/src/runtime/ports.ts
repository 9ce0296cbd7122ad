/**
 * What publish and subscribe need of their node.
 */
import { nodeRuntime } from "@foundation/core";
import type { Broadcast, Membership, Messenger, Runtime } from "@foundation/core";

export interface PubSubPorts {
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly broadcast: Broadcast;
  /** Clock, random, logger and meter; what is missing is Node's own. */
  readonly runtime?: Partial<Runtime> | undefined;
}

/** The ports with nothing missing. */
export interface ResolvedPubSubPorts extends PubSubPorts {
  readonly runtime: Pick<Runtime, "clock" | "random" | "logger" | "meter">;
}

/** Fills in what the caller left to Node. */
export function resolvePorts<O extends PubSubPorts>(options: O): O & ResolvedPubSubPorts {
  return { ...options, runtime: nodeRuntime(options.runtime) };
}

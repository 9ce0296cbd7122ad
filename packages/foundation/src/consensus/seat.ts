/** Seat: this node's place in the cluster's consensus group, whatever it is: a voter, a client, the one voter of a laptop. */
import type { Engine } from "@foundation/consensus/recipes";

/** The group's name in every cluster: a cluster has one. */
export const GROUP = "cluster";

export interface Seat {
  /** The store of the group, as this node reaches it now. */
  engine(): Engine;
  /** Takes part no more. Idempotent. */
  close(): Promise<void>;
}

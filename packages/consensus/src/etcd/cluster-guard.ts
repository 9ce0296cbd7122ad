/**
 * ClusterGuard: one engine talks to one etcd cluster.
 *
 * Revisions and leases of two clusters have nothing to do with each other. An endpoint that was listed by mistake, or
 * whose data was replaced by a restored copy, would make a watch wait for ever or a lock have two owners. Every answer
 * carries its cluster's id; the first one seen holds.
 */
import { consensusErrors } from "../errors.js";
import type { EtcdAnswer } from "./messages.js";

export class ClusterGuard {
  #cluster: string | undefined;

  /** @throws {ERR_CLUSTER_FOREIGN} */
  check({ header }: EtcdAnswer, address: string): void {
    if (header === null || header.cluster_id === "0") return;
    this.#cluster ??= header.cluster_id;
    if (this.#cluster === header.cluster_id) return;
    const [expected, found] = [this.#cluster, header.cluster_id].map((id) =>
      BigInt(id).toString(16),
    ) as [string, string];
    throw consensusErrors.ERR_CLUSTER_FOREIGN(
      `${address} answered for the etcd cluster ${found}, but the answers before came from ${expected}: list ` +
        "endpoints of one cluster; after its data was restored from a copy, start this process anew",
      { address, expected, found },
    );
  }
}

/** ClusterEvent: what `cluster.watch()` yields. A closed union; it grows as parts arrive. */
import type { Member } from "@foundation/core";
import type { TopologyName } from "@foundation/overlay";

export type ClusterEvent =
  /** A node is in the cluster: it joined, was there when watching began, or recovered from suspicion. */
  | { readonly type: "node-up"; readonly node: Member }
  /** A node does not answer; it may be slow, cut off or dead. */
  | { readonly type: "node-suspect"; readonly node: Member }
  /** The failure detector gave a node up, or a newer start of it took its place. */
  | { readonly type: "node-down"; readonly node: Member; readonly reason: string }
  /** A node left of its own will. */
  | { readonly type: "node-left"; readonly node: Member }
  /** A node takes no new work and will leave. */
  | { readonly type: "node-draining"; readonly node: Member }
  /** This node is linked to the others in another way from now on. */
  | {
      readonly type: "topology-changed";
      readonly from: TopologyName;
      readonly to: TopologyName;
      readonly node?: undefined;
    }
  /** Another node leads what the cluster agrees by; `node` is undefined while nobody is known to. */
  | { readonly type: "leader-changed"; readonly node: Member | undefined; readonly term: number }
  /**
   * A quarter of the members or more, and at least two, are gone within ten seconds: cut off from this side, or dead. Each
   * has had its own `node-down`.
   */
  | { readonly type: "partition"; readonly nodes: readonly Member[]; readonly node?: undefined }
  /** These of them are back, the very starts that were gone. */
  | { readonly type: "healed"; readonly nodes: readonly Member[]; readonly node?: undefined };

/**
 * gcp: nodes find each other by the labels of their Compute Engine instances, or as members of an instance group.
 *
 * It asks the Compute Engine API with a token of the machine's metadata server or of a service account's key. The
 * implementation is loaded when it is used.
 */
import type { DiscoveryContext, DiscoveryStrategy, Duration, PeerSet } from "@foundation/core";
import { checkGcp } from "./gcp-options.js";

/** Options of `gcp`. */
export interface GcpOptions {
  /** @default GOOGLE_CLOUD_PROJECT, else the key file's project, else the project of the instance this node runs on */
  readonly project?: string;
  /** Only these zones, such as `europe-west3-a`. @default all */
  readonly zones?: readonly string[];
  /** Only the zones of this region; not together with `zones`. @default all */
  readonly region?: string;
  /**
   * Labels an instance must have.
   * @default { "foundation-cluster": the cluster's name }, and none where there is an `instanceGroup`
   */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Only members of this group, managed or not. It is looked for in `zones`, in `region`, or in the zone of the instance
   * this node runs on.
   */
  readonly instanceGroup?: string;
  /** Which of an instance's addresses is dialled. @default "private" */
  readonly addressType?: "private" | "public" | "ipv6";
  /** The port nodes listen on. @default this node's own */
  readonly port?: number;
  /** A service account's key. @default the file GOOGLE_APPLICATION_CREDENTIALS names, else the metadata server is asked */
  readonly keyFile?: string;
  /** @default "https://compute.googleapis.com" */
  readonly endpoint?: string;
  /** The least time between two looks. @default "10s" */
  readonly interval?: Duration;
}

/**
 * Finds Compute Engine instances. The service account needs `compute.instances.list` (roles/compute.viewer has it).
 *
 * An instance that is stopping, and one that its group deletes, is found as one that drains. A problem is reported and
 * changes nothing: `ERR_LOOKUP_REFUSED` names the role that is missing, `ERR_LOOKUP_FAILED` says what else is wrong.
 *
 * @throws {ERR_INVALID_ARGUMENT} for an option that is none
 *
 * @example
 * ```ts
 * import { gcp } from "@foundation/discovery"
 *
 * const strategy = gcp({ region: "europe-west3", labels: { app: "shop" } })
 * console.log(strategy.name) // gcp
 * ```
 */
export function gcp(options: GcpOptions = {}): DiscoveryStrategy {
  checkGcp(options);
  return { name: "gcp", discover: (context) => discover(options, context) };
}

async function* discover(
  options: GcpOptions,
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  const { discoverGcp } = await import("./discover-gcp.js");
  yield* discoverGcp(options, process.env, context);
}

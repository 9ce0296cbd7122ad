/**
 * PartitionPolicy: what a child does where its cluster is cut in two.
 *
 * - `run-anywhere`: each side runs it; the heal leaves one.
 * - `quorum`: it runs only where a quorum is, and stops elsewhere.
 * - `stay`: it waits for its node, and is taken over only when that node has left or died for good.
 */
export type PartitionPolicy = "run-anywhere" | "quorum" | "stay";

const POLICIES: ReadonlySet<unknown> = new Set(["run-anywhere", "quorum", "stay"]);

/** True for the name of a policy; for what a user or a peer said. */
export function isPartitionPolicy(value: unknown): value is PartitionPolicy {
  return POLICIES.has(value);
}

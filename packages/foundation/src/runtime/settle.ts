/**
 * settle: waits until the first round of discovery has ended and as many members are listed as it found peers, so that
 * a node that joins a running cluster sees it when `startCluster` resolves.
 *
 * It never waits for a peer that does not answer longer than `firstDialsMs`: that is what `ready()` is for.
 */
import { coreErrors } from "@foundation/core";
import type { Discovery } from "@foundation/discovery";
import { limits } from "../limits.js";
import type { ClusterParts } from "./assemble.js";
import { membersReach } from "./members-reach.js";

/** @throws {ERR_ABORTED} when the signal of `startCluster` has fired. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw startAborted(signal);
}

/** @throws {ERR_ABORTED} */
export async function settle(
  { discovery, overlay, runtime }: ClusterParts,
  signal: AbortSignal | undefined,
): Promise<void> {
  await firstRound(discovery, signal);
  const found = discovery.peers().length;
  if (found === 0) return;
  const { membership } = overlay;
  const withinMs = limits.firstDialsMs;
  const first = await membersReach(membership, runtime.clock, {
    count: found + 1,
    withinMs,
    signal,
  });
  if (first === "aborted") throw startAborted(signal);
}

/** The first round, or the end of waiting for it. @throws {ERR_ABORTED} */
async function firstRound(discovery: Discovery, signal: AbortSignal | undefined): Promise<void> {
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    const abort = () => resolve();
    stop = () => signal?.removeEventListener("abort", abort);
    signal?.addEventListener("abort", abort);
  });
  refuseAborted(signal);
  await Promise.race([discovery.firstRound, aborted]);
  stop();
  refuseAborted(signal);
}

function startAborted(signal: AbortSignal | undefined): Error {
  const details = { target: "startCluster" };
  return coreErrors.ERR_ABORTED("startCluster was aborted", details, signal?.reason);
}

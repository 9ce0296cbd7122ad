/** What this node's services have to complain of, one sentence each. */
import type { ReportInput } from "../health/report.js";
import { limits } from "../limits.js";
import type { ClusterParts } from "./assemble.js";

export function problemsOf(parts: ClusterParts): ReportInput["problems"] {
  return {
    discovery: discoveryProblems(parts),
    overlay: overlayProblems(parts),
    registry: registryProblems(parts),
    pubsub: pubsubProblems(parts),
  };
}

/** Refused handshakes of late, without those that happen in a healthy cluster too. */
export function refusalsOf({ overlay, runtime }: ClusterParts): ReportInput["refusals"] {
  const since = runtime.clock.now() - limits.problemMs;
  return overlay.refusals().filter(({ ordinary, lastAt }) => !ordinary && lastAt >= since);
}

/** Only what happened lately: a backend that recovered is not a problem any more. */
function discoveryProblems({ discovery, runtime }: ClusterParts): string[] {
  const since = runtime.clock.now() - limits.problemMs;
  return discovery
    .problems()
    .filter(({ atMs }) => atMs >= since)
    .map(
      ({ strategy, error }) =>
        `Discovery by ${strategy} keeps its last good answer: ${error.message}`,
    );
}

/** What lets strangers in, and members that take nothing from this node. */
function overlayProblems({ config, overlay, stuckLinks, runtime }: ClusterParts): string[] {
  const stuck = stuckLinks.list(runtime.clock.now(), limits.stuckLinkMs);
  const problems = stuck.map(({ peer, channel, forMs, queuedBytes }) => {
    const name = overlay.membership.member(peer)?.name ?? peer;
    return (
      `${name} has taken nothing on channel ${channel} for ${Math.round(forMs / 1_000)} s while ${queuedBytes} bytes ` +
      "wait: its handlers do not finish, or its process hangs."
    );
  });
  return config.insecureNotice === undefined ? problems : [config.insecureNotice, ...problems];
}

function registryProblems({ registry }: ClusterParts): string[] {
  return registry
    .children()
    .filter(({ state }) => state === "failed")
    .map(
      ({ identity, reason }) =>
        `The process "${identity}" was given up after too many restarts: ${reason ?? "no reason known"}`,
    );
}

function pubsubProblems({ vitals }: ClusterParts): string[] {
  const dropped = vitals.droppedLately();
  if (dropped === 0) return [];
  return [
    `${dropped} published messages were dropped lately because their subscribers are too slow.`,
  ];
}

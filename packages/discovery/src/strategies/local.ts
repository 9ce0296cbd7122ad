/**
 * local: nodes of one user on one machine find each other without configuration and without a
 * daemon, by files in a private folder (what epmd does for Erlang, minus the process).
 *
 * Looks when the folder changes and at an interval; the interval also notices processes that were
 * killed. Removes its own file when it is aborted.
 */
import type { DiscoveryContext, DiscoveryStrategy, Peer, PeerSet } from "@foundation/core";
import { isFoundationError } from "@foundation/core";
import { FolderWatch } from "../filesystem/folder-watch.js";
import { MeetingFolder } from "../filesystem/meeting-folder.js";
import { runDirectory, unusable } from "../filesystem/run-directory.js";
import { discoveryLimits } from "../limits.js";
import { samePeers } from "../protocol/peer-union.js";

/** Options of `local`. */
export interface LocalOptions {
  /** The private folder to meet in. @default the user's run-time folder */
  readonly directory?: string;
}

/**
 * Finds the nodes of the same user and cluster on this machine.
 *
 * @example
 * ```ts
 * import { local } from "@foundation/discovery"
 *
 * const strategy = local()
 * console.log(strategy.name) // local
 * ```
 */
export function local(options: LocalOptions = {}): DiscoveryStrategy {
  return { name: "local", discover: (context) => discover(options, context) };
}

async function* discover(
  options: LocalOptions,
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  const { signal, clock, random } = context;
  const watch = new FolderWatch(clock, discoveryLimits.watchSettleMs, (error) =>
    context.logger.info("The meeting folder cannot be watched, only looked at now and then", {
      reason: String(error),
    }),
  );
  const jitter = random.fork("discovery.local");
  let folder: MeetingFolder | undefined;
  let last: readonly Peer[] | undefined;
  try {
    while (!signal.aborted) {
      const peers = await look();
      if (peers !== undefined && (last === undefined || !samePeers(peers, last))) {
        last = peers;
        yield { source: "local", peers };
      }
      const spread = 0.75 + jitter.next() / 2;
      await watch.wait(discoveryLimits.rescanIntervalMs * spread, signal);
    }
  } finally {
    watch.close();
    await folder?.withdraw();
  }

  /** One look; a failure is reported, and the last set stays in force. */
  async function look(): Promise<readonly Peer[] | undefined> {
    try {
      folder ??= new MeetingFolder(await runDirectory(options), context);
      const { peers, problems } = await folder.look();
      await watch.renew(folder.path);
      for (const problem of problems) context.report(problem);
      context.trace({ tried: `read ${folder.path}`, answer: `${peers.length} peers` });
      return peers;
    } catch (error) {
      const problem = isFoundationError(error) ? error : unusable("local", "look", error);
      context.trace({ tried: "read the meeting folder", answer: String(problem) });
      if (isFoundationError(problem)) context.report(problem);
      return undefined;
    }
  }
}

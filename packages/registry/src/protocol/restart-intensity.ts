/**
 * Restart intensity: whether a child that ended is started again, and when that becomes too often.
 *
 * OTP's rule (https://www.erlang.org/doc/system/sup_princ.html#maximum-restart-intensity), kept for
 * each child: more than `max` restarts within the window mark the child as failed, because a child
 * that cannot run here cannot run elsewhere either, and a crash loop must not wander the cluster.
 *
 * Which ends call for a restart is core's rule. Not its supervisor, which gives up all of its
 * children when one exceeds the intensity, and knows nothing of a child that runs elsewhere next.
 *
 * Invariants: at most `max` times are remembered; a name conflict is never answered by a restart.
 */
import { isRestarted, type ExitReason } from "@foundation/core";
import type { Restart } from "./child-spec.js";

/** What to do with a child that ended. */
export type Verdict = "restart" | "give-up" | "end";

/** Times of the latest restarts, oldest first. */
export type RestartHistory = readonly number[];

/** Decides, and returns the history with this restart in it. `now` is monotonic. */
export function judgeExit(
  reason: ExitReason,
  restart: Restart,
  history: RestartHistory,
  now: number,
  limit: { readonly max: number; readonly withinMs: number },
): { readonly verdict: Verdict; readonly history: RestartHistory } {
  if (!isRestarted(restart, reason)) return { verdict: "end", history };
  const recent = history.filter((at) => now - at < limit.withinMs);
  if (recent.length >= limit.max) return { verdict: "give-up", history: recent };
  return { verdict: "restart", history: [...recent, now] };
}

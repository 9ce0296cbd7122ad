/**
 * membersReach: waits until so many members are listed, and tells what came first: that, the end of the time, or a signal.
 * What it means is for the caller to say.
 */
import type { Clock, Membership } from "@foundation/core";

export interface MembersReachOptions {
  readonly count: number;
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Fires when the node has left: nobody else will come then. */
  readonly closed?: AbortSignal | undefined;
}

export function membersReach(
  membership: Membership,
  clock: Clock,
  { count, withinMs, signal, closed }: MembersReachOptions,
): Promise<"reached" | "timeout" | "aborted" | "closed"> {
  return new Promise((resolve) => {
    const end = (first: "reached" | "timeout" | "aborted" | "closed") => {
      timer.cancel();
      unsubscribe();
      signal?.removeEventListener("abort", abort);
      closed?.removeEventListener("abort", close);
      resolve(first);
    };
    const abort = () => end("aborted");
    const close = () => end("closed");
    const check = () => {
      if (membership.members().length >= count) end("reached");
    };
    const unsubscribe = membership.subscribe(check);
    const timer = clock.setTimer(withinMs, () => end("timeout"));
    signal?.addEventListener("abort", abort);
    closed?.addEventListener("abort", close);
    if (closed?.aborted === true) close();
    else if (signal?.aborted === true) abort();
    else check();
  });
}

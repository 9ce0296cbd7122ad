/**
 * How a node leaves: what is queued is written, then channels end, then everybody is told, then all is closed.
 *
 * Channels first: the farewell on the coordination link must come after the last message of every other link.
 */
import type { Clock } from "@foundation/core";
import type { MembershipHandle } from "../membership/membership-shell.js";
import type { OverlayParts } from "./overlay-parts.js";

/** Left for the farewell when all of the time to leave went into flushing. */
const FAREWELL_MS_MIN = 100;

export async function leave(
  { world: { clock }, table, acceptor }: OverlayParts,
  membership: MembershipHandle,
  timeoutMs: number,
  close: () => Promise<void>,
): Promise<void> {
  const startedMs = clock.now();
  const leftMs = () => Math.max(FAREWELL_MS_MIN, timeoutMs - (clock.now() - startedMs));
  const atMost = (work: Promise<unknown>) => endWithin(clock, leftMs(), work);
  const written = table.others().flatMap((peer) => [...peer.links()].map((link) => link.flushed()));
  await atMost(Promise.all(written));
  acceptor.close();
  table.beginClose();
  const end = { reason: "closed", detail: "the node is leaving" } as const;
  await atMost(Promise.all(table.others().map((peer) => table.closeChannels(peer, end))));
  await membership.leave({ timeout: leftMs() });
  await atMost(close());
}

/** Everything but membership and the listener, which their owner closes before and after. */
export async function closeParts(parts: OverlayParts): Promise<void> {
  parts.acceptor.close();
  parts.targets.close();
  parts.dialling.close();
  parts.opener.close();
  const closed = parts.table.close({ reason: "closed", detail: "the node has closed" });
  parts.requests.close();
  parts.acked.close();
  parts.inbound.requests.close();
  parts.streams.inbound.close();
  parts.idle.close();
  parts.relay?.close();
  parts.groups.close();
  await closed;
}

/** Ends with the work, or when the time is up. */
function endWithin(clock: Clock, timeoutMs: number, work: Promise<unknown>): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, resolve);
    const end = (settle: () => void) => {
      timer.cancel();
      settle();
    };
    work.then(
      () => end(resolve),
      (error: Error) => end(() => reject(error)),
    );
  });
}

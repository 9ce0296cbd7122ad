/** The errors that byte streams end with. */
import { coreErrors, toWireError, type WireError } from "@foundation/core";
import { overlayErrors } from "../../errors.js";
import { FLOW } from "../../limits.js";

export type BreakReason = Parameters<typeof coreErrors.ERR_STREAM_BROKEN>[1]["reason"];

/** What the consumer of a stream sees. */
export function streamBroken(
  subject: string,
  from: string,
  reason: BreakReason,
  why: string,
): Error {
  return coreErrors.ERR_STREAM_BROKEN(
    `The stream "${subject}" from node ${from} broke before its end: ${why}`,
    { reason, from },
  );
}

/** The source threw: what the consumer shall see of that. */
export function sourceFailed(subject: string, from: string, thrown: unknown): WireError {
  const shown = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  const why = `its source failed with ${shown.slice(0, 512)}`;
  return toWireError(streamBroken(subject, from, "source-failed", why));
}

export function tooManyStreams(queue: "outbound streams" | "inbound streams", node: string): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `${FLOW.streamsMax} ${queue} with node ${node} are open already: wait for some to end`,
    { queue, limit: FLOW.streamsMax, unit: "messages" },
  );
}

/** Thrown while a frame is read: its connection is closed. */
export function streamMalformed(reason: string): Error {
  return overlayErrors.ERR_FRAME_MALFORMED(
    `A peer broke the rules of byte streams: ${reason}. Its connection is closed; compare the versions.`,
    { reason, offset: 0 },
  );
}

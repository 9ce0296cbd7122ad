/**
 * Asks every member for its vitals at once; whoever does not answer in time is simply absent from the result, and the
 * report lists it as unreachable.
 */
import type { Membership, Messenger, NodeId } from "@foundation/core";
import { telemetryChannel } from "../channels/channel-name.js";
import { parseVitals } from "../health/parse-vitals.js";
import type { NodeVitals } from "../health/report.js";
import { limits } from "../limits.js";

/** The subject that a node answers with its vitals. */
export const vitalsSubject = "foundation.vitals";

export async function collectVitals(
  messenger: Messenger,
  membership: Membership,
  own: NodeVitals,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<NodeId, NodeVitals>> {
  const vitals = new Map<NodeId, NodeVitals>([[membership.self.id, own]]);
  const others = membership.members().filter(({ id }) => id !== membership.self.id);
  const options = { timeoutMs: limits.healthTimeoutMs, signal };
  await Promise.all(
    others.map(async ({ id }) => {
      const route = { to: id, channel: telemetryChannel, subject: vitalsSubject };
      const answer = await messenger.request(route, undefined, options).catch(() => undefined);
      const parsed = parseVitals(answer);
      if (parsed !== undefined) vitals.set(id, parsed);
    }),
  );
  return vitals;
}

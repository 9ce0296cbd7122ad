/** inspect: asks one member for what it says of itself; and the answer to it. */
import { coreErrors, parseDuration, type NodeId, type NodeLoad } from "@foundation/core";
import type { Overlay } from "@foundation/overlay";
import { telemetryChannel } from "../channels/channel-name.js";
import type { InspectOptions } from "../cluster.js";
import { foundationErrors } from "../errors.js";
import {
  parseDescription,
  type NodeInspection,
  type SelfDescription,
} from "../health/inspection.js";
import { linksOf } from "./links-of.js";
import type { Vitals } from "./vitals.js";

/** The subject that a node answers with its description. */
export const descriptionSubject = "foundation.description";

export function describeSelf(overlay: Overlay, vitals: Vitals, load: NodeLoad): SelfDescription {
  const { up, queuedBytes } = linksOf(overlay.links());
  return {
    vitals: vitals.read(),
    load,
    topology: overlay.topology,
    neighbours: overlay.neighbours(),
    links: { up, queuedBytes },
  };
}

export async function inspect(
  overlay: Overlay,
  id: NodeId,
  own: () => SelfDescription,
  { signal, timeout = "1s" }: InspectOptions,
): Promise<NodeInspection> {
  const { messenger, membership } = overlay;
  const node = membership.member(id);
  if (node === undefined) {
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `id must be that of a member, found ${String(id).slice(0, 80)}: take one from cluster.nodes()`,
      { argument: "id", expected: "the id of a member", found: String(id).slice(0, 80) },
    );
  }
  const explanation = overlay.explain(id);
  if (id === membership.self.id) return { ...own(), node, explanation };
  const route = { to: id, channel: telemetryChannel, subject: descriptionSubject };
  const timeoutMs = parseDuration(timeout, "timeout");
  const answer = await messenger.request(route, undefined, { timeoutMs, signal });
  const description = parseDescription(answer);
  if (description === undefined) {
    throw foundationErrors.ERR_ANSWER_NOT_UNDERSTOOD(
      `${node.name} described itself in a way that this version does not understand: bring both to the same version`,
      { node: node.name, id },
    );
  }
  return { ...description, node, explanation };
}

/**
 * requireFeature: what a topology cannot do is said by a typed error, where somebody reads it, and not found out by a
 * call that does nothing.
 */
import { coreErrors } from "@foundation/core";
import { overlayErrors } from "../errors.js";
import {
  topologyFeatures,
  type TopologyCapabilities,
  type TopologyFeature,
} from "../protocol/switching/capabilities.js";

/**
 * @throws {ERR_NOT_SUPPORTED} the topology lacks the feature @throws {ERR_INVALID_ARGUMENT} there is no such feature
 */
export function requireFeature(
  { topology, lacks }: TopologyCapabilities,
  feature: TopologyFeature,
): void {
  if (!topologyFeatures.includes(feature)) {
    const found = String(feature).slice(0, 80);
    const expected = topologyFeatures.join(" or ");
    const message = `feature must be ${expected}, found ${found}`;
    throw coreErrors.ERR_INVALID_ARGUMENT(message, { argument: "feature", expected, found });
  }
  const lack = lacks[feature];
  if (lack === undefined) return;
  const { why, instead } = lack;
  throw overlayErrors.ERR_NOT_SUPPORTED(`${topology} has no ${feature}. ${why} ${instead}`, {
    topology,
    feature,
    why,
    instead,
  });
}

/** NetworkPresets: how links behave, by name. */
import { coreErrors } from "@foundation/core";
import { lanConditions, type LinkConditions } from "@foundation/testkit";

/** Between data centres of one continent. */
const wanConditions: LinkConditions = {
  latencyMs: 40,
  jitterMs: 20,
  spikeChance: 0.01,
  spikeMs: 300,
  bytesPerMs: 5_000,
};

const presets = { lan: lanConditions, wan: wanConditions } as const;

/** How links behave: a preset's name, or what differs from the preset "lan". */
export type Network = keyof typeof presets | Partial<LinkConditions>;

/** @throws {ERR_INVALID_ARGUMENT} */
export function linkConditions(network: Network): LinkConditions {
  if (typeof network !== "string") return { ...lanConditions, ...network };
  if (Object.hasOwn(presets, network)) return presets[network];
  const expected = `${Object.keys(presets).join(", ")} or link conditions`;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `simulateCluster: network must be ${expected}, found "${String(network)}"`,
    { argument: "network", expected, found: String(network) },
  );
}

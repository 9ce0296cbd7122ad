/** NetworkPresets: how links behave, by name. */
import { lanConditions, type LinkConditions } from "@foundation/testkit";
import { invalidArgument, refuseUnknown } from "./invalid-argument.js";

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
  const where = "simulateCluster";
  if (typeof network === "string") {
    if (Object.hasOwn(presets, network)) return presets[network];
    const expected = `${Object.keys(presets).join(", ")} or link conditions`;
    throw invalidArgument(where, "network", expected, network);
  }
  checkConditions(where, "network", network);
  return { ...lanConditions, ...network };
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkConditions(
  where: string,
  argument: string,
  conditions: Partial<LinkConditions>,
): void {
  refuseUnknown(where, argument, conditions, Object.keys(lanConditions));
  for (const [key, value] of Object.entries(conditions)) {
    const [least, most] = bounds[key as keyof LinkConditions];
    if (typeof value === "number" && value >= least && value <= most) continue;
    const expected = `a number from ${least} to ${most}`;
    throw invalidArgument(where, `${argument}.${key}`, expected, value);
  }
}

const DAY_MS = 86_400_000;
const bounds: Readonly<Record<keyof LinkConditions, readonly [number, number]>> = {
  latencyMs: [0, DAY_MS],
  jitterMs: [0, DAY_MS],
  spikeChance: [0, 1],
  spikeMs: [0, DAY_MS],
  bytesPerMs: [0.001, Infinity],
};

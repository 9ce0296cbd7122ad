/** The channels of the workload: one for each promise a channel can make. */
import type { ChannelOptions } from "@foundation/overlay";

export const channelNames = [
  "simulation.best",
  "simulation.reliable",
  "simulation.acked",
  "simulation.latest",
] as const;
export type ChannelName = (typeof channelNames)[number];

/** Small windows: credit runs out often. */
const windowBytes = 64 * 1024;

export const channelOptions: Readonly<Record<ChannelName, Omit<ChannelOptions, "name">>> = {
  "simulation.best": { parallelism: 2, windowBytes },
  "simulation.reliable": { delivery: "reliable", parallelism: 3, windowBytes, priority: 2 },
  "simulation.acked": { delivery: "acked", parallelism: 2, windowBytes },
  "simulation.latest": { monotonic: true, windowBytes },
};

/** Connections that all of them have between two nodes. */
export const laneCount = channelNames.reduce(
  (sum, name) => sum + (channelOptions[name].parallelism ?? 1),
  0,
);

export function isChannelName(name: string): name is ChannelName {
  return (channelNames as readonly string[]).includes(name);
}

/** The same as a node is configured with them: what a peer opens first finds them decided. */
export const channelList = channelNames.map((name) => ({ name, ...channelOptions[name] }));

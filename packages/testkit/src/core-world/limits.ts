/** Limits of a core world, by name. */
export const coreWorldLimits = {
  /** Lines the trace keeps. */
  traceLinesMax: 2_000,
  /** How long a dial of a host that does not answer takes to fail, unless the world says otherwise. */
  dialTimeoutMs: 3_000,
  /** How many nodes a world has at most: pairs of nodes are numbers. */
  nodesMax: 65_536,
  /** `until` looks at its condition after so much virtual time. */
  untilStepMs: 10,
} as const;

/** Limits of a simulated cluster under test, by name. */
export const simulationLimits = {
  /** How long `eventually`, `settle` and a node's `run` go on, in virtual time. */
  withinMs: 30_000,
  /** How often `eventually` looks, in virtual time. */
  everyMs: 10,
  /** How often invariants are looked at, in virtual time, while there are any. */
  checkEveryMs: 10,
  /** The longest stretch of virtual time between two looks at failures and at the real clock. */
  sliceMs: 100,
  /** Real time that one stretch of waiting may take. */
  wallMs: 120_000,
  /** How long a program that is in a cluster has to return before the test goes on without that, in virtual time. */
  returnGraceMs: 10_000,
  /** Real time that one event may take. */
  watchdogMs: 10_000,
  /** What `slow` adds to the latency of a link unless it is told more. */
  slowMs: 500,
  /** How many nodes a simulated cluster has at most. */
  nodesMax: 1_000,
  /** Seeds that one call of `forEachSeed` plays at most. */
  seedsMax: 1_000_000,
  /** How many lines of the trace go with an error. */
  traceLines: 12,
} as const;

/** Limits of Node's adapters, each with a name. */
export const runtimeLimits = {
  /** Instruments that a meter keeps; more come from a label with unbounded values. */
  instrumentsMax: 10_000,
} as const;

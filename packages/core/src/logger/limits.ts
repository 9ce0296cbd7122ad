/** Limits of one log line and of what waits to be written. Beyond each, the rest is cut and said so. */
export const loggerLimits = {
  /** Nesting of a field; what lies deeper is shown as `[depth]`. */
  fieldDepthMax: 6,
  /** Values in all fields of one line together; further ones are shown as `[more]`. */
  fieldValuesMax: 500,
  /** Characters of one string. */
  stringCharsMax: 4_096,
  /** Bytes waiting for a slow standard error; further lines are dropped, so logging never blocks. */
  pendingBytesMax: 1_048_576,
} as const;

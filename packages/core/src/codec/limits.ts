/** Limits of the codec: what is larger is refused on both sides, so what was sent can always be read. */
export interface CodecLimits {
  /** How deep objects, arrays, maps and sets may be nested. @default 64 */
  readonly depthMax: number;
  /** How many values one message may have: each string, number, object, array and so on counts. @default 100_000 */
  readonly valuesMax: number;
}

export const codecLimits: CodecLimits = { depthMax: 64, valuesMax: 100_000 };

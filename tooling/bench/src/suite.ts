/**
 * What a benchmark suite is: it runs its contestants side by side in one run and judges ratios, not
 * absolute numbers.
 */

/** One number of one contestant, from one repetition. */
export interface Reading {
  readonly contestant: string;
  /** What was measured, with its unit, e.g. `events/s`. */
  readonly measure: string;
  readonly value: number;
}

/** A ratio that is wanted, of two medians of the same run. */
export interface Aim {
  readonly measure: string;
  readonly of: string;
  readonly against: string;
  /** The smallest ratio that fulfils the aim. */
  readonly ratioMin: number;
}

export interface Suite {
  readonly name: string;
  readonly contestants: readonly string[];
  readonly measures: readonly string[];
  readonly aims: readonly Aim[];
  /** Measures one contestant once. */
  measure(contestant: string): Promise<readonly Reading[]>;
}

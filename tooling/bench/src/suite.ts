/**
 * What a benchmark suite is: it runs its contestants side by side in one run and judges ratios, not
 * absolute numbers.
 */

/** What is measured of every contestant. */
export interface Measure {
  /** With its unit, e.g. `events/s`. */
  readonly name: string;
  /** How many it is shown with. */
  readonly decimals: number;
}

/** One number of one contestant, from one repetition. */
export interface Reading {
  readonly contestant: string;
  /** The name of a Measure. */
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
  readonly measures: readonly Measure[];
  readonly aims: readonly Aim[];
  /** Measures one contestant once. */
  measure(contestant: string): Promise<readonly Reading[]>;
}

/**
 * Meter: counters, gauges and histograms. Ask for an instrument once and keep it: `add` is on hot paths.
 *
 * Guarantees: the same name and labels give the same instrument. Names are `snake_case` with the unit last, counters end
 * in `_total` (Prometheus' conventions). `snapshot` is for `info()` and for tests.
 */
export interface Meter {
  counter(name: string, help: string, labels?: MeterLabels): { add(count?: number): void };
  gauge(name: string, help: string, labels?: MeterLabels): { set(value: number): void };
  histogram(name: string, help: string, labels?: MeterLabels): { observe(value: number): void };
  /** Every instrument's present value, by `name{label="value"}`; a histogram gives its count and sum. */
  snapshot(): ReadonlyMap<string, number>;
}

export type MeterLabels = Readonly<Record<string, string>>;

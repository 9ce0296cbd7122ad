/** MemoryMeter: the twin of Meter. The in-memory meter of a real node is its own twin; `value` makes tests short. */
import type { Meter } from "../ports/meter.js";
import { inMemoryMeter } from "../runtime/in-memory-meter.js";

/** A meter for tests; see `memoryMeter`. */
export interface MemoryMeter extends Meter {
  /** The value of `name` or `name{label="value"}`; 0 for an instrument nobody asked for. */
  value(key: string): number;
}

/** A meter whose values a test can ask for. */
export function memoryMeter(): MemoryMeter {
  const meter = inMemoryMeter();
  return {
    counter: (name, help, labels) => meter.counter(name, help, labels),
    gauge: (name, help, labels) => meter.gauge(name, help, labels),
    histogram: (name, help, labels) => meter.histogram(name, help, labels),
    snapshot: () => meter.snapshot(),
    value: (key) => meter.snapshot().get(key) ?? 0,
  };
}

/**
 * inMemoryMeter: instruments that are plain numbers, for `info()`, tests and nodes without an exporter.
 *
 * An instrument is one object with one field, so `add` is a few machine instructions; the name and labels are put
 * together only when the instrument is first asked for and when a snapshot is taken.
 */
import { coreErrors } from "../errors/errors.js";
import { runtimeLimits } from "./limits.js";
import type { Meter, MeterLabels } from "../ports/meter.js";

/** A meter that keeps its values in memory. */
export function inMemoryMeter(): Meter {
  return new MapMeter();
}

class CounterValue {
  value = 0;
  add(count = 1): void {
    this.value += count;
  }
}

class GaugeValue {
  value = 0;
  set(value: number): void {
    this.value = value;
  }
}

class HistogramValue {
  count = 0;
  sum = 0;
  observe(value: number): void {
    this.count += 1;
    this.sum += value;
  }
}

type Instrument = CounterValue | GaugeValue | HistogramValue;

const NAME = /^[a-z][a-z0-9_]*$/;

class MapMeter implements Meter {
  readonly #instruments = new Map<string, Instrument>();

  counter(name: string, _help: string, labels?: MeterLabels): CounterValue {
    return this.#get(CounterValue, name, labels);
  }

  gauge(name: string, _help: string, labels?: MeterLabels): GaugeValue {
    return this.#get(GaugeValue, name, labels);
  }

  histogram(name: string, _help: string, labels?: MeterLabels): HistogramValue {
    return this.#get(HistogramValue, name, labels);
  }

  snapshot(): ReadonlyMap<string, number> {
    const values = new Map<string, number>();
    for (const [key, instrument] of this.#instruments) {
      if (instrument instanceof HistogramValue) {
        const brace = key.indexOf("{");
        const name = brace < 0 ? key : key.slice(0, brace);
        const labels = brace < 0 ? "" : key.slice(brace);
        values.set(`${name}_count${labels}`, instrument.count);
        values.set(`${name}_sum${labels}`, instrument.sum);
      } else {
        values.set(key, instrument.value);
      }
    }
    return values;
  }

  #get<I extends Instrument>(kind: new () => I, name: string, labels: MeterLabels | undefined): I {
    const key = keyOf(name, labels);
    const found = this.#instruments.get(key);
    if (found instanceof kind) return found;
    if (found)
      throw refused(key, "one kind of instrument for each name", "another kind of that name");
    if (!NAME.test(name)) throw refused(name, "a name in snake_case", name);
    const made = new kind();
    // Beyond the limit (a label with unbounded values) instruments still work but are not kept.
    if (this.#instruments.size < runtimeLimits.instrumentsMax) this.#instruments.set(key, made);
    return made;
  }
}

function keyOf(name: string, labels: MeterLabels | undefined): string {
  if (!labels) return name;
  const names = Object.keys(labels).sort();
  if (names.length === 0) return name;
  return `${name}{${names.map((label) => `${label}=${JSON.stringify(labels[label])}`).join(",")}}`;
}

function refused(name: string, expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `The instrument ${name} needs ${expected}, found ${found}`,
    {
      argument: "name",
      expected,
      found,
    },
  );
}

/** Comparisons: what a transaction asks of a key before it chooses its branch. */
import type { Comparison, KeyValue } from "../../engine/engine.js";

/** Whether it holds for what the key has now, if anything. */
export function holds(comparison: Comparison, pair: KeyValue | undefined): boolean {
  switch (comparison.target) {
    case "version":
    case "createRevision":
    case "modRevision":
      return compare(pair?.[comparison.target] ?? 0, comparison.is, comparison.than);
    case "lease":
      return (pair?.lease === comparison.than) === (comparison.is === "=");
    case "value": {
      const isEqual = pair !== undefined && areEqual(pair.value, comparison.than);
      return isEqual === (comparison.is === "=");
    }
    default:
      return comparison satisfies never;
  }
}

function compare(found: number, is: "=" | "!=" | "<" | ">", than: number): boolean {
  switch (is) {
    case "=":
      return found === than;
    case "!=":
      return found !== than;
    case "<":
      return found < than;
    case ">":
      return found > than;
    default:
      return is satisfies never;
  }
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

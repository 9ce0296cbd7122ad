/** What a peer sent as its vitals, checked field by field: it may be of another version. Pure. */
import type { NodeVitals } from "./report.js";

const fields = [
  "uptimeMs",
  "heapUsedBytes",
  "rssBytes",
  "eventLoopLagMs",
  "processes",
  "mailboxMessages",
  "messagesPerSecond",
] as const satisfies readonly (keyof NodeVitals)[];

/** The vitals, or undefined when what came is something else. */
export function parseVitals(data: unknown): NodeVitals | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const found = data as Readonly<Record<string, unknown>>;
  if (!fields.every((field) => Number.isFinite(found[field]))) return undefined;
  return Object.fromEntries(fields.map((field) => [field, found[field]])) as unknown as NodeVitals;
}

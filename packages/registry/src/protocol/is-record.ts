/** True for an object with fields: nothing else that a peer or a caller may give in its place. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

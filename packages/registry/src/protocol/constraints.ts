/** Constraints: what a node must offer beside `on` to be chosen for a child. */
export interface Constraints {
  /** Children of the same definition that one node takes at most. */
  readonly capacity?: number;
}

/** The constraints, or undefined when they are none; for what a peer sent. */
export function parseConstraints(value: unknown): Constraints | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { capacity } = value as Partial<Constraints>;
  if (capacity === undefined) return {};
  return Number.isSafeInteger(capacity) && capacity >= 1 ? { capacity } : undefined;
}

/** TreePlace: where a child stands in a supervision tree. */
export interface TreePlace {
  /** The identity of its supervisor. */
  readonly supervisor: string;
  /** What the supervisor calls it. */
  readonly id: string;
}

/** The place, or undefined when it is not one; for what a peer sent. */
export function parseTreePlace(value: unknown): TreePlace | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { supervisor, id } = value as Partial<TreePlace>;
  return typeof supervisor === "string" && typeof id === "string" ? { supervisor, id } : undefined;
}

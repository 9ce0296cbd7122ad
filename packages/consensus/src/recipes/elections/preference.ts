/** Preference: how much a candidate would rather be leader than others, as one number that all candidates can compare. */
import { invalidArgument } from "../world.js";

/** Adds `weight` where the candidate's label has this value: `{ label: "zone", is: "eu-1a", weight: 10 }`. */
export interface PreferenceRule {
  readonly label: string;
  readonly is: string;
  /** @default 1 */
  readonly weight?: number | undefined;
}

/** A priority, or rules over the candidate's own labels (zone, rack, role, …), summed. */
export type Preference = number | readonly PreferenceRule[];

/** The score of a candidate: greater is better. @throws {ERR_INVALID_ARGUMENT} it is not a finite number */
export function scoreOf(preference: Preference, labels: Readonly<Record<string, string>>): number {
  const score =
    typeof preference === "number"
      ? preference
      : preference
          .filter(({ label, is }) => Object.hasOwn(labels, label) && labels[label] === is)
          .reduce((sum, { weight = 1 }) => sum + weight, 0);
  if (Number.isFinite(score)) return score;
  throw invalidArgument(
    "preference",
    "a finite number, or rules with finite weights",
    String(score),
  );
}

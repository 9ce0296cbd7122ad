import type { Mutant } from "./mutant.js";

export declare const PLANTED: "foundationMutant";

/** The source with the mutant's changes. @throws when an anchor does not occur exactly once */
export declare function plant(
  source: string,
  mutant: Pick<Mutant, "name" | "file" | "edits">,
): string;

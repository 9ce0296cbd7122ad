/** Registers the hook that plants the mutant of this process. Comes before the loader of TypeScript. */
import { register } from "node:module";

const { MUTANT } = process.env;
if (MUTANT !== undefined) {
  const root = new URL("../../../", import.meta.url).href;
  register("./plant-hook.mjs", import.meta.url, { data: { mutant: JSON.parse(MUTANT), root } });
}

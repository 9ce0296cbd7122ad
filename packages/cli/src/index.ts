/** @foundation/cli: the command `foundation` as a function, for scripts and tests. */
export { run } from "./run.js";
export type { Screen } from "./screen.js";

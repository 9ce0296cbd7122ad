/** Processes of a whole cluster under all faults: what plays it. */
export { failoverWindowMs } from "./long-split.js";
export { playProcesses } from "./play-processes.js";
export type { PlayProcessesOptions, ProcessesPlayed } from "./play-processes.js";
export { keptSeeds } from "./kept-seeds.js";

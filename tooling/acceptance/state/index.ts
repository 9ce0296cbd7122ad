/** Replicated state of all types under all faults: what plays it. */
export { playState } from "./play-state.js";
export type { PlayStateOptions, StatePlayed } from "./play-state.js";

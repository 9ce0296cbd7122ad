/** Experiments with overlays: with their cores at any size, and with whole ones: `npm run sim -- overlay` plays them. */
export type { Reached } from "./broadcast.js";
export type { Joined, WorldOrder } from "./joining.js";
export type { CoreSettings } from "./overlay-world.js";
export { playChurn } from "./play-churn.js";
export type { ChurnOrder, ChurnPlayed } from "./play-churn.js";
export { playCrash } from "./play-crash.js";
export type { CrashOrder, CrashPlayed } from "./play-crash.js";
export { playSteady } from "./play-steady.js";
export type { Rest, Series, Shape, SteadyOrder, SteadyPlayed } from "./play-steady.js";
export { playStorm } from "./play-storm.js";
export type { StormOrder, StormPlayed } from "./play-storm.js";
export type { Found } from "./played.js";
export { playWhole } from "./whole/play-whole.js";
export type { WholeOrder, WholePlayed } from "./whole/play-whole.js";
export type { Churn } from "./whole/whole-churn.js";
export type { Crash } from "./whole/whole-crash.js";
export type { Looked } from "./whole/whole-steady.js";

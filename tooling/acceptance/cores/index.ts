/** Runs of pure protocol cores, for hunts and measurements: `npm run sim` plays them too. */
export { playMembership } from "./play-membership.js";
export type { PlayMembershipOptions } from "./play-membership.js";
export type { CorePlayed } from "./played.js";

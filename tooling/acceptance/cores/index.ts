/** Runs of pure protocol cores, for hunts and measurements: `npm run sim` plays them too. */
export { playCores } from "./play-cores.js";
export type { PlayCoresOptions } from "./play-cores.js";
export { playLanes } from "./play-lanes.js";
export type { PlayLanesOptions } from "./play-lanes.js";
export { playMembership } from "./play-membership.js";
export type { MembershipJoined, PlayMembershipOptions } from "./play-membership.js";
export type { CorePlayed } from "./played.js";

/** Every limit and interval of who is a member, with its name. */

/** Limits of a founding. */
export interface FoundingLimits {
  /** First voters of a group; more make every write slower and nothing safer. */
  readonly firstVotersMax: number;
  /** Length of a node's name in a list of first voters. */
  readonly nameCharsMax: number;
  /** Nodes asked at once what they know of the group. */
  readonly askedMax: number;
  /** Groups that one replaces, remembered by id; the oldest are forgotten. */
  readonly pastMax: number;
}

export const FOUNDING_LIMITS: FoundingLimits = {
  firstVotersMax: 7,
  nameCharsMax: 256,
  askedMax: 64,
  pastMax: 16,
};

/** Between two rounds of questions while it is not known yet which group this disk belongs to, milliseconds. */
export const FOUNDING_ASK_MS = 500;

/** Size of a record on the disk and of an arbiter's value; a larger one is damaged. */
export const RECORD_BYTES_MAX = 65_536;

/** How a group's voters are kept. */
export interface VoterPolicy {
  /** Voters wanted: 1, 3, 5 or 7. While there are fewer nodes, the odd number that there are. */
  readonly voters: number;
  /** A voter that is gone for this long is replaced, milliseconds. */
  readonly deadAfterMs: number;
  /** A voter that is gone while another node bears its name: its disk was wiped, and it does not come back. */
  readonly supersededAfterMs: number;
  /** Between the end of a change and the next one. */
  readonly changeIntervalMs: number;
  /** Voters replaced within `replacementWindowMs`; more wait: then it is not the voters that fail. */
  readonly replacementsMax: number;
  readonly replacementWindowMs: number;
  /** A learner that has not caught up by then gives its place to another. */
  readonly catchUpMs: number;
  /** All is well for this long before voters are spread better over zones. */
  readonly spreadAfterMs: number;
}

/** For one data centre: a node that is restarted or moved comes back within minutes. */
export const VOTER_POLICY: VoterPolicy = {
  voters: 3,
  deadAfterMs: 300_000,
  supersededAfterMs: 15_000,
  changeIntervalMs: 5_000,
  replacementsMax: 3,
  replacementWindowMs: 3_600_000,
  catchUpMs: 600_000,
  spreadAfterMs: 60_000,
};

/** Voters wanted at most; more make every write slower and nothing safer. */
export const VOTERS_MAX = 7;

/** Nodes that the keeper weighs as voters; those beyond it are not looked at. */
export const CANDIDATES_MAX = 1_024;

/** How often the keeper looks when nothing happened, milliseconds. */
export const KEEPER_LOOK_MS = 5_000;

/** How often a process looks whether the shared folder of a development group is free, milliseconds. */
export const FOLDER_LOOK_MS = 500;

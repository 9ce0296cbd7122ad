/** Every limit and interval of the recipes, with its name. */

export const RECIPE_LIMITS = {
  /** Length of the name of a lock, an election and the like, in UTF-16 units; a longer one is refused. */
  nameLengthMax: 256,
  /** Sessions of one client that are in use, one for each time to live; one more is refused. */
  sessionsMax: 100,
  /** Participants of one barrier; more are refused. */
  partiesMax: 10_000,
  /** Openings of a barrier that are remembered for participants that looked away. */
  openingsKept: 256,
  /** Numbers that one `take` of a sequence gives; more are refused. */
  numbersMax: 1_000_000,
  /** Calls of `next` on one sequence that wait in this process; one more is refused. */
  sequenceCallsMax: 100_000,
  /** Members of a roster; more are refused. */
  rosterMembersMax: 1_000,
  /** Conditions that a conditional departure from a queue is made of. */
  conditionsMax: 100,
  /** Keys that one page of a range brings, unless told otherwise. */
  pageKeys: 500,
  /** Times that a value is computed anew because another changed it meanwhile; then it is a conflict. */
  rewritesMax: 100,
} as const;

/** Times, in milliseconds, and parts of times. */
export const RECIPE_TIMES = {
  /** Time to live of a lease unless told otherwise. */
  ttlMs: 10_000,
  /** A lease is renewed after this part of its time to live. */
  renewPart: 1 / 3,
  /** A renewal that failed is tried again after this part of the time to live. */
  renewRetryPart: 1 / 12,
  /** A holder stops believing this part of the time to live early: clocks may differ by so much. */
  driftPart: 0.01,
  /** What failed without harm is tried again after this, doubled each time … */
  retryMs: 10,
  /** … up to this. */
  retryMsMax: 1_000,
  /** How long the leader of an election sees a better candidate before it gives way. */
  settleMs: 3_000,
  /** How long the work of a leadership may take to stop before it is handed over regardless. */
  graceMs: 5_000,
  /** The second best candidate claims a vacant leadership this long after the best did not, the third … */
  claimStepMs: 500,
} as const;

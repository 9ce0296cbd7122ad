/** Limits of the linearizability checker and of its recorder, by name. */
export const linearizabilityLimits = {
  /** How long one check may search unless it is told otherwise; then the verdict is "unknown". */
  timeLimitMs: 60_000,
  /**
   * Configurations all searches of one check keep together: each is some 300 bytes, and one of a key with hundreds of
   * operations without an answer counts as several. The search that keeps most is then given up, and the verdict is
   * "unknown" unless another key proves the history wrong.
   */
  configurationsMax: 1_000_000,
  /** How many expansions a key's search gets in the first round; each later round gives four times as many. */
  firstRoundExpansions: 1_000,
  /** The check looks at the clock after so many expansions. */
  expansionsPerLook: 128,
  /** The check lets other work of the process run after so long. */
  yieldEveryMs: 50,
  /** Steps of the model that one key's search remembers; then it forgets them all and asks the model again. */
  transitionsMax: 262_144,
  /** Configurations of one state and moment that a new one is compared with for being no better than they are. */
  comparedMax: 64,
  /** A state that more operations make than this is not looked ahead for. */
  makersMax: 32,
  /** How much is done at most to show little of a wrong history: expansions of searches and operations laid out. */
  diagnosisWork: 150_000,
  /** Expansions of one search of it. */
  diagnosisExpansions: 5_000,
  /** Operations a recorder takes. */
  operationsMax: 1_000_000,
  /** How deep a value of an operation or a state may nest. */
  valueDepthMax: 64,
  /** Operations a rendering shows at most in each of its lists. */
  renderedOperationsMax: 30,
} as const;

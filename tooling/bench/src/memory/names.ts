/** Subjects of the memory suite. */

/** Answers never: what it was given is never consumed. */
export const HANG = "siege.hang";
/** Takes and forgets. */
export const SINK = "siege.sink";

/** Screen: where a command writes, a line at a time. */
export interface Screen {
  /** What was asked for. */
  out(line: string): void;
  /** What goes wrong, and how to use it. */
  err(line: string): void;
}

/** 0: done. 1: it failed or was refused. 2: the arguments are none. 3: it has to be confirmed. */
export type ExitCode = 0 | 1 | 2 | 3;

/** Why arguments are none, in a sentence. */
export class BadArguments extends Error {}

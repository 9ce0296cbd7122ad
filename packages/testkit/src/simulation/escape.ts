/**
 * Escape: code of a simulated node used something of the machine. Who did it is read from the stack.
 *
 * Not everything that happens while a node's code runs is its doing: Node loads modules and a test runner reads source
 * maps in the middle of it. Those are told apart by the frames on top of the stack.
 */
import type { FoundationError } from "@foundation/core";
import { testkitErrors } from "../errors.js";

/** Throws where code of a node must not go on; does nothing elsewhere. `below`: frames up to this function are not shown. */
export type Refuse = (what: string, below: object) => void;

/** Asked for when an escape is looked into: the machinery of Node itself may fill many frames. */
const FRAMES = 60;
const NODES_OWN = /(?:^|[ (])node:/;
const RUNNERS =
  /[\\/]node_modules[\\/](?:@jest[\\/]|jest[-\\/]|@?vitest[\\/]|vite-node[\\/]|tsx[\\/]|source-map-support[\\/])/;
/** They do what others ask them for. */
const TRANSPARENT = /\(<anonymous>\)$|^<anonymous>$|[\\/]node_modules[\\/]graceful-fs[\\/]/;
const LOADER = /node:internal\/modules\//;
/** Frames of Node's that stand below every promise reaction, whoever made it. */
const BETWEEN_TURNS = /node:internal\/(?:process\/task_queues|async_hooks|timers)/;

/** Whose doing something is, and where, as function, file and line. */
export interface Culprit {
  readonly who: "application" | "module loader" | "runner";
  readonly caller: string;
}

/** Who is to blame for what happens now. */
export function culprit(below: object): Culprit {
  const before = Error.stackTraceLimit;
  const holder: { stack?: string } = {};
  try {
    Error.stackTraceLimit = FRAMES;
    Error.captureStackTrace(holder, below as () => void);
    return blamed((holder.stack ?? "").split("\n").slice(1));
  } finally {
    Error.stackTraceLimit = before;
  }
}

const ADVICE =
  "Take it from the node's Runtime, or pass what does it into the application and give the test a stand-in.";

export function escaped(
  what: string,
  caller: string,
  node: string,
  advice = ADVICE,
): FoundationError {
  return testkitErrors.ERR_SIMULATION_ESCAPED(
    `${what} was used by code of the simulated node ${node} at ${caller}: it would make the run depend on this ` +
      `machine. ${advice}`,
    { what, caller, node },
  );
}

function blamed(lines: readonly string[]): Culprit {
  const frames = lines.map((line) => line.trim().replace(/^at /, ""));
  const first = frames.find((frame) => !isMachinery(frame));
  const caller = first?.replace(/^async /, "") ?? "an unknown place";
  // What awaits is not what acts.
  const until = frames.findIndex((frame) => frame.startsWith("async "));
  const above = frames.slice(0, first === undefined ? undefined : frames.indexOf(first));
  const acting = until < 0 ? above : above.slice(0, until);
  if (acting.some((frame) => RUNNERS.test(frame))) return { who: "runner", caller };
  if (acting.some((frame) => LOADER.test(frame))) return { who: "module loader", caller };
  const isNodes = acting.some((frame) => NODES_OWN.test(frame) && !BETWEEN_TURNS.test(frame));
  const isHere = first !== undefined && !first.startsWith("async ");
  return { who: isHere || !isNodes ? "application" : "runner", caller };
}

function isMachinery(frame: string): boolean {
  return NODES_OWN.test(frame) || RUNNERS.test(frame) || TRANSPARENT.test(frame);
}

/**
 * Escape: code of a simulated node used something of the machine. Who did it is read from the stack.
 *
 * Not everything that happens while a node's code runs is its doing: Node loads modules and a test runner reads source
 * maps in the middle of it. Those are let through.
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
/** Frames of Node's that stand below every promise reaction, whoever made it. */
const BETWEEN_TURNS = /node:internal\/(?:process\/task_queues|async_hooks|timers)/;

/** Who is to blame for what happens now, as file and line; undefined when it is Node or the test runner. */
export function culprit(below: object): string | undefined {
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

export function escaped(what: string, caller: string): FoundationError {
  return testkitErrors.ERR_SIMULATION_ESCAPED(
    `${what} was used by code of a simulated node at ${caller}: it would make the run depend on this machine. ` +
      "Take it from the node's Runtime.",
    { what, caller },
  );
}

function blamed(lines: readonly string[]): string | undefined {
  let isNodes = false;
  for (const line of lines) {
    const frame = line.trim().replace(/^at /, "");
    if (frame.startsWith("async ")) break;
    if (NODES_OWN.test(frame)) {
      // Loading a module reads files and may take turns, and it is not the module's code that does.
      if (frame.includes("node:internal/modules/")) return undefined;
      isNodes ||= !BETWEEN_TURNS.test(frame);
    } else if (RUNNERS.test(frame)) return undefined;
    else if (!TRANSPARENT.test(frame)) return frame;
  }
  return isNodes ? undefined : "an unknown place";
}

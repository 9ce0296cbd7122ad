/**
 * Termination: the last thing a process does when it ends in order, within `terminateMsMax`.
 *
 * A state that is kept from time to time is kept a last time.
 * An unorderly end runs nothing: a process that failed, or may no longer act, is not trusted with it.
 */
import type { Ending } from "./ending.js";
import type { ExitReason } from "./kernel-port.js";
import type { KernelLimits } from "./limits.js";
import type { LocalProcess } from "./local-process.js";
import { MessageContext, type Surroundings } from "./message-context.js";
import { isOrderly } from "./protocol/links.js";
import { isThenable } from "./thenable.js";

/** What an end in order needs of the kernel. */
export interface TerminationParts {
  readonly surroundings: Surroundings;
  readonly ending: Ending;
  readonly limits: KernelLimits;
}

/** Runs `terminate` and ends the process. */
export function terminate(
  process: LocalProcess,
  reason: ExitReason,
  { ending, limits, surroundings }: TerminationParts,
): void {
  const { clock, logger } = surroundings;
  const run = process.definition.terminate ?? (() => {});
  const keeper = mayKeep(reason) ? process.duties?.keeper : undefined;
  const owesNothing = process.definition.terminate === undefined && keeper?.isDue !== true;
  if (owesNothing || !isOrderly(reason)) {
    ending.end(process, reason);
    return;
  }
  const context = new MessageContext(process, undefined, surroundings);
  process.phase = "terminating";
  process.current = context;
  const timer = clock.setTimer(limits.terminateMsMax, () => {
    logger.warn(`${process.title}: terminate took too long, so it was cut off`, {
      terminateMsMax: limits.terminateMsMax,
    });
    ending.end(process, reason);
  });
  const end = () => {
    timer.cancel();
    ending.end(process, reason);
  };
  const done = () => {
    if (keeper?.isDue === true) void keeper.keepLast().then(end);
    else end();
  };
  const failed = (thrown: unknown) => {
    logger.error(`${process.title}: terminate threw`, { cause: thrown });
    done();
  };
  try {
    const result: unknown = run(context as never, reason);
    if (isThenable(result)) result.then(done, failed);
    else done();
  } catch (thrown) {
    failed(thrown);
  }
}

/** The loser of a name keeps nothing: what is kept under the name is the winner's. */
function mayKeep(reason: ExitReason): boolean {
  return reason.type === "normal" || reason.type === "shutdown";
}

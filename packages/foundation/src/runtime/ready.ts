/** ready(): waits until enough members are listed. */
import { coreErrors, parseDuration, type Clock, type Membership } from "@foundation/core";
import type { ReadyOptions } from "../cluster.js";
import { foundationErrors } from "../errors.js";

/**
 * `closed` fires when the node has left: nobody else will come then.
 * @throws {ERR_NOT_READY} @throws {ERR_ABORTED} @throws {ERR_CLOSED}
 */
export function membersReady(
  membership: Membership,
  clock: Clock,
  { nodes = 2, timeout = "30s", signal }: ReadyOptions,
  closed?: AbortSignal,
): Promise<void> {
  const withinMs = parseDuration(timeout, "timeout");
  if (!Number.isInteger(nodes) || nodes < 1) {
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `ready() waits for a whole number of nodes of at least 1, found ${nodes}`,
      { argument: "nodes", expected: "an integer of at least 1", found: String(nodes) },
    );
  }
  return new Promise((resolve, reject) => {
    const stop = () => {
      timer.cancel();
      unsubscribe();
      signal?.removeEventListener("abort", abort);
      closed?.removeEventListener("abort", close);
    };
    const check = () => {
      if (membership.members().length < nodes) return;
      stop();
      resolve();
    };
    const abort = () => {
      stop();
      reject(coreErrors.ERR_ABORTED("ready() was aborted", { target: "ready" }, signal?.reason));
    };
    const close = () => {
      stop();
      reject(coreErrors.ERR_CLOSED("This node has left its cluster", { what: "cluster" }));
    };
    const unsubscribe = membership.subscribe(check);
    const timer = clock.setTimer(withinMs, () => {
      stop();
      reject(notReady(nodes, membership.members().length, withinMs));
    });
    signal?.addEventListener("abort", abort);
    closed?.addEventListener("abort", close);
    if (closed?.aborted === true) close();
    else if (signal?.aborted === true) abort();
    else check();
  });
}

function notReady(wanted: number, found: number, withinMs: number): Error {
  return foundationErrors.ERR_NOT_READY(
    `Only ${found} of ${wanted} nodes were there after ${withinMs} ms. Start the others, or look at ` +
      "await cluster.health(): it says what was refused and why.",
    { wanted, found, withinMs },
  );
}

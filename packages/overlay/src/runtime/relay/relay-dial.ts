/** dialByRoutes: a connection over the first of a few routes that works, none over a node that failed. */
import { coreErrors, type Connection, type NodeId } from "@foundation/core";
import type { RouteOutcome } from "./route-outcome.js";

export interface RoutedDial {
  readonly target: NodeId;
  readonly signal: AbortSignal;
  readonly routesMax: number;
  routeTo(target: NodeId, avoid: ReadonlySet<NodeId>): readonly NodeId[] | undefined;
  /** Looks for a route where none is known; tells once whether there is one now. */
  findRoute(target: NodeId, done: (isFound: boolean) => void): void;
  /** Tells the outcome once, in this call or later; the returned function gives it up. */
  open(route: readonly NodeId[], done: (outcome: RouteOutcome) => void): () => void;
}

/** @throws {ERR_DIAL_FAILED} */
export function dialByRoutes(dial: RoutedDial): Promise<Connection> {
  const { target, signal, routesMax } = dial;
  return new Promise((resolve, reject) => {
    const avoid = new Set<NodeId>();
    let tried = 0;
    let giveUp: (() => void) | undefined;
    let isOver = false;
    let hasSearched = false;
    const fail = (reason: string) => {
      isOver = true;
      signal.removeEventListener("abort", onAbort);
      reject(dialFailed(target, reason));
    };
    const onAbort = () => {
      giveUp?.();
      fail("the dial was aborted");
    };
    const attempt = (failure: string | undefined) => {
      const route = tried < routesMax ? dial.routeTo(target, avoid) : undefined;
      if (route === undefined) {
        if (hasSearched || tried > 0) return fail(failure ?? "no route is known");
        hasSearched = true;
        return dial.findRoute(target, () => {
          if (!isOver) attempt(undefined);
        });
      }
      tried += 1;
      let isTold = false;
      const abandon = dial.open(route, (outcome) => {
        isTold = true;
        if (isOver) return;
        if (outcome.type === "opened") {
          isOver = true;
          signal.removeEventListener("abort", onAbort);
          return resolve(outcome.connection);
        }
        const { reason, by, blamed } = outcome;
        const found = `${reason}, said by ${by} on route ${tried}`;
        if (blamed.length === 0) return fail(found);
        for (const id of blamed) avoid.add(id);
        attempt(found);
      });
      // Told within the call: by now another route may be tried, whose function is the right one.
      if (!isTold) giveUp = abandon;
    };
    if (signal.aborted) return fail("the dial was aborted");
    signal.addEventListener("abort", onAbort, { once: true });
    attempt(undefined);
  });
}

function dialFailed(target: NodeId, reason: string): Error {
  const address = `relayed/${target}`;
  const message = `Could not reach ${target} through other nodes: ${reason}`;
  return coreErrors.ERR_DIAL_FAILED(message, { address, reason });
}

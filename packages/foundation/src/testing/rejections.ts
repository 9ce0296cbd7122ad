/**
 * Rejections: what code of a simulated node leaves rejected fails the simulation, with node, time and seed, and not the test
 * runner's test behind its back, which then would end without closing the simulation.
 *
 * A test runner listens to the process; while a simulation is open its listeners are told only of rejections outside of nodes.
 * Under jest `process` is a copy without those events, so Node's own is asked for, in the context that Node started with.
 */
import { runInThisContext } from "node:vm";
import { ambientRuntime } from "@foundation/core";

const EVENT = "unhandledRejection";

type Listener = (reason: unknown, promise: Promise<unknown>) => void;

/** Listens in the place of those that listen now. @param failed is told of those of nodes */
export function takeRejections(failed: (node: string, reason: unknown) => void): () => void {
  const real = runInThisContext("process") as NodeJS.Process;
  const others = real.rawListeners(EVENT) as Listener[];
  for (const other of others) real.off(EVENT, other);
  const take: Listener = (reason, promise) => {
    const node = ambientRuntime()?.host?.name;
    if (node !== undefined) failed(node, reason);
    else for (const other of others) Reflect.apply(other, real, [reason, promise]);
  };
  real.on(EVENT, take);
  return () => {
    real.off(EVENT, take);
    for (const other of others) real.on(EVENT, other);
  };
}

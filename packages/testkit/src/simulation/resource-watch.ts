/**
 * ResourceWatch: sees real timers, threads and requests begin, by whatever way, through Node's async hooks.
 *
 * It catches what the patched functions cannot: a copy of a function that was taken before, a library's own binding. A
 * hook may not throw, so the escape is reported and fails the run, and the code goes on.
 */
import { createHook } from "node:async_hooks";
import type { Refuse } from "./escape.js";

/**
 * What outlives the turn and ends when the machine says so. Immediates are not among them: virtual time is drained with
 * those. Nor are writes to the terminal, and what begins in the same way when it is done at once (`gzipSync`, `hkdfSync`).
 */
const real = new Set([
  "Timeout",
  "FSREQCALLBACK",
  "FSREQPROMISE",
  "MESSAGEPORT",
  "FSEVENTWRAP",
  "STATWATCHER",
  "TCPCONNECTWRAP",
  "TCPSERVERWRAP",
  "TCPWRAP",
  "PIPECONNECTWRAP",
  "PIPESERVERWRAP",
  "GETADDRINFOREQWRAP",
  "GETNAMEINFOREQWRAP",
  "QUERYWRAP",
  "UDPWRAP",
  "UDPSENDWRAP",
  "PROCESSWRAP",
  "WORKER",
  "RANDOMBYTESREQUEST",
  "RANDOMPRIMEREQUEST",
  "CHECKPRIMEREQUEST",
  "KEYPAIRGENREQUEST",
  "KEYGENREQUEST",
  "KEYEXPORTREQUEST",
  "CIPHERREQUEST",
  "HASHREQUEST",
  "SIGNREQUEST",
]);

/** Tells of each that begins in code of a node; gives the function that ends it. */
export function watchResources(isInside: () => boolean, tell: Refuse): () => void {
  const init = (_id: number, type: string): void => {
    if (type === "PROMISE" || !real.has(type) || !isInside()) return;
    tell(`A real ${type}`, init);
  };
  const hook = createHook({ init }).enable();
  return () => {
    hook.disable();
  };
}

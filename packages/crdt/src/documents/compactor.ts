/**
 * compact: the pieces of a document's log as one, smaller piece. A large document keeps the event loop for long (about a
 * second for 10 MB), so it is done in a worker thread, which sees bytes only.
 */
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { Automerge } from "./automerge.js";
import { documentLimits } from "./limits.js";

/** Runs in the worker: loads, saves, answers, ends. */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const automerge = require(workerData.automerge);
const doc = automerge.load(workerData.bytes);
const saved = automerge.save(doc);
parentPort.postMessage(saved, [saved.buffer]);
`;

/** @param inline this process has no threads of its own: a simulated one */
export async function compact(
  automerge: Automerge,
  bytes: Uint8Array,
  inline: boolean,
): Promise<Uint8Array> {
  if (inline || bytes.length < documentLimits.workerBytesMin) {
    return automerge.save(automerge.load(bytes));
  }
  const path = createRequire(import.meta.url).resolve("@automerge/automerge");
  const worker = new Worker(PROGRAM, { eval: true, workerData: { automerge: path, bytes } });
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`The worker ended with ${code}`)));
    });
  } finally {
    await worker.terminate();
  }
}

/** One buffer of all; Automerge reads saved documents and changes one behind the other. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

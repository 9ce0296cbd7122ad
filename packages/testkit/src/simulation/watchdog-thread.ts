/**
 * The watchdog's thread, as source: so it needs no file of its own in the package, and no loader.
 *
 * The inspector pauses the main thread between two instructions, in a loop of promise reactions too, and evaluates there
 * what prints the report. Where that is not found (a frame of another realm), it says what it knows and ends the process.
 */

/** What is where in the shared memory. */
export const Cell = {
  /** Raised by each event. */
  beats: 0,
  /** 1 while virtual time passes. */
  isRunning: 1,
  /** 1 while a simulation is open, 0 when none is, -1 when the thread is gone. */
  isOpen: 2,
  limitMs: 3,
} as const;
export const CELLS = 4;

export const threadSource = `
"use strict";
const { Session } = require("node:inspector");
const { writeSync } = require("node:fs");
const { workerData } = require("node:worker_threads");
const { cells, limits, speak } = workerData;
let last = 0;
let silentMs = 0;
let idleMs = 0;
let looks = setTimeout(look, limits.watchdogLookMsMin);

function look() {
  const limitMs = cells[${Cell.limitMs}];
  const everyMs = Math.min(
    Math.max(limitMs / 4, limits.watchdogLookMsMin), limits.watchdogLookMsMax);
  const beats = Atomics.load(cells, ${Cell.beats});
  const isQuiet = Atomics.load(cells, ${Cell.isRunning}) === 1 && beats === last;
  silentMs = isQuiet ? silentMs + everyMs : 0;
  last = beats;
  if (limitMs > 0 && silentMs >= limitMs) bark();
  idleMs = Atomics.load(cells, ${Cell.isOpen}) === 1 ? 0 : idleMs + everyMs;
  const isOver = idleMs >= limits.watchdogIdleMs;
  if (isOver && Atomics.compareExchange(cells, ${Cell.isOpen}, 0, -1) === 0) return;
  looks = setTimeout(look, everyMs);
}

function bark() {
  silentMs = 0;
  const session = new Session();
  session.connectToMainThread();
  const expression =
    "(globalThis[Symbol.for(" + JSON.stringify(speak) + ")] || (() => 0))()";
  let pauses = 0;
  session.on("Debugger.paused", ({ params }) => {
    for (const { callFrameId } of params.callFrames) {
      session.post("Debugger.evaluateOnCallFrame", { callFrameId, expression, silent: true });
    }
    // Answers come in order: nobody spoke, as in a frame of Node's own, where globals are not what they are elsewhere.
    session.post("Debugger.resume", () => {
      pauses += 1;
      if (pauses >= limits.watchdogPausesMax) giveUp(params.callFrames);
      setTimeout(() => session.post("Debugger.pause"), limits.watchdogLookMsMin);
    });
  });
  session.post("Debugger.enable");
  session.post("Debugger.pause");
}

function giveUp(frames) {
  const at = frames.map(({ functionName, url, location }) =>
    "    at " + functionName + " (" + url + ":" + (location.lineNumber + 1) + ")");
  const what = "ERR_SIMULATION_STUCK: an event of the simulation does not end";
  writeSync(2, [what, ...at, ""].join("\\n"));
  process.kill(process.pid, "SIGKILL");
}
`;

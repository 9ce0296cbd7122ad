/**
 * jest's node environment with one more promise: a test file leaves nothing open.
 *
 * What keeps the event loop alive (servers, sockets, child processes, timers) is counted before the
 * file and after it; what is left after a moment of grace fails the file by name. Jest itself only
 * remarks on it at the end of the whole run, without saying which file did it.
 */
import { TestEnvironment } from "jest-environment-node";

const limits = { graceMs: 2_000, pollMs: 20 };

/** What comes and goes by itself, or belongs to the process: writes on the way, its own terminal. */
const ignored = new Set([
  "FSReqCallback",
  "FSReqPromise",
  "Immediate",
  "ShutdownWrap",
  "TTYWrap",
  "WriteWrap",
]);

export default class LeakCheckingEnvironment extends TestEnvironment {
  #before = count();

  async setup() {
    await super.setup();
    // Node opens its own streams when they are first used; that is not the test's doing.
    void [process.stdout, process.stderr];
    this.#before = count();
  }

  async teardown() {
    const left = await leftOver(this.#before);
    await super.teardown();
    if (left.length > 0) {
      throw new Error(
        `This test file left open handles: ${left.join(", ")}. ` +
          "Close every server, socket, timer, watcher and child process it starts.",
      );
    }
  }
}

/** Polls until nothing is left or the grace is over: closing a socket takes a few turns. */
async function leftOver(before) {
  const deadline = performance.now() + limits.graceMs;
  for (;;) {
    const left = difference(before, count());
    if (left.length === 0 || performance.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, limits.pollMs));
  }
}

function count() {
  const counts = new Map();
  for (const type of process.getActiveResourcesInfo()) {
    if (!ignored.has(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

function difference(before, after) {
  const left = [];
  for (const [type, now] of after) {
    const extra = now - (before.get(type) ?? 0);
    if (extra > 0) left.push(`${type} × ${extra}`);
  }
  return left;
}

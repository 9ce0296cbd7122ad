import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { nodeSignals } from "../../../src/runtime/node-signals.js";

/** jest gives tests a copy of `process`, which real signals do not reach: they are emitted on it. */
const raise = (signal: "SIGTERM" | "SIGINT"): void => void process.emit(signal, signal);

describe("the signals of a process with several nodes", () => {
  let exits: unknown[] = [];
  const ends: (() => void)[] = [];

  beforeEach(() => {
    exits = [];
    jest.spyOn(process, "exit").mockImplementation((code) => {
      exits.push(code);
      return undefined as never;
    });
  });
  afterEach(() => {
    for (const end of ends.splice(0)) end();
    jest.restoreAllMocks();
  });

  function node() {
    const signals = nodeSignals();
    ends.push(signals.onTerminate(() => {}));
    return signals;
  }

  test("it exits when the last node that was told has asked for it", () => {
    const [first, second] = [node(), node()];
    raise("SIGTERM");
    first.exit(0);
    expect(exits).toEqual([]);
    second.exit(0);
    expect(exits).toEqual([0]);
  });

  test("a node that left before the signal is not waited for", () => {
    const first = node();
    const gone = nodeSignals();
    gone.onTerminate(() => {})();
    raise("SIGTERM");
    first.exit(0);
    expect(exits).toEqual([0]);
  });

  test("without a signal an exit is an exit, and the worst code is the one that counts", () => {
    const [first, second] = [node(), node()];
    raise("SIGTERM");
    second.exit(1);
    first.exit(0);
    nodeSignals().exit(0);
    expect(exits).toEqual([1, 1]);
  });
});

import { describe, expect, test } from "@jest/globals";
import { manualSignals, recordingLogger } from "@foundation/core/testing";
import { terminateOnSignals } from "../../../src/runtime/terminate-on-signals.js";

const settled = () => new Promise((resume) => setImmediate(resume));

describe("termination signals", () => {
  test("SIGTERM leaves once, then exits with 0", async () => {
    const signals = manualSignals();
    let leaves = 0;
    terminateOnSignals(signals, recordingLogger(), async () => void (leaves += 1));
    signals.raise("SIGTERM");
    signals.raise("SIGTERM");
    await settled();
    expect(leaves).toBe(1);
    expect(signals.exits).toEqual([0]);
  });

  test("a second SIGINT exits at once, while the first still leaves", () => {
    const signals = manualSignals();
    terminateOnSignals(signals, recordingLogger(), () => new Promise(() => {}));
    signals.raise("SIGINT");
    expect(signals.exits).toEqual([]);
    signals.raise("SIGINT");
    expect(signals.exits).toEqual([130]);
  });

  test("a leave that fails is logged and exits with 1", async () => {
    const signals = manualSignals();
    const log = recordingLogger();
    terminateOnSignals(signals, log, () => Promise.reject(new Error("stuck")));
    signals.raise("SIGINT");
    await settled();
    expect(signals.exits).toEqual([1]);
    expect(log.lines.some(({ level }) => level === "error")).toBe(true);
  });

  test("ending it leaves no listener behind", () => {
    const signals = manualSignals();
    const stop = terminateOnSignals(signals, recordingLogger(), async () => {});
    stop();
    expect(signals.listeners).toBe(0);
  });
});

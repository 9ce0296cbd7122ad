import { describe, expect, test } from "@jest/globals";
import { Circuit, type FailureRule } from "../../../src/protocol/balancing/circuit.js";
import { PeakEwma } from "../../../src/protocol/balancing/peak-ewma.js";
import { defaultBalancing } from "../../../src/limits.js";
import { failureRuleOf } from "../../../src/runtime/balancing/failure-rule.js";

const times = { circuitOpenMs: 1_000, circuitOpenMaxMs: 3_000 };

function always(): FailureRule {
  return { succeeded: () => undefined, failed: () => true };
}

describe("a circuit", () => {
  test("opens at a failure too many, lets one probe through when its time is up, and closes by its success", () => {
    const circuit = new Circuit(always(), times);
    expect(circuit.fail(circuit.begin(0), 0)).toBe(true);
    expect([circuit.at(0), circuit.at(999), circuit.at(1_000)]).toEqual(["open", "open", "due"]);
    const probe = circuit.begin(1_000);
    expect([probe, circuit.at(1_000), circuit.begin(1_001)]).toEqual([true, "probing", false]);
    expect([circuit.succeed(probe), circuit.at(1_001)]).toEqual([true, "closed"]);
  });

  test("stays open twice as long after each failed probe, up to the longest, and begins anew once it was closed", () => {
    const circuit = new Circuit(always(), times);
    circuit.fail(false, 0);
    const spans: number[] = [circuit.untilMs];
    for (let round = 0; round < 3; round++) {
      const now = circuit.untilMs;
      circuit.fail(circuit.begin(now), now);
      spans.push(circuit.untilMs - now);
    }
    expect(spans).toEqual([1_000, 2_000, 3_000, 3_000]);
    circuit.succeed(circuit.begin(circuit.untilMs));
    circuit.fail(false, 50_000);
    expect(circuit.untilMs).toBe(51_000);
  });

  test("is moved by nothing that was sent before it opened", () => {
    const circuit = new Circuit(always(), times);
    const early = [circuit.begin(0), circuit.begin(0)];
    circuit.fail(early[0] === true, 0);
    expect(circuit.fail(false, 500)).toBe(false);
    expect(circuit.succeed(false)).toBe(false);
    expect([circuit.at(500), circuit.untilMs]).toEqual(["open", 1_000]);
    const probe = circuit.begin(1_000);
    circuit.succeed(false);
    expect(circuit.at(1_000)).toBe("probing");
    circuit.abandon(probe);
    expect(circuit.at(1_000)).toBe("due");
  });
});

describe("the rule of failures", () => {
  test("asks for a share of a window with enough requests in it", () => {
    const rule = failureRuleOf({ ...defaultBalancing, circuitWindow: 10, circuitRequestsMin: 4 });
    expect([rule.failed(false), rule.failed(false), rule.failed(false)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(rule.failed(false)).toBe(true);
    const mixed = failureRuleOf({ ...defaultBalancing, circuitWindow: 10, circuitRequestsMin: 4 });
    for (let count = 0; count < 5; count++) mixed.succeeded(false);
    const opened = Array.from({ length: 6 }, () => mixed.failed(false));
    // 5 of 10 are not more than half; the next pushes a success out of the window.
    expect(opened).toEqual([false, false, false, false, false, true]);
  });

  test("forgets what was before a successful probe", () => {
    const rule = failureRuleOf({ ...defaultBalancing, circuitWindow: 10, circuitRequestsMin: 4 });
    for (let count = 0; count < 4; count++) rule.failed(false);
    rule.succeeded(true);
    expect(rule.failed(false)).toBe(false);
  });
});

describe("the expected latency", () => {
  test("jumps up at once and comes down with time", () => {
    const latency = new PeakEwma(10_000);
    latency.observe(10, 0);
    latency.observe(100, 1);
    expect(latency.at(1)).toBe(100);
    latency.observe(10, 1_001);
    expect(latency.at(1_001)).toBeCloseTo(100 * Math.exp(-0.1) + 10 * (1 - Math.exp(-0.1)), 6);
    expect(latency.at(100_000)).toBeLessThan(0.01);
  });
});

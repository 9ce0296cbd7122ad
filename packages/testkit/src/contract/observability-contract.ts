/** loggerContract and meterContract: what every Logger and Meter must do. */
import assert from "node:assert/strict";
import { Secret } from "@foundation/core";
import type { Logger, Meter } from "@foundation/core/ports";
import { testsWith, type ContractRunner } from "./runner.js";

export interface LoggerFixture {
  readonly logger: Logger;
  /** Everything written so far, as text that holds message, level and fields. */
  output(): string;
  close?(): void | Promise<void>;
}

/** Runs the suite against one logger that writes all levels. */
export function loggerContract(
  runner: ContractRunner,
  setup: { create(): LoggerFixture | Promise<LoggerFixture> },
): void {
  const test = testsWith(runner, setup.create);
  runner.describe("logger", () => {
    test("every level writes its message and its fields", ({ logger, output }) => {
      for (const level of ["debug", "info", "warn", "error"] as const) {
        logger[level](`message of ${level}`, { field: `field of ${level}` });
        assert.match(output(), new RegExp(`message of ${level}`));
        assert.match(output(), new RegExp(`field of ${level}`));
      }
    });

    test("a child's lines carry its fields and its parent's", ({ logger, output }) => {
      logger.child({ outer: "from-outer" }).child({ inner: "from-inner" }).info("hello");
      assert.match(output(), /from-outer/);
      assert.match(output(), /from-inner/);
    });

    test("it never throws, whatever the fields are", ({ logger }) => {
      const cycle: Record<string, unknown> = {};
      cycle["self"] = cycle;
      const throwing = {
        get bad(): never {
          throw new Error("a getter that throws");
        },
      };
      const odd = [
        cycle,
        throwing,
        { n: 1n },
        { f: () => 1 },
        { s: Symbol("s") },
        { e: new Error("x") },
      ];
      for (const fields of odd) logger.info("odd fields", fields);
    });

    test("a secret is never written", ({ logger, output }) => {
      const secret = new Secret("do-not-print-me");
      logger.info("a secret", { secret, nested: { deep: [secret] }, text: `${secret}` });
      logger.child({ inChild: secret }).error("a secret in a child");
      assert.match(output(), /a secret in a child/);
      assert.doesNotMatch(output(), /do-not-print-me/);
    });
  });
}

/** Runs the suite against one meter. */
export function meterContract(runner: ContractRunner, setup: { create(): Meter }): void {
  const test = testsWith(runner, () => ({ meter: setup.create() }));
  runner.describe("meter", () => {
    test("counters count, gauges keep the last value, histograms their count and sum", ({
      meter,
    }) => {
      const counter = meter.counter("things_total", "Things.");
      counter.add();
      counter.add(4);
      const gauge = meter.gauge("queue_bytes", "Bytes.");
      gauge.set(5);
      gauge.set(3);
      const histogram = meter.histogram("wait_ms", "Waiting.");
      histogram.observe(10);
      histogram.observe(2.5);
      const values = meter.snapshot();
      assert.equal(values.get("things_total"), 5);
      assert.equal(values.get("queue_bytes"), 3);
      assert.equal(values.get("wait_ms_count"), 2);
      assert.equal(values.get("wait_ms_sum"), 12.5);
    });

    test("the same name and labels give the same instrument, in any order of labels", ({
      meter,
    }) => {
      meter.counter("calls_total", "Calls.", { kind: "a", node: "1" }).add();
      meter.counter("calls_total", "Calls.", { node: "1", kind: "a" }).add();
      meter.counter("calls_total", "Calls.", { kind: "b", node: "1" }).add(10);
      const values = meter.snapshot();
      assert.equal(values.get('calls_total{kind="a",node="1"}'), 2);
      assert.equal(values.get('calls_total{kind="b",node="1"}'), 10);
    });

    test("a snapshot does not change afterwards", ({ meter }) => {
      const counter = meter.counter("things_total", "Things.");
      counter.add();
      const before = meter.snapshot();
      counter.add();
      assert.equal(before.get("things_total"), 1);
      assert.equal(meter.snapshot().get("things_total"), 2);
    });
  });
}

/** clockContract: what every Clock must do: time that never goes back, timers in order, turns that end. */
import assert from "node:assert/strict";
import { rejectsWith, until, type ContractTime } from "../time.js";
import { testsWith, type ContractRunner } from "./runner.js";

export interface ClockFixture {
  /** Its `clock` is what is tested. */
  readonly time: ContractTime;
  close?(): void | Promise<void>;
}

/** Runs the suite against one clock. */
export function clockContract(
  runner: ContractRunner,
  setup: { create(): ClockFixture | Promise<ClockFixture> },
): void {
  const test = testsWith(runner, setup.create);
  runner.describe("clock: time", () => timeTests(test));
  runner.describe("clock: timers", () => timerTests(test));
  runner.describe("clock: turns", () => turnTests(test));
}

type Test = (name: string, run: (fixture: ClockFixture) => unknown) => void;

function timeTests(test: Test): void {
  test("now never goes back and moves with the time that passes", async ({ time }) => {
    let before = time.clock.now();
    for (let i = 0; i < 50; i++) {
      await time.pass(1);
      const now = time.clock.now();
      assert.ok(now >= before + 1, `${before} to ${now} in 1 ms`);
      before = now;
    }
  });

  test("the wall clock is in milliseconds since 1970", async ({ time }) => {
    assert.ok(time.clock.wallNow() > 1_577_836_800_000, "before 2020");
    assert.ok(time.clock.wallNow() < 4_102_444_800_000, "after 2100");
  });
}

function timerTests(test: Test): void {
  test("a timer runs once, not inside the call and not too early", async ({ time }) => {
    const { clock } = time;
    const start = clock.now();
    const ran: number[] = [];
    clock.setTimer(20, () => ran.push(clock.now() - start));
    clock.setTimer(0, () => {});
    assert.equal(ran.length, 0);
    await until(time, "the timer runs", () => ran.length > 0);
    await time.pass(30);
    assert.equal(ran.length, 1);
    assert.ok((ran[0] ?? 0) >= 20, `it ran after ${ran[0]} ms`);
  });

  test("timers of the same time run in the order they were set, also of 0 and fractions", async ({
    time,
  }) => {
    const ran: number[] = [];
    for (let i = 0; i < 20; i++) time.clock.setTimer(10, () => ran.push(i));
    const zero: number[] = [];
    for (let i = 0; i < 20; i++) time.clock.setTimer(0, () => zero.push(i));
    let fraction = false;
    time.clock.setTimer(0.4, () => {
      fraction = true;
    });
    await until(time, "all ran", () => ran.length === 20 && zero.length === 20 && fraction);
    assert.deepEqual(ran, [...Array(20).keys()]);
    assert.deepEqual(zero, [...Array(20).keys()]);
  });

  test("a cancelled timer never runs; cancelling again or afterwards does nothing", async ({
    time,
  }) => {
    const ran: string[] = [];
    const cancelled = time.clock.setTimer(5, () => ran.push("cancelled"));
    const kept = time.clock.setTimer(5, () => ran.push("kept"));
    cancelled.cancel();
    cancelled.cancel();
    await until(time, "the other runs", () => ran.includes("kept"));
    kept.cancel();
    await time.pass(10);
    assert.deepEqual(ran, ["kept"]);
  });

  test("sleep resolves after its time, and rejects when it is aborted before or meanwhile", async ({
    time,
  }) => {
    const { clock } = time;
    const start = clock.now();
    await time.wait(clock.sleep(15));
    assert.ok(clock.now() - start >= 15);
    await rejectsWith(time, clock.sleep(1_000, { signal: AbortSignal.abort() }), "ERR_ABORTED");
    const abort = new AbortController();
    const sleeping = rejectsWith(
      time,
      clock.sleep(60_000, { signal: abort.signal }),
      "ERR_ABORTED",
    );
    abort.abort();
    await sleeping;
  });
}

function turnTests(test: Test): void {
  test("endOfTurn runs once, in order, later than the call and what it left to promises", async ({
    time,
  }) => {
    const log: string[] = [];
    time.clock.endOfTurn(() => log.push("first"));
    time.clock.endOfTurn(() => log.push("second"));
    await Promise.resolve().then(() => log.push("promise"));
    assert.deepEqual(log, ["promise"]);
    await until(time, "the turn ends", () => log.length === 3);
    await time.pass(5);
    assert.deepEqual(log, ["promise", "first", "second"]);
  });

  test("what is asked for while a turn ends runs too, once, in a later one", async ({ time }) => {
    const log: string[] = [];
    time.clock.endOfTurn(() => {
      log.push("outer");
      time.clock.endOfTurn(() => log.push("inner"));
      assert.deepEqual(log, ["outer"]);
    });
    await until(time, "both ran", () => log.length === 2);
    await time.pass(5);
    assert.deepEqual(log, ["outer", "inner"]);
  });
}

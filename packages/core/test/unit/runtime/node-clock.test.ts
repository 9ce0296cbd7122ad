import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { nodeClock } from "../../../src/runtime/node-clock.js";

/** Node's timers as this test drives them: what is armed, in the order it was. */
interface Armed {
  readonly fire: () => void;
  readonly delayMs: number;
}

describe("timers whose native timer is early", () => {
  let nowMs = 0;
  let armed: Armed[] = [];

  beforeEach(() => {
    nowMs = 0;
    armed = [];
    jest.spyOn(performance, "now").mockImplementation(() => nowMs);
    jest.spyOn(globalThis, "setTimeout").mockImplementation(((
      fire: () => void,
      delayMs: number,
    ) => {
      const handle = { fire, delayMs };
      armed.push(handle);
      return handle;
    }) as never);
    jest.spyOn(globalThis, "clearTimeout").mockImplementation(((handle: Armed) => {
      armed = armed.filter((each) => each !== handle);
    }) as never);
  });
  afterEach(() => void jest.restoreAllMocks());

  /** Fires the oldest of what is armed, at the given time. */
  function fireAt(atMs: number): void {
    nowMs = atMs;
    armed.shift()?.fire();
  }

  function set(ran: string[], ...names: string[]) {
    return names.map((name) => {
      const timer = nodeClock().setTimer(10, () => ran.push(name));
      nowMs += 0.001;
      return timer;
    });
  }

  test("none runs before its time, and none overtakes one that was set before it", () => {
    const ran: string[] = [];
    set(ran, "a", "b", "c");
    fireAt(9.9995); // a is early by half a microsecond
    fireAt(10.0015); // b is not, nor is c
    fireAt(10.0025);
    expect(ran).toEqual([]);
    for (const atMs of [11, 11, 11]) fireAt(atMs);
    expect(ran).toEqual(["a", "b", "c"]);
    expect(armed).toEqual([]);
  });

  test("one that is cancelled while it waits holds nobody up", () => {
    const ran: string[] = [];
    const [a] = set(ran, "a", "b");
    fireAt(9.9995);
    a!.cancel();
    fireAt(10.0015);
    expect(ran).toEqual(["b"]);
    expect(armed).toEqual([]);
  });

  test("one that was set earlier and fires later still comes first", () => {
    const ran: string[] = [];
    set(ran, "a", "b");
    armed.reverse();
    fireAt(9.9); // b
    fireAt(9.95); // a
    fireAt(11); // b again: a is due before it
    fireAt(11);
    expect(ran).toEqual(["a"]);
    fireAt(12);
    expect(ran).toEqual(["a", "b"]);
  });

  test("a later timer waits only for those that are due before it", () => {
    const ran: string[] = [];
    nodeClock().setTimer(20, () => ran.push("late"));
    nodeClock().setTimer(10, () => ran.push("early"));
    fireAt(19.9995);
    fireAt(19.9996);
    expect(ran).toEqual(["early"]);
    fireAt(21);
    expect(ran).toEqual(["early", "late"]);
  });
});

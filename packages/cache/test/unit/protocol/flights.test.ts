import { describe, expect, test } from "@jest/globals";
import { Flights } from "../../../src/protocol/flights.js";

const flightsOf = (more: object = {}) =>
  new Flights<{ readonly node: string }>({
    ...{ flightsMax: 100, waitersMax: 100, tagFloorsMax: 100 },
    ...more,
  });

const tokenOf = (joined: { readonly type: string; readonly token?: number }) => {
  expect(joined.type).toBe("granted");
  return joined.token as number;
};

describe("flights", () => {
  test("grant a key once, and hand the others out when it ends", () => {
    const flights = flightsOf();
    const token = tokenOf(flights.join("k", { node: "a" }, 0, 100));
    const second = { node: "b" };
    expect(flights.join("k", second, 1, 100)).toEqual({ type: "waiting" });
    expect(flights.end("k", token)).toEqual([second]);
    expect(flights.size).toBe(0);
  });

  test("a token is worthless once its key was written, its tag invalidated or its time up", () => {
    const flights = flightsOf();
    const first = tokenOf(flights.join("k", { node: "a" }, 0, 100));
    flights.supersede("k");
    expect(flights.mayFill("k", first, [])).toBe(false);
    const second = tokenOf(flights.join("k", { node: "a" }, 0, 100));
    flights.invalidate("tag");
    expect(flights.mayFill("k", second, ["tag"])).toBe(false);
    expect(flights.mayFill("k", second, ["other"])).toBe(true);
    const third = tokenOf(flights.join("k", { node: "b" }, 101, 100));
    expect(flights.mayFill("k", second, [])).toBe(false);
    expect(flights.mayFill("k", third, ["tag"])).toBe(true);
  });

  test("forget tags only towards refusing more", () => {
    const flights = flightsOf({ tagFloorsMax: 1 });
    const token = tokenOf(flights.join("k", { node: "a" }, 0, 100));
    flights.invalidate("one");
    flights.invalidate("two");
    expect(flights.mayFill("k", token, ["one"])).toBe(false);
    const later = tokenOf(flights.join("l", { node: "a" }, 0, 100));
    expect(flights.mayFill("l", later, ["one"])).toBe(true);
  });

  test("pass on what a lost node computed to the next who waits, who is not lost too", () => {
    const flights = flightsOf();
    tokenOf(flights.join("k", { node: "a" }, 0, 100));
    flights.join("k", { node: "a" }, 1, 100);
    const next = { node: "b" };
    flights.join("k", next, 2, 100);
    const [granted] = flights.lost("a", 3, 100);
    expect(granted?.waiter).toBe(next);
    expect(flights.mayFill("k", granted!.token, [])).toBe(true);
  });
});

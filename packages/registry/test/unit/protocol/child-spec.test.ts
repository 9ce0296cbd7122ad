import { describe, expect, test } from "@jest/globals";
import {
  compareVersions,
  failedSpec,
  startSpec,
  stoppedSpec,
  takeoverSpec,
} from "../../../src/protocol/child-spec.js";
import { owner, spec } from "./cast.js";

describe("the order of child specs", () => {
  test("a takeover is newer than what it took over", () => {
    const first = spec();
    expect(compareVersions(takeoverSpec(first, owner(2)), first)).toBeGreaterThan(0);
  });

  test("of two takeovers of one generation the greater owner stays", () => {
    const first = spec();
    const low = takeoverSpec(first, owner(2));
    const high = takeoverSpec(first, owner(3));
    expect(compareVersions(high, low)).toBeGreaterThan(0);
    expect(compareVersions(low, high)).toBeLessThan(0);
  });

  test("a stop outranks every takeover that happened behind a partition", () => {
    let taken = spec();
    for (let round = 2; round < 9; round++) taken = takeoverSpec(taken, owner(round));
    expect(compareVersions(stoppedSpec(spec()), taken)).toBeGreaterThan(0);
  });

  test("a start after a stop is newer than the stop", () => {
    const stopped = stoppedSpec(spec());
    const { identity, definition, args, restart, on, meta } = spec();
    const request = { identity, definition, args, restart, on, meta };
    const again = startSpec(request, owner(1), stopped);
    expect(again).toMatchObject({ incarnation: 2, generation: 1, state: "running" });
    expect(compareVersions(again, stopped)).toBeGreaterThan(0);
  });

  test("a failure is newer than the run it ends, and older than a takeover of it", () => {
    const running = spec();
    const failed = failedSpec(running, "crashed");
    expect(compareVersions(failed, running)).toBeGreaterThan(0);
    expect(compareVersions(takeoverSpec(running, owner(2)), failed)).toBeGreaterThan(0);
  });

  test("an owner that failed does not outrank the greater owner of the same generation", () => {
    const failed = failedSpec(spec({ owner: owner(1) }), "crashed");
    expect(compareVersions(spec({ owner: owner(2) }), failed)).toBeGreaterThan(0);
  });

  test("a stopped spec keeps neither arguments nor meta", () => {
    const stopped = stoppedSpec(spec({ args: { big: "x" }, meta: { also: 1 } }));
    expect(stopped).toMatchObject({ state: "stopped", args: undefined, meta: undefined });
  });

  test("an owner object with more fields leaves only node and boot in the spec", () => {
    const pid = { ...owner(2), serial: 7 };
    expect(takeoverSpec(spec(), pid).owner).toEqual(owner(2));
  });
});

import { describe, expect, test } from "@jest/globals";
import { encodeLanes, FenceGate, parseLanes } from "../../../../src/protocol/delivery/fence.js";

const LANES = 0b1110;

describe("a fenced message", () => {
  test("waits until every lane it names has passed its number", () => {
    const gate = new FenceGate<string>();
    expect(gate.hold(1, LANES, "down", 10)).toBe(true);
    expect(gate.passed(1, 1)).toEqual([]);
    expect(gate.passed(3, 1)).toEqual([]);
    expect([gate.size, gate.sizeBytes]).toEqual([1, 10]);
    expect(gate.passed(2, 1)).toEqual(["down"]);
    expect([gate.size, gate.sizeBytes]).toEqual([0, 0]);
    expect(gate.passed(2, 1)).toEqual([]);
  });

  test("does not wait when all lanes were quicker than its own", () => {
    const gate = new FenceGate<string>();
    for (const lane of [1, 2, 3]) gate.passed(lane, 4);
    expect(gate.hold(4, LANES, "down", 10)).toBe(false);
    expect(gate.hold(3, LANES, "late", 10)).toBe(false);
    expect(gate.hold(5, LANES, "next", 10)).toBe(true);
  });

  test("is let through by a later number too, since lanes keep their order", () => {
    const gate = new FenceGate<string>();
    gate.hold(1, 0b0010, "one", 1);
    gate.hold(2, 0b0010, "two", 1);
    gate.hold(4, 0b0010, "four", 1);
    expect(gate.passed(1, 3)).toEqual(["one", "two"]);
    expect(gate.passed(1, 2)).toEqual([]);
    expect(gate.passed(1, 4)).toEqual(["four"]);
  });

  test("is not held above the limits", () => {
    const gate = new FenceGate<string>({ heldMax: 2, heldBytesMax: 10 });
    expect(gate.hold(1, 1, "large", 11)).toBe(false);
    expect(gate.hold(1, 1, "a", 5)).toBe(true);
    expect(gate.hold(1, 1, "b", 5)).toBe(true);
    expect(gate.hold(1, 1, "c", 0)).toBe(false);
    expect(gate.passed(0, 1)).toEqual(["a", "b"]);
    expect(gate.hold(2, 1, "c", 10)).toBe(true);
  });

  test("names its lanes in two bytes", () => {
    for (const lanes of [0, 1, 0b1110, 0xffff]) expect(parseLanes(encodeLanes(lanes))).toBe(lanes);
    expect(parseLanes(new Uint8Array(1))).toBeUndefined();
  });
});

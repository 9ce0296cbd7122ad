import { describe, expect, test } from "@jest/globals";
import { ReceiveCredit, SendCredit } from "../../../../src/protocol/relay/credit.js";
import { FrameAssembly } from "../../../../src/protocol/relay/frame-assembly.js";
import { fitsWindow, relayLimits, relayLimitsOf } from "../../../../src/protocol/relay/limits.js";

describe("what may be sent over a relayed connection", () => {
  test("is a window, and then what was given back; a piece that does not fit waits", () => {
    const credit = new SendCredit(100);
    expect([credit.take(60), credit.take(41), credit.take(40), credit.take(1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(credit.grant(130)).toBe(true);
    expect(credit.leftBytes).toBe(30);
  });

  test("never sinks, and grows by no more than a window beyond what was sent", () => {
    const credit = new SendCredit(100);
    credit.take(50);
    expect([credit.grant(100), credit.grant(99), credit.grant(151), credit.grant(150)]).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(credit.grantedBytes).toBe(150);
  });

  test("is given back in quarters, and what came beyond it is noticed", () => {
    const credit = new ReceiveCredit(100, 25);
    expect(credit.came(100)).toBe(true);
    expect(credit.came(1)).toBe(false);
    expect(credit.consumed(24)).toBeUndefined();
    expect(credit.consumed(1)).toBe(125);
    expect(credit.heldBytes).toBe(75);
    expect([credit.came(26), credit.came(25)]).toEqual([false, true]);
  });
});

describe("a frame in parts", () => {
  const part = (...bytes: number[]) => Uint8Array.from(bytes);

  test("is whole with its last part, and the next one begins anew", () => {
    const assembly = new FrameAssembly();
    expect(assembly.add(part(1, 2), 5, 14, 100)).toBeUndefined();
    expect(assembly.isPartial).toBe(true);
    expect(assembly.add(part(3, 4), 5, 14, 100)).toBeUndefined();
    expect(assembly.add(part(5), 5, 13, 100)).toEqual(part(1, 2, 3, 4, 5));
    expect([assembly.isPartial, assembly.takeCost(), assembly.takeCost()]).toEqual([false, 41, 0]);
    expect(assembly.add(part(9), 2, 13, 100)).toBeUndefined();
  });

  test("takes no memory when it says it is too large", () => {
    const assembly = new FrameAssembly();
    expect(assembly.add(part(1), 101, 13, 100)).toContain("101");
    expect(assembly.isPartial).toBe(false);
  });

  test("is refused when its parts contradict each other", () => {
    const begun = () => {
      const assembly = new FrameAssembly();
      assembly.add(part(1, 2), 5, 14, 100);
      return assembly;
    };
    expect(typeof begun().add(part(3), 6, 13, 100)).toBe("string");
    expect(typeof begun().add(part(3, 4, 5, 6), 5, 16, 100)).toBe("string");
    expect(typeof new FrameAssembly().add(part(1, 2), 2, 14, 100)).toBe("string");
    expect(typeof new FrameAssembly().add(part(), 0, 12, 100)).toBe("string");
  });
});

describe("the limits of relayed connections", () => {
  test("are refused where a frame could wait for credit that only comes with its end", () => {
    expect(relayLimitsOf()).toEqual(relayLimits);
    expect(relayLimitsOf({ windowBytes: 200 * 1024 }).windowBytes).toBe(200 * 1024);
    for (const limits of [
      { windowBytes: 128 * 1024 },
      { frameBytesMax: 200 * 1024 },
      { pieceBytesMax: 64 * 1024 },
      { pieceBytesMax: 20 },
      { hopsMax: 13 },
    ])
      expect(() => relayLimitsOf(limits)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
  });

  test("let the largest frame through a receiver that keeps what it may keep", () => {
    // Exactly at the edge: three quarters of the window hold the frame and the heads of its parts.
    const limits = relayLimitsOf({ frameBytesMax: 600, pieceBytesMax: 112, windowBytes: 1_000 });
    expect(fitsWindow(895, limits)).toBe(true);
    expect(fitsWindow(894, limits)).toBe(false);
  });
});

import { describe, expect, test } from "@jest/globals";
import { createNodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import {
  acceptFrame,
  breakFrame,
  closeFrame,
  creditFrame,
  RELAY_HEAD_BYTES,
  writeDataHead,
} from "../../../../src/protocol/relay/frames.js";
import { Hop } from "../../../../src/protocol/relay/hop.js";
import { relayLimitsOf } from "../../../../src/protocol/relay/limits.js";

const [origin, self, target] = ["origin", "self", "target"].map((name) =>
  createNodeId(seededRandom(name)),
) as [
  ReturnType<typeof createNodeId>,
  ReturnType<typeof createNodeId>,
  ReturnType<typeof createNodeId>,
];
const WINDOW = 1_000;
const limits = relayLimitsOf({ windowBytes: WINDOW, frameBytesMax: 500, pieceBytesMax: 200 });
const NOTHING = new Uint8Array(0);

function hopOf(): Hop {
  const route = [origin, self, target];
  return new Hop({ connection: 5, windowBytes: WINDOW, route }, 1, limits);
}

function openHop(): Hop {
  const hop = hopOf();
  expect(hop.pass(target, acceptFrame(5, WINDOW))).toBe("on");
  return hop;
}

/** A whole frame of so many bytes, head included. */
function data(bytes: number): Uint8Array {
  const frame = new Uint8Array(bytes);
  writeDataHead(frame, 5);
  return frame;
}

describe("a connection that passes through a node", () => {
  test("goes from each neighbour to the other one", () => {
    const hop = hopOf();
    expect([hop.otherThan(origin), hop.otherThan(target)]).toEqual([target, origin]);
    expect([hop.isVia(origin), hop.isVia(target), hop.isVia(self)]).toEqual([true, true, false]);
    expect([hop.origin, hop.target, hop.index]).toEqual([origin, target, 1]);
  });

  test("carries nothing but the target's accept before that has come, and that once", () => {
    for (const frame of [
      data(20),
      creditFrame(5, 2_000),
      closeFrame(5, "closed", NOTHING),
      acceptFrame(5, 10),
    ])
      expect(hopOf().pass(origin, frame)).toBe("malformed");
    for (const frame of [data(20), closeFrame(5, "closed", NOTHING)])
      expect(hopOf().pass(target, frame)).toBe("malformed");
    expect(openHop().pass(target, acceptFrame(5, WINDOW))).toBe("malformed");
    expect(hopOf().pass(target, acceptFrame(5, WINDOW + 1))).toBe("malformed");
  });

  test("carries a window each way and no byte more, until the receiver lets more come", () => {
    for (const [from, to] of [
      [origin, target],
      [target, origin],
    ] as const) {
      const hop = openHop();
      for (let i = 0; i < 5; i += 1) expect(hop.pass(from, data(200))).toBe("on");
      expect(hop.pass(to, creditFrame(5, WINDOW + 8))).toBe("on");
      expect(hop.pass(from, data(RELAY_HEAD_BYTES))).toBe("on");
      expect(hop.pass(from, data(RELAY_HEAD_BYTES))).toBe("malformed");
    }
  });

  test("believes no receiver that lets more than a window come at once", () => {
    const hop = openHop();
    hop.pass(origin, data(100));
    expect(hop.pass(target, creditFrame(5, WINDOW + 100))).toBe("on");
    expect(hop.pass(target, creditFrame(5, WINDOW + 101))).toBe("malformed");
    // Credit of one direction is none of the other.
    expect(openHop().pass(origin, creditFrame(5, WINDOW + 100))).toBe("malformed");
  });

  test("is over when both ends have closed, and after a close only the other one speaks", () => {
    const hop = openHop();
    expect(hop.pass(origin, closeFrame(5, "closed", NOTHING))).toBe("on");
    expect(hop.pass(target, data(50))).toBe("on");
    expect(hop.pass(origin, creditFrame(5, WINDOW + 50))).toBe("on");
    expect(hop.pass(origin, data(50))).toBe("malformed");
    expect(hop.pass(target, closeFrame(5, "closed", NOTHING))).toBe("last");
    const twice = openHop();
    twice.pass(origin, closeFrame(5, "closed", NOTHING));
    expect(twice.pass(origin, closeFrame(5, "closed", NOTHING))).toBe("malformed");
  });

  test("is over with a break, before and after it was accepted", () => {
    const broken = breakFrame(5, { reason: "lost", refusal: undefined, index: 2 });
    expect(hopOf().pass(target, broken)).toBe("last");
    expect(openHop().pass(origin, broken)).toBe("last");
    expect(openHop().pass(origin, broken.subarray(0, 10))).toBe("malformed");
  });

  test("carries nothing of a type that this version does not know", () => {
    const frame = data(20);
    frame[0] = 42;
    expect(openHop().pass(origin, frame)).toBe("unknown");
  });
});

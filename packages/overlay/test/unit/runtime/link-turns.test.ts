import { describe, expect, test } from "@jest/globals";
import type { Connection } from "@foundation/core";
import { FAIR } from "../../../src/limits.js";
import { LinkTurns } from "../../../src/runtime/link-turns.js";

/** A connection that only knows whether it is paused. */
function pausable() {
  let pauses = 0;
  const pause = () => {
    pauses += 1;
    return () => {
      pauses -= 1;
    };
  };
  return { connection: { pause } as unknown as Connection, isPaused: () => pauses > 0 };
}

describe("the share of a turn that a link may take", () => {
  test("ends with so many bytes, until the turn has ended", () => {
    const turns = new LinkTurns();
    const { connection, isPaused } = pausable();
    expect(turns.begins(5)).toBe(true);
    turns.handled(FAIR.turnBytesMax - 1, 5, connection);
    expect(isPaused()).toBe(false);
    expect(turns.begins(5)).toBe(false);
    turns.handled(1, 5, connection);
    turns.handled(1, 5, connection);
    expect(isPaused()).toBe(true);
    turns.ended();
    expect(isPaused()).toBe(false);
    expect(turns.begins(6)).toBe(true);
  });

  test("ends with so much time, however few bytes it was", () => {
    const turns = new LinkTurns();
    const { connection, isPaused } = pausable();
    turns.begins(5);
    turns.handled(10, 5 + FAIR.turnMsMax, connection);
    expect(isPaused()).toBe(true);
    turns.ended();
    turns.begins(20);
    turns.handled(10, 20, connection);
    expect(isPaused()).toBe(false);
  });

  test("is not for endless pings, nor for payloads that are none", () => {
    const turns = new LinkTurns();
    const answers = Array.from({ length: FAIR.pingsPerSecondMax + 1 }, () => turns.ping(2_000));
    expect(answers.filter((isFine) => !isFine)).toHaveLength(1);
    expect(turns.ping(3_000)).toBe(true);
    const broken = Array.from({ length: FAIR.undecodableMax + 1 }, () => turns.undecodable(1));
    expect(broken.indexOf(false)).toBe(FAIR.undecodableMax);
    const bombed = new LinkTurns();
    const bombs = Array.from({ length: 5 }, () => bombed.undecodable(FAIR.bombWeight));
    expect(bombs.indexOf(false)).toBe(FAIR.undecodableMax / FAIR.bombWeight);
  });
});

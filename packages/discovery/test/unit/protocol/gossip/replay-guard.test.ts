import { expect, test } from "@jest/globals";
import { gossipLimits } from "../../../../src/protocol/gossip/limits.js";
import { ReplayGuard } from "../../../../src/protocol/gossip/replay-guard.js";

test("datagrams that overtake each other are each taken once", () => {
  const guard = new ReplayGuard();
  expect([5, 3, 4, 5, 3, 6, 4].map((counter) => guard.accept("s", counter))).toEqual([
    true,
    true,
    true,
    false,
    false,
    true,
    false,
  ]);
});

test("what is older than the window is refused, since nobody can tell any more", () => {
  const guard = new ReplayGuard();
  guard.accept("s", 1_000);
  const { replayWindow } = gossipLimits;
  expect(guard.accept("s", 1_000 - replayWindow + 1)).toBe(true);
  expect(guard.accept("s", 1_000 - replayWindow)).toBe(false);
});

test("sessions have windows of their own, and an ended one stays ended", () => {
  const guard = new ReplayGuard();
  guard.accept("a", 1);
  expect(guard.accept("b", 1)).toBe(true);
  guard.end("a");
  expect(guard.accept("a", 2)).toBe(false);
  expect(guard.accept("b", 2)).toBe(true);
});

test("the session unheard for longest is forgotten first", () => {
  const guard = new ReplayGuard();
  const { sessionsMax } = gossipLimits;
  for (let i = 0; i < sessionsMax; i += 1) guard.accept(`s${i}`, 1);
  guard.accept("s0", 2);
  guard.accept("one more", 1);
  expect(guard.size).toBe(sessionsMax);
  expect(guard.accept("s0", 2)).toBe(false);
  expect(guard.accept("s1", 1)).toBe(true);
});

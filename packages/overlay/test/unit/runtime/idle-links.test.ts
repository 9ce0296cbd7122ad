/** Links that no topology wants are closed once nothing uses them, and not while something is about to. */
import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { LINK } from "../../../src/limits.js";
import { IdleLinks } from "../../../src/runtime/idle-links.js";
import type { Peer } from "../../../src/runtime/peer.js";

function scene() {
  const clock = virtualClock();
  const counters = { connections: 0, messagesIn: 0, messagesOut: 0 };
  const use = { inUse: false, rested: 0 };
  const peer = {
    gone: false,
    coordination: { isUp: true },
    links: () => [{ counters }],
  } as unknown as Peer;
  const idle = new IdleLinks(clock, {
    isInUse: () => use.inUse,
    rest: () => {
      use.rested += 1;
    },
  });
  return { clock, counters, use, peer, idle };
}

describe("links that nobody wants", () => {
  test("are closed soon when they were never used", async () => {
    const { clock, use, peer, idle } = scene();
    idle.keep(peer, false);
    await clock.advance(LINK.unusedMs - 1);
    expect(use.rested).toBe(0);
    await clock.advance(LINK.idleCheckMs + 1);
    expect(use.rested).toBe(1);
    idle.close();
  });

  test("stay for a while after a channel was opened on them: its first message is still under way", async () => {
    const { clock, counters, use, peer, idle } = scene();
    idle.keep(peer, false);
    await clock.advance(LINK.unusedMs - 1);
    counters.connections += 1;
    await clock.advance(LINK.idleMs - LINK.idleCheckMs);
    expect(use.rested).toBe(0);
    await clock.advance(3 * LINK.idleCheckMs);
    expect(use.rested).toBe(1);
    idle.close();
  });

  test("stay while something waits for the peer, and when a side wants them again", async () => {
    const { clock, use, peer, idle } = scene();
    use.inUse = true;
    idle.keep(peer, false);
    await clock.advance(5 * LINK.idleMs);
    expect(use.rested).toBe(0);
    idle.keep(peer, true);
    use.inUse = false;
    await clock.advance(5 * LINK.idleMs);
    expect(use.rested).toBe(0);
    idle.close();
  });
});

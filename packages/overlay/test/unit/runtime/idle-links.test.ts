/** Links that no topology wants are closed by agreement, once nothing uses them, and not while something is about to. */
import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { LINK } from "../../../src/limits.js";
import { IdleLinks } from "../../../src/runtime/idle-links.js";
import type { Peer } from "../../../src/runtime/peer.js";

function scene() {
  const clock = virtualClock();
  const counters = { connections: 0, messagesIn: 0, messagesOut: 0 };
  const use = { inUse: false, rested: 0, ended: 0, said: [] as boolean[] };
  const link = {
    counters,
    isHeldBack: false,
    holdBack: (isHeld: boolean) => {
      link.isHeldBack = isHeld;
    },
    disconnect: () => {
      use.ended += 1;
      link.isHeldBack = false;
    },
  };
  const peer = {
    gone: false,
    coordination: { isUp: true },
    links: () => [link],
  } as unknown as Peer;
  const idle = new IdleLinks(clock, {
    isInUse: () => use.inUse,
    say: (_, mayRest) => use.said.push(mayRest),
    rest: () => {
      use.rested += 1;
    },
  });
  /** Whoever said something since this was last asked, and what. */
  const said = () => use.said.splice(0);
  return { clock, counters, use, link, peer, idle, said };
}

/** One that has asked just now. */
async function asking() {
  const asked = scene();
  asked.idle.keep(asked.peer, false);
  await asked.clock.advance(LINK.unusedMs);
  expect(asked.said()).toEqual([true]);
  return asked;
}

describe("links that nobody wants", () => {
  test("are asked for soon when they were never used, and nothing is written from then on", async () => {
    const { clock, use, link, peer, idle, said } = scene();
    idle.keep(peer, false);
    await clock.advance(LINK.unusedMs - 1);
    expect(said()).toEqual([]);
    expect(link.isHeldBack).toBe(false);
    await clock.advance(1);
    expect(said()).toEqual([true]);
    expect(link.isHeldBack).toBe(true);
    expect(use.rested).toBe(0);
    idle.close();
  });

  test("stay for a while after a channel was opened on them: its first message is still under way", async () => {
    const { clock, counters, peer, idle, said } = scene();
    idle.keep(peer, false);
    await clock.advance(LINK.unusedMs - 1);
    counters.connections += 1;
    await clock.advance(LINK.idleMs);
    expect(said()).toEqual([]);
    await clock.advance(1);
    expect(said()).toEqual([true]);
    idle.close();
  });

  test("stay while something waits for the peer, and when a side wants them again", async () => {
    const { clock, use, peer, idle, said } = scene();
    use.inUse = true;
    idle.keep(peer, false);
    await clock.advance(5 * LINK.idleMs);
    expect(said()).toEqual([]);
    idle.keep(peer, true);
    use.inUse = false;
    await clock.advance(5 * LINK.idleMs);
    expect(said()).toEqual([]);
    idle.close();
  });
});

describe("who is asked whether links may be closed", () => {
  test("closes them when they are idle there too", async () => {
    const { clock, use, peer, idle, said } = scene();
    idle.keep(peer, false);
    await clock.advance(LINK.idleCheckMs);
    idle.received(peer, true);
    expect(use.rested).toBe(1);
    expect(said()).toEqual([]);
    idle.close();
  });

  test("says no while it wants or uses them, or has done so a moment ago", async () => {
    const { clock, counters, use, peer, idle, said } = scene();
    idle.received(peer, true);
    expect(said()).toEqual([false]);
    idle.keep(peer, false);
    idle.received(peer, true);
    expect(said()).toEqual([false]);
    await clock.advance(LINK.idleCheckMs);
    counters.messagesOut += 1;
    idle.received(peer, true);
    expect(said()).toEqual([false]);
    await clock.advance(LINK.idleCheckMs);
    idle.received(peer, true);
    expect(said()).toEqual([false]);
    await clock.advance(LINK.idleCheckMs);
    use.inUse = true;
    idle.received(peer, true);
    expect(said()).toEqual([false]);
    expect(use.rested).toBe(0);
    idle.close();
  });

  test("closes them at once where it has asked as well: neither writes anything", async () => {
    const { use, peer, idle, said } = await asking();
    idle.received(peer, true);
    expect(use.rested).toBe(1);
    expect(said()).toEqual([]);
    idle.close();
  });

  test("says no where it has asked as well, and something has come up since", async () => {
    const { use, peer, idle, said } = await asking();
    use.inUse = true;
    idle.received(peer, true);
    expect(said()).toEqual([false]);
    expect(use.rested).toBe(0);
    idle.close();
  });
});

describe("who has asked whether links may be closed", () => {
  test("goes on when the answer is no, and asks again only when they were idle as long again", async () => {
    const { clock, link, peer, idle, said } = await asking();
    idle.received(peer, false);
    expect(link.isHeldBack).toBe(false);
    await clock.advance(LINK.unusedMs - 1);
    expect(said()).toEqual([]);
    await clock.advance(1);
    expect(said()).toEqual([true]);
    idle.close();
  });

  test("closes them alone when there is no answer", async () => {
    const { clock, use, idle } = await asking();
    await clock.advance(LINK.restAnswerMs - 1);
    expect(use.rested).toBe(0);
    await clock.advance(1);
    expect(use.rested).toBe(1);
    idle.close();
  });

  test("goes on when the link breaks meanwhile", async () => {
    const { link, peer, idle } = await asking();
    idle.linkDown(peer, false);
    expect(link.isHeldBack).toBe(false);
    idle.close();
  });

  test("writes nothing over what the other side has closed, and ends what does not end", async () => {
    const { clock, use, link, peer, idle } = await asking();
    idle.linkDown(peer, true);
    expect(link.isHeldBack).toBe(true);
    await clock.advance(LINK.restAnswerMs);
    expect({ ended: use.ended, rested: use.rested }).toEqual({ ended: 1, rested: 0 });
    idle.close();
  });
});

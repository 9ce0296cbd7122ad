/** Looks at members without a link: few at rest, and as many as it takes once many are gone. */
import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { Dials } from "../../../../src/protocol/membership/dials.js";
import {
  membershipLimits as limits,
  membershipTimes,
} from "../../../../src/protocol/membership/limits.js";
import type { Peer } from "../../../../src/protocol/membership/peer.js";
import { MembershipState } from "../../../../src/protocol/membership/state.js";
import { Strays } from "../../../../src/protocol/membership/strays.js";
import { bootOf, entryOf, idOf } from "../../../support/membership-entries.js";

/** Node 1, which knows so many others and has no link to them. */
function scene(others: number, seed: number | string = 1) {
  const state = new MembershipState(
    entryOf(1),
    seededRandom(seed),
    () => undefined,
    membershipTimes,
  );
  state.isPartial = true;
  const peers = Array.from({ length: others }, (_, i) => {
    state.directory.merge(entryOf(i + 2), 0);
    const peer = state.peer(idOf(i + 2), 0);
    state.directoryChanged(peer, 0);
    return peer;
  });
  const dials = new Dials(state);
  const strays = new Strays(state, dials);
  /** Whom it dialled since this was last asked. */
  const dialled = (): Peer[] =>
    state.out.take().flatMap((effect) => {
      const id = effect.type === "connect" ? effect.target.id : undefined;
      return id === undefined ? [] : [state.peers.get(id) as Peer];
    });
  /** A dial failed, and nobody else reached the peer. */
  const fail = (peer: Peer): void => {
    dials.giveUp(peer.id);
    peer.suspicion = { since: 0, confirmers: new Set([idOf(1)]), notBefore: 0, graced: false };
    strays.accused(peer);
  };
  const answer = (peer: Peer): void => {
    state.lists.link(peer, bootOf(1), 0);
    strays.answered(peer);
  };
  return { state, peers, strays, dialled, fail, answer };
}

describe("strays", () => {
  test("are looked at by the timer only as long as they answer, four of the cluster each time", () => {
    const { state, strays, dialled, answer } = scene(100);
    let looks = 0;
    for (let i = 0; i < 1_000; i += 1) {
      strays.onTimer();
      for (const peer of dialled()) {
        looks += 1;
        answer(peer);
        // Nobody wants the link: it is closed again.
        state.lists.unlink(peer, true);
      }
      expect(dialled()).toEqual([]);
    }
    expect(looks).toBeGreaterThan(25);
    expect(looks).toBeLessThan(60);
  });

  test("are not looked at where everybody has a link to everybody", () => {
    const { state, strays, dialled, peers } = scene(20);
    state.isPartial = false;
    for (let i = 0; i < 100; i += 1) strays.onTimer();
    strays.accused(peers[0] as Peer);
    expect(dialled()).toEqual([]);
  });

  test("are looked at once by who accuses a neighbour, and no more when that one answers", () => {
    const { dialled, fail, answer, peers } = scene(50);
    fail(peers[0] as Peer);
    const [stray, ...more] = dialled();
    expect(more).toEqual([]);
    answer(stray as Peer);
    expect(dialled()).toEqual([]);
  });

  test("are all found when none is there, a few at once, each asked once", () => {
    const { dialled, fail, peers } = scene(40);
    fail(peers[0] as Peer);
    const looked = new Set<Peer>(peers.slice(0, 1));
    for (let next = dialled(); next.length > 0; next = dialled()) {
      expect(next.length).toBeLessThanOrEqual(limits.straysAtOnceMax);
      for (const peer of next) {
        expect(looked.has(peer)).toBe(false);
        looked.add(peer);
      }
      for (const peer of next) fail(peer);
    }
    expect(looked.size).toBe(peers.length);
  });

  test("are looked at until some in a row answer", () => {
    const { dialled, fail, answer, peers } = scene(60);
    fail(peers[0] as Peer);
    fail(dialled()[0] as Peer);
    let answered = 0;
    for (let next = dialled(); next.length > 0; next = dialled()) {
      for (const peer of next) answer(peer);
      answered += next.length;
    }
    expect(answered).toBe(limits.straysAfterMiss);
  });

  test("that others accuse are looked at too, until enough of them do", () => {
    const { dialled, fail, peers } = scene(3);
    const [neighbour, doubted, condemned] = peers as [Peer, Peer, Peer];
    const confirmers = new Set([idOf(7)]);
    doubted.suspicion = { since: 0, confirmers, notBefore: 0, graced: false };
    const enough = new Set([idOf(7), idOf(8), idOf(9)]);
    condemned.suspicion = { since: 0, confirmers: enough, notBefore: 0, graced: false };
    fail(neighbour);
    expect(dialled()).toEqual([doubted]);
  });
});

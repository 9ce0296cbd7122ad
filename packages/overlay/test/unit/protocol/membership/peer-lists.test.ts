/** PeerLists: the groups of peers stay what they say whatever happens to a peer, in whatever order. */
import { createBoot, createNodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { describe, expect, test } from "@jest/globals";
import { firstFrom, PeerLists } from "../../../../src/protocol/membership/peer-lists.js";
import { Peer } from "../../../../src/protocol/membership/peer.js";

const random = seededRandom("peer lists");
const boot = createBoot(1, random);

function somePeers(count: number): readonly Peer[] {
  return Array.from({ length: count }, () => new Peer(createNodeId(random), 0));
}

function byId(peers: Iterable<Peer>): readonly Peer[] {
  return [...peers].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function idsOf(peers: readonly Peer[]): readonly string[] {
  return peers.map(({ id }) => id);
}

describe("PeerLists", () => {
  test("hold the same as walking through all peers does, after any changes", () => {
    const lists = new PeerLists();
    const peers = somePeers(30);
    const live = new Set<Peer>();
    for (let step = 0; step < 1_000; step += 1) {
      const peer = peers[Math.floor(random.next() * peers.length)] as Peer;
      const what = random.next();
      if (what < 0.4) {
        const isLive = random.next() < 0.6;
        lists.setLive(peer, isLive);
        if (isLive) live.add(peer);
        else live.delete(peer);
      } else if (what < 0.7) lists.link(peer, boot, step);
      else lists.unlink(peer);
      const sorted = byId(live);
      expect(idsOf(lists.live)).toEqual(idsOf(sorted));
      expect(idsOf(lists.missing)).toEqual(idsOf(sorted.filter(({ link }) => !link)));
      const linked = byId(peers).filter(({ link }) => link);
      expect(idsOf(byId(lists.linked))).toEqual(idsOf(linked));
      expect(lists.linked.map(({ linkedAt }) => linkedAt)).toEqual([...lists.linked.keys()]);
    }
  });

  test("a link ends what was open about a missing one, and its end opens it again", () => {
    const lists = new PeerLists();
    const [peer] = somePeers(1) as [Peer];
    lists.setLive(peer, true);
    lists.refused.add(peer);
    lists.dialling.add(peer);
    lists.link(peer, boot, 1);
    expect([lists.missing.length, lists.refused.size, lists.dialling.size]).toEqual([0, 0, 0]);
    lists.unlink(peer);
    expect([...lists.broken]).toEqual([peer]);
    expect(lists.missing).toEqual([peer]);
    lists.link(peer, boot, 2);
    expect(lists.broken.size).toBe(0);
  });

  test("nothing is left of a peer that was let go", () => {
    const lists = new PeerLists();
    const [peer] = somePeers(1) as [Peer];
    const groups = [lists.suspects, lists.refused, lists.dialling, lists.broken, lists.ending];
    for (const group of groups) group.add(peer);
    lists.letGo(peer);
    expect(groups.map(({ size }) => size)).toEqual([0, 0, 0, 0, 0]);
  });

  test("the first from an id on is found at both ends and between two", () => {
    const peers = byId(somePeers(5));
    peers.forEach((peer, at) => expect(firstFrom(peers, peer.id)).toBe(at));
    expect(firstFrom(peers, `${(peers[2] as Peer).id}0` as Peer["id"])).toBe(3);
    expect(firstFrom([], (peers[0] as Peer).id)).toBe(0);
  });
});

/** What every pair of members has to tell each other, while a cluster forms: on the links that the mesh opens anyway. */
import { seededRandom, virtualClock } from "@foundation/core/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import type { Overlay } from "../../../src/index.js";
import { ChannelOpener } from "../../../src/runtime/channel-opener.js";
import type { Link } from "../../../src/runtime/link.js";
import type { World } from "../../../src/runtime/world.js";
import { membershipTimes as times } from "../../../src/protocol/membership/limits.js";
import { VirtualOverlays } from "../../support/virtual-overlays.js";

const NODES = 12;
/** A few round trips, and much less than the mesh waits before it is filled. */
const SOON_MS = times.settleMs / 4;

let world: VirtualOverlays;
beforeEach(() => {
  world = new VirtualOverlays();
});
afterEach(() => world.close());

/** Greets each member on a channel, as soon as it is one; answers who was greeted by whom. */
function greetEverybody(node: Overlay, channel: string, heard: Map<Overlay, string[]>): void {
  heard.set(node, []);
  node.messenger.handle("hello", ({ from }) => void heard.get(node)?.push(from));
  const greet = (id: NodeId) => {
    if (id !== node.self.id) node.messenger.trySend({ to: id, channel, subject: "hello" }, "hello");
  };
  for (const { id } of node.membership.members()) greet(id);
  node.membership.subscribe(({ type, node: { id } }) => {
    if (type === "node-up") greet(id);
  });
}

/** Until all list all. */
async function joinAtOnce(channel: string, heard: Map<Overlay, string[]>): Promise<void> {
  const first = await world.start("a");
  greetEverybody(first, channel, heard);
  for (let i = 1; i < NODES; i += 1) {
    const node = await world.start(String.fromCharCode(97 + i), { peers: [first.address] });
    greetEverybody(node, channel, heard);
  }
  for (let step = 0; world.nodes.some(listsTooFew); step += 1) {
    if (step > 5_000) throw new Error("the cluster did not form");
    await world.clock.advance(1);
  }
}

const listsTooFew = ({ membership }: Overlay) => membership.members().length < NODES;
const linksOf = () => world.nodes.reduce((sum, node) => sum + node.observe().links, 0) / NODES;

describe("messages between all pairs of a forming cluster", () => {
  test("on the channel state wait for the mesh, and all arrive once", async () => {
    const heard = new Map<Overlay, string[]>();
    await joinAtOnce("state", heard);
    await world.clock.advance(SOON_MS);
    expect(linksOf()).toBeLessThan(NODES / 2);
    await world.clock.advance(2 * times.dialPatienceMs);
    for (const node of world.nodes) {
      const others = world.nodes.filter((other) => other !== node).map(({ self }) => self.id);
      expect([...(heard.get(node) ?? [])].sort()).toEqual(others.sort());
    }
  });

  test("on any other channel open their links at once", async () => {
    await joinAtOnce("events", new Map());
    await world.clock.advance(SOON_MS);
    expect(linksOf()).toBe(NODES - 1);
  });

  test("on the channel state open a link at once to one who joins alone", async () => {
    await joinAtOnce("state", new Map());
    await world.clock.advance(2 * times.dialPatienceMs);
    const [first] = world.nodes as [Overlay];
    const late = await world.start("late", { peers: [first.address] });
    const heard: string[] = [];
    late.messenger.handle("hello", ({ from }) => void heard.push(from));
    await world.clock.advance(times.newsGapMs + SOON_MS);
    expect(heard).toHaveLength(NODES);
  });
});

test.each([[1e-12], [0.999], [0]])("%f ms that are left of the wait are none", (leftMs) => {
  const clock = virtualClock();
  const random = seededRandom("open");
  const wanted: unknown[] = [];
  const opener = new ChannelOpener(
    { clock, random, preset: { openTimeoutMs: 1_000 } } as unknown as World,
    undefined as never,
    { comesWithinMs: () => leftMs, want: (peer) => void wanted.push(peer) },
  );
  const peer = { coordination: undefined };
  opener.want({ isUp: false, isClosed: false, peer, settings: { isPatient: true } } as Link);
  expect(wanted).toEqual([peer]);
});

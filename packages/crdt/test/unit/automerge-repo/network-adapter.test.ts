import { describe, expect, test } from "@jest/globals";
import type { Message, PeerId, PeerMetadata } from "@automerge/automerge-repo/slim";
import { memoryCluster, memoryRuntime, virtualClock } from "@foundation/core/testing";
import type { MemoryClusterNode } from "@foundation/core/testing";
import { ClusterNetworkAdapter } from "../../../src/automerge-repo/network-adapter.js";
import { adapterLimits } from "../../../src/automerge-repo/limits.js";

const SUBJECT = "automerge-repo.default";

function world() {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, nodes: ["a", "b", "c"], detectionMs: 10 });
  const adapterOn = (
    { messenger, membership, name }: MemoryClusterNode,
    repository = "default",
  ) => {
    const runtime = memoryRuntime({ clock, seed: name });
    const adapter = new ClusterNetworkAdapter({ messenger, membership, runtime, name: repository });
    const events: string[] = [];
    adapter.on("peer-candidate", ({ peerId }) => events.push(`+${peerId}`));
    adapter.on("peer-disconnected", ({ peerId }) => events.push(`-${peerId}`));
    adapter.on("message", ({ senderId, data }) => events.push(`${senderId}:${data?.[0]}`));
    return { adapter, events };
  };
  return { clock, cluster, adapterOn };
}

const message = (senderId: string, targetId: string, byte: number) =>
  ({ type: "sync", senderId, targetId, data: Uint8Array.of(byte) }) as unknown as Message;
const open = (adapter: ClusterNetworkAdapter, peerId: string, metadata: PeerMetadata = {}) =>
  adapter.connect(peerId as PeerId, metadata);

describe("automerge-repo over a cluster", () => {
  test("repositories of one name meet, whichever opens first, and others do not", async () => {
    const { clock, cluster, adapterOn } = world();
    const a = adapterOn(cluster.node("a"));
    const b = adapterOn(cluster.node("b"));
    const other = adapterOn(cluster.node("c"), "other");
    open(a.adapter, "alice");
    open(other.adapter, "carol");
    await clock.run(a.adapter.whenReady());
    expect(a.events).toEqual([]);
    open(b.adapter, "bob");
    await clock.run(b.adapter.whenReady());
    expect([a.events, b.events, other.events]).toEqual([["+bob"], ["+alice"], []]);
  });

  test("messages arrive in order, with their bytes", async () => {
    const { clock, cluster, adapterOn } = world();
    const [a, b] = [adapterOn(cluster.node("a")), adapterOn(cluster.node("b"))];
    open(a.adapter, "alice");
    open(b.adapter, "bob");
    await clock.advance(100);
    for (let byte = 0; byte < 5; byte += 1) a.adapter.send(message("alice", "bob", byte));
    await clock.advance(100);
    expect(b.events).toEqual(["+alice", ..."01234".split("").map((byte) => `alice:${byte}`)]);
  });

  test("a message in another's name is dropped, and so is one before the hello", async () => {
    const { clock, cluster, adapterOn } = world();
    const b = adapterOn(cluster.node("b"));
    open(b.adapter, "bob");
    await clock.advance(100);
    const route = { to: cluster.node("b").id, channel: "data", subject: `${SUBJECT}.message` };
    const { messenger } = cluster.node("c");
    await clock.run(messenger.send(route, message("carol", "bob", 1)));
    const c = adapterOn(cluster.node("c"));
    open(c.adapter, "carol");
    await clock.advance(100);
    await clock.run(messenger.send(route, message("alice", "bob", 2)));
    await clock.run(messenger.send(route, "garbage"));
    await clock.advance(100);
    expect(b.events).toEqual(["+carol"]);
  });

  test("a node that dies takes its peer along, and one that starts again brings a new one", async () => {
    const { clock, cluster, adapterOn } = world();
    const [a, b] = [adapterOn(cluster.node("a")), adapterOn(cluster.node("b"))];
    open(a.adapter, "alice");
    open(b.adapter, "bob");
    await clock.advance(100);
    cluster.down("b");
    await clock.advance(100);
    expect(a.events).toEqual(["+bob", "-bob"]);
    a.adapter.send(message("alice", "bob", 1));
    const again = adapterOn(cluster.restart("b"));
    open(again.adapter, "bob again");
    await clock.advance(100);
    expect(a.events).toEqual(["+bob", "-bob", "+bob again"]);
    expect(again.events).toEqual(["+alice"]);
  });

  test("after a partition both begin anew", async () => {
    const { clock, cluster, adapterOn } = world();
    const [a, b] = [adapterOn(cluster.node("a")), adapterOn(cluster.node("b"))];
    open(a.adapter, "alice");
    open(b.adapter, "bob");
    await clock.advance(100);
    cluster.partition(["a"], ["b"]);
    await clock.advance(100);
    cluster.heal();
    await clock.advance(5_000);
    expect(a.events).toEqual(["+bob", "-bob", "+bob"]);
    expect(b.events).toEqual(["+alice", "-alice", "+alice"]);
  });

  test("who runs over with what waits is dropped and greeted anew: nothing is lost in silence", async () => {
    const { clock, cluster, adapterOn } = world();
    const [a, b] = [adapterOn(cluster.node("a")), adapterOn(cluster.node("b"))];
    open(a.adapter, "alice");
    open(b.adapter, "bob");
    await clock.advance(100);
    for (let sent = 0; sent <= adapterLimits.waitingMax; sent += 1) {
      a.adapter.send(message("alice", "bob", 7));
    }
    expect(a.events).toEqual(["+bob", "-bob"]);
    await clock.advance(5_000);
    expect(a.events).toEqual(["+bob", "-bob", "+bob"]);
    expect(b.events.filter((event) => !event.startsWith("alice:"))).toEqual([
      "+alice",
      "-alice",
      "+alice",
    ]);
  });

  test("a disconnected one says goodbye, sends nothing, and may connect again under another name", async () => {
    const { clock, cluster, adapterOn } = world();
    const [a, b] = [adapterOn(cluster.node("a")), adapterOn(cluster.node("b"))];
    open(a.adapter, "alice");
    open(b.adapter, "bob");
    await clock.advance(100);
    a.adapter.disconnect();
    a.adapter.disconnect();
    a.adapter.send(message("alice", "bob", 1));
    await clock.advance(100);
    expect(b.events).toEqual(["+alice", "-alice"]);
    open(a.adapter, "anna");
    await clock.advance(100);
    expect(b.events).toEqual(["+alice", "-alice", "+anna"]);
  });

  test("a name that is none is refused", () => {
    const { messenger, membership } = world().cluster.node("a");
    for (const name of ["", "a b", "x".repeat(65)]) {
      expect(() => new ClusterNetworkAdapter({ messenger, membership, name })).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    }
  });
});

import { describe, expect, test } from "@jest/globals";
import type { MembershipEvent } from "../../../src/ports/index.js";
import { memoryCluster, virtualClock, type MemoryClusterNode } from "../../../src/testing/index.js";

const to = (node: MemoryClusterNode, subject = "s") => ({ to: node.id, channel: "data", subject });

function eventsOf(node: MemoryClusterNode): string[] {
  const events: string[] = [];
  node.membership.subscribe((event: MembershipEvent) =>
    events.push(`${event.type} ${event.node.name}`),
  );
  return events;
}

describe("memoryCluster", () => {
  test("every node lists every node, ordered by id", () => {
    const { nodes } = memoryCluster({ clock: virtualClock(), nodes: 5 });
    const lists = nodes.map(({ membership }) => membership.members().map(({ id }) => id));
    expect(new Set(lists.map(String)).size).toBe(1);
    expect(lists[0]).toEqual([...(lists[0] ?? [])].sort());
    expect(lists[0]).toHaveLength(5);
  });

  test("node-down comes after the last message of the dead node", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b"], latencyMs: 5 });
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    const log = eventsOf(b);
    b.messenger.handle("s", ({ payload }) => log.push(String(payload)));
    for (let i = 0; i < 3; i++) a.messenger.trySend(to(b), i);
    cluster.down("a");
    await clock.advance(100);
    expect(log).toEqual(["0", "1", "2", "node-down a"]);
    expect(b.membership.members()).toHaveLength(1);
  });

  test("requests to a node that dies end with an unknown outcome, later ones are unreachable", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b"] });
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    b.messenger.handle("s", () => new Promise(() => {}));
    const waiting = a.messenger.request(to(b), 1);
    await clock.advance(5);
    cluster.down(b);
    await expect(clock.run(waiting)).rejects.toMatchObject({
      code: "ERR_OUTCOME_UNKNOWN",
      details: { reason: "connection-lost" },
    });
    await expect(a.messenger.request(to(b), 1)).rejects.toMatchObject({
      code: "ERR_NODE_UNREACHABLE",
    });
    expect(a.messenger.trySend(to(b), 1)).toBe("unreachable");
  });

  test("a restart ends the old boot first and comes up with a newer one", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b"] });
    const before = cluster.node("b").boot;
    const events = eventsOf(cluster.node("a"));
    const again = cluster.restart("b");
    await clock.advance(10);
    expect(events).toEqual(["node-down b", "node-up b"]);
    expect(again.boot > before).toBe(true);
    expect(cluster.node("a").membership.member(again.id)?.boot).toBe(again.boot);
    expect(again.membership.members()).toHaveLength(2);
  });

  test("a partition loses messages and members, a heal brings the same boots back", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b", "c"], detectionMs: 50 });
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    const received: unknown[] = [];
    b.messenger.handle("s", ({ payload }) => void received.push(payload));
    const events = eventsOf(a);
    cluster.partition(["a"]);
    a.messenger.trySend(to(b), "lost");
    await clock.advance(100);
    expect(events.toSorted()).toEqual(["node-down b", "node-down c"]);
    expect(
      b.membership
        .members()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(["b", "c"]);
    cluster.heal();
    await clock.advance(10);
    expect(events.slice(2).toSorted()).toEqual(["node-up b", "node-up c"]);
    a.messenger.trySend(to(b), "arrives");
    await clock.advance(10);
    expect(received).toEqual(["arrives"]);
  });

  test("leaving is told after the last message, and the boot never comes back", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b"] });
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    const log = eventsOf(b);
    b.messenger.handle("s", ({ payload }) => log.push(String(payload)));
    a.messenger.trySend(to(b), "bye");
    cluster.leave("a");
    cluster.heal();
    await clock.advance(10);
    expect(log).toEqual(["bye", "node-left a"]);
  });

  test("what a handler throws reaches the caller, and a cancelled request tells the handler", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b"] });
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    b.messenger.handle("throws", () => {
      throw new TypeError("oops");
    });
    const failing = a.messenger.request(to(b, "throws"), 1);
    await expect(clock.run(failing)).rejects.toMatchObject({ code: "ERR_HANDLER_FAILED" });
    const missing = a.messenger.request(to(b, "nobody"), 1);
    await expect(clock.run(missing)).rejects.toMatchObject({ code: "ERR_UNKNOWN_SUBJECT" });

    let cancelled = false;
    b.messenger.handle("slow", ({ signal }) => {
      signal.addEventListener("abort", () => {
        cancelled = true;
      });
      return new Promise(() => {});
    });
    const slow = a.messenger.request(to(b, "slow"), 1, { timeoutMs: 20 });
    await expect(clock.run(slow)).rejects.toMatchObject({
      code: "ERR_OUTCOME_UNKNOWN",
      details: { reason: "deadline-exceeded" },
    });
    await clock.advance(5);
    expect(cancelled).toBe(true);
  });

  test("a full way refuses trySend, holds up send, and times a waiting request out unsent", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b"], latencyMs: 50, queueBytesMax: 100 });
    const [a, b] = [cluster.node("a"), cluster.node("b")];
    const bytes = new Uint8Array(80);
    expect(a.messenger.trySend(to(b), bytes)).toBe("accepted");
    expect(a.messenger.trySend(to(b), bytes)).toBe("full");
    const late = a.messenger.request(to(b), bytes, { timeoutMs: 10 });
    await expect(clock.run(late)).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    let sent = false;
    const sending = a.messenger.send(to(b), bytes).then(() => {
      sent = true;
    });
    await clock.advance(10);
    expect(sent).toBe(false);
    await clock.run(sending);
    expect(clock.now()).toBe(50);
  });
});

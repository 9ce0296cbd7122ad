import { describe, expect, test } from "@jest/globals";
import { memoryCluster, memoryPubSub, memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createPubSub, defineTopic, type PubSub, type StandardSchema } from "../../../src/index.js";
import type { Subscription, TopicMessage } from "../../../src/index.js";

interface Order {
  readonly id: string;
  readonly cents: number;
}

const orderPlaced = defineTopic<Order>("orders.placed");

function worldOf(nodes: number, options: { queueBytesMax?: number; detectionMs?: number } = {}) {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, nodes, ...options });
  const open = (i: number) => {
    const { messenger, membership, broadcast, name } = cluster.node(i);
    const runtime = memoryRuntime({ clock, seed: name });
    return { pubsub: createPubSub({ messenger, membership, broadcast, runtime }), runtime };
  };
  const made = cluster.nodes.map((_, i) => open(i));
  const node = (i: number) => made[i]?.pubsub as PubSub;
  const delivered = () => cluster.sent.get("pubsub.deliver") ?? 0;
  return { clock, cluster, open, node, runtime: (i: number) => made[i]?.runtime, delivered };
}

function collect<T>(subscription: Subscription<T>): TopicMessage<T>[] {
  const messages: TopicMessage<T>[] = [];
  void (async () => {
    for await (const message of subscription) messages.push(message);
  })();
  return messages;
}

describe("publish and subscribe", () => {
  test("a typed message reaches subscribers on every node, with its sender and topic", async () => {
    const { clock, cluster, node } = worldOf(3);
    const inboxes = [0, 1, 2].map((i) => {
      const subscription = node(i).subscribe(orderPlaced);
      return { subscription, messages: collect(subscription) };
    });
    await clock.run(Promise.all(inboxes.map(({ subscription }) => subscription.ready())));
    node(1).publish(orderPlaced, { id: "o-1", cents: 1299 });
    await clock.advance(10);
    const from = cluster.node(1).id;
    for (const { messages } of inboxes) {
      expect(messages).toEqual([
        { topic: "orders.placed", from, data: { id: "o-1", cents: 1299 } },
      ]);
    }
  });

  test("a message goes over the wire only to nodes with a matching subscriber, once each", async () => {
    const { clock, node, delivered } = worldOf(6);
    await clock.advance(100);
    const a = [node(2).subscribe("orders.*"), node(2).subscribe("orders.placed")];
    const b = node(4).subscribe("orders.>");
    node(5).subscribe("payments.*");
    await clock.run(Promise.all([...a, b].map((each) => each.ready())));
    node(0).publish("orders.placed", 1);
    await clock.advance(10);
    expect(delivered()).toBe(2);
    node(0).publish("nobody.cares", 1);
    await clock.advance(10);
    expect(delivered()).toBe(2);
    await Promise.all(a.map((each) => each.close()));
    await clock.advance(10);
    node(0).publish("orders.placed", 2);
    await clock.advance(10);
    expect(delivered()).toBe(3);
  });

  test("messages of one publisher on one topic arrive in order", async () => {
    const { clock, node } = worldOf(2);
    const subscription = node(1).subscribe("n.*");
    const messages = collect(subscription);
    await clock.run(subscription.ready());
    for (let n = 0; n < 300; n += 1) node(0).publish("n.a", n);
    await clock.advance(10);
    expect(messages.map(({ data }) => data)).toEqual(Array.from({ length: 300 }, (_, n) => n));
  });

  test("a subscriber that does not read keeps its buffer and holds up nobody", async () => {
    const { clock, node, runtime } = worldOf(2);
    const slow = node(1).subscribe("n.a", { buffer: 10 });
    const strict = node(1).subscribe("n.a", { buffer: 10, overflow: "error" });
    const quick = node(1).subscribe("n.a");
    const messages = collect(quick);
    await clock.run(Promise.all([slow.ready(), quick.ready()]));
    for (let n = 0; n < 900; n += 1) node(0).publish("n.a", n);
    await clock.advance(10);
    expect(messages).toHaveLength(900);
    expect(slow.dropped).toBe(890);
    const first = await slow[Symbol.asyncIterator]().next();
    expect((first.value as TopicMessage<unknown>).data).toBe(890);
    const rest: unknown[] = [];
    const reading = (async () => {
      for await (const { data } of strict) rest.push(data);
    })();
    await expect(reading).rejects.toMatchObject({ code: "ERR_QUEUE_FULL" });
    expect(rest).toHaveLength(10);
    expect(node(1).info()).toMatchObject({ subscriptions: 2, dropped: 890 });
    expect(runtime(1)?.meter.snapshot().get("pubsub_dropped_total")).toBe(890);
  });

  test("what a schema refuses is dropped, counted, and logged once a topic", async () => {
    const schema: StandardSchema<Order> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) =>
          typeof (value as Partial<Order> | null)?.cents === "number"
            ? { value: value as Order }
            : { issues: [{ message: "cents must be a number" }] },
      },
    };
    const checked = defineTopic("orders.placed", schema);
    const { clock, node, runtime } = worldOf(2);
    const subscription = node(1).subscribe(checked);
    const messages = collect(subscription);
    await clock.run(subscription.ready());
    for (let n = 0; n < 5; n += 1) node(0).publish("orders.placed", { id: "x", cents: "many" });
    node(0).publish(checked, { id: "o-1", cents: 1 });
    await clock.advance(10);
    expect(messages.map(({ data }) => data.id)).toEqual(["o-1"]);
    expect(node(1).info().invalid).toBe(5);
    const warnings = runtime(1)?.logger.lines.filter(({ level }) => level === "warn");
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).toContain("cents must be a number");
  });

  test("a schema that throws or is asynchronous drops the message and nothing else", async () => {
    const { clock, node } = worldOf(1);
    const broken = (validate: StandardSchema<number>["~standard"]["validate"]) =>
      defineTopic<number>("t", { "~standard": { version: 1, vendor: "test", validate } });
    node(0).subscribe(
      broken(() => {
        throw new Error("mine");
      }),
    );
    node(0).subscribe(broken((value) => Promise.resolve({ value: value as number })));
    const messages = collect(node(0).subscribe("t"));
    node(0).publish("t", 1);
    await clock.advance(10);
    expect(messages).toHaveLength(1);
    expect(node(0).info().invalid).toBe(2);
  });

  test("a member whose interest is not known yet misses nothing", async () => {
    const { clock, cluster, open, node } = worldOf(2);
    await clock.advance(60_000);
    cluster.add();
    const { pubsub } = open(2);
    const messages = collect(pubsub.subscribe("news.a"));
    for (let tries = 0; node(0).info().published < 20 && tries < 20; tries += 1) {
      node(0).publish("news.a", tries);
      await clock.advance(1);
    }
    const [first] = messages.map(({ data }) => data as number);
    expect(first).toBeLessThanOrEqual(1);
    expect(messages).toHaveLength(20 - (first ?? 0));
  });

  test("a member that never says what it wants is sent everything for ten seconds, then nothing", async () => {
    const { clock, cluster, node, delivered } = worldOf(2);
    await clock.advance(60_000);
    const silent = cluster.add();
    await clock.advance(10);
    const sentAt = async (ms: number) => {
      await clock.advance(ms);
      const before = delivered();
      for (let n = 0; n < 5; n += 1) node(0).publish("news.a", n);
      return delivered() - before;
    };
    expect(await sentAt(0)).toBe(5);
    expect(await sentAt(9_900)).toBe(5);
    expect(await sentAt(100)).toBe(0);
    cluster.suspect(silent);
    cluster.well(silent);
    expect(await sentAt(10)).toBe(0);
    cluster.restart(silent);
    expect(await sentAt(10)).toBe(5);
    expect(await sentAt(10_000)).toBe(0);
  });

  test("after a node dies nothing is sent to it, and after a partition both sides hear again", async () => {
    const { clock, cluster, node, delivered } = worldOf(3, { detectionMs: 50 });
    const subscriptions = [1, 2].map((i) => node(i).subscribe("news.a"));
    const messages = subscriptions.map(collect);
    await clock.run(Promise.all(subscriptions.map((each) => each.ready())));
    cluster.partition([2]);
    await clock.advance(100);
    const before = delivered();
    node(0).publish("news.a", "while cut");
    await clock.advance(10);
    expect(delivered() - before).toBe(1);
    cluster.heal();
    await clock.advance(100);
    node(0).publish("news.a", "healed");
    await clock.advance(10);
    expect(messages.map((inbox) => inbox.map(({ data }) => data))).toEqual([
      ["while cut", "healed"],
      ["healed"],
    ]);
  });

  test("a full link loses messages for its node only, and says so", async () => {
    const { clock, node, runtime } = worldOf(3, { queueBytesMax: 4_096 });
    const subscriptions = [0, 1].map((i) => node(i).subscribe("news.a", { buffer: 10_000 }));
    const messages = subscriptions.map(collect);
    await clock.run(Promise.all(subscriptions.map((each) => each.ready())));
    for (let n = 0; n < 1_000; n += 1) node(0).publish("news.a", "x".repeat(50));
    await clock.advance(10);
    const lost = runtime(0)?.meter.snapshot().get("pubsub_link_dropped_total") ?? 0;
    expect(lost).toBeGreaterThan(0);
    expect(messages[0]).toHaveLength(1_000);
    expect(messages[1]).toHaveLength(1_000 - lost);
  });

  test("the signal ends the loop and the interest", async () => {
    const { clock, node, delivered } = worldOf(2);
    await clock.advance(100);
    const abort = new AbortController();
    const subscription = node(1).subscribe("news.a", { signal: abort.signal });
    let ended = false;
    const reading = (async () => {
      for await (const { data } of subscription) expect(data).toBe(1);
      ended = true;
    })();
    await clock.run(subscription.ready());
    node(0).publish("news.a", 1);
    await clock.advance(10);
    abort.abort();
    await reading;
    await clock.advance(10);
    node(0).publish("news.a", 2);
    expect([ended, delivered(), node(1).info().subscriptions]).toEqual([true, 1, 0]);
    const late = node(1).subscribe("news.a", { signal: AbortSignal.abort() });
    await expect(clock.run(late.ready())).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("ready gives up after its time, with the caller's signal, and when the subscription ends", async () => {
    const { clock, cluster, node } = worldOf(2, { detectionMs: 600_000 });
    await clock.advance(100);
    cluster.partition([1]);
    const subscription = node(0).subscribe("news.a");
    await expect(clock.run(subscription.ready({ timeout: "2s" }))).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
    });
    const signal = AbortSignal.abort();
    await expect(clock.run(subscription.ready({ signal }))).rejects.toMatchObject({
      code: "ERR_ABORTED",
    });
    const waiting = subscription.ready();
    await subscription.close();
    await expect(clock.run(waiting)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("refuses what is no topic, no data, too many subscriptions, and use after close", async () => {
    const { clock, node } = worldOf(1);
    const code = (expected: string) => expect.objectContaining({ code: expected });
    expect(() => node(0).publish("a..b", 1)).toThrow(code("ERR_TOPIC_INVALID"));
    expect(() => node(0).publish("a.*", 1)).toThrow(code("ERR_TOPIC_INVALID"));
    expect(() => node(0).subscribe("a.>.b")).toThrow(code("ERR_TOPIC_INVALID"));
    expect(() => node(0).subscribe("a", { buffer: 0 })).toThrow(code("ERR_INVALID_ARGUMENT"));
    expect(() => node(0).publish("a", () => 1)).toThrow(code("ERR_NOT_ENCODABLE"));
    const subscription = node(0).subscribe("a");
    await node(0).close();
    await node(0).close();
    expect(await subscription[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
    expect(() => node(0).publish("a", 1)).toThrow(code("ERR_CLOSED"));
    expect(() => node(0).subscribe("a")).toThrow(code("ERR_CLOSED"));
    expect(clock.pendingTimers).toBe(0);
  });

  test("the number of subscriptions is limited", () => {
    const clock = virtualClock();
    const { messenger, membership, broadcast } = memoryCluster({ clock, nodes: 1 }).node(0);
    const runtime = memoryRuntime({ clock });
    const limits = { subscriptionsMax: 2 };
    const pubsub = createPubSub({ messenger, membership, broadcast, runtime, limits });
    pubsub.subscribe("a");
    pubsub.subscribe("a");
    expect(() => pubsub.subscribe("a")).toThrow(
      expect.objectContaining({ code: "ERR_TOO_MANY_SUBSCRIPTIONS", details: { limit: 2 } }),
    );
  });

  test("another adapter carries the same topics", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: 2 });
    const hub = memoryPubSub({ clock });
    const [a, b] = cluster.nodes.map(({ id, messenger, membership, broadcast }) => {
      const runtime = memoryRuntime({ clock });
      return createPubSub({ messenger, membership, broadcast, runtime, adapter: hub.adapter(id) });
    });
    const subscription = b?.subscribe(orderPlaced);
    if (a === undefined || subscription === undefined) throw new Error("two nodes");
    const messages = collect(subscription);
    await clock.run(subscription.ready());
    a.publish(orderPlaced, { id: "o-1", cents: 1 });
    await clock.advance(10);
    expect(messages).toHaveLength(1);
  });
});

/** Compiled only: types are part of the contract. */
export async function types(pubsub: PubSub): Promise<void> {
  for await (const { data, from, topic } of pubsub.subscribe(orderPlaced)) {
    const cents: number = data.cents;
    // @ts-expect-error the topic's data has no such field
    data.euros;
    pubsub.publish(topic, { from, cents });
  }
  for await (const { data } of pubsub.subscribe("orders.*")) {
    // @ts-expect-error a pattern's data is unknown
    data.cents;
  }
  // @ts-expect-error cents is missing
  pubsub.publish(orderPlaced, { id: "o-1" });
  // @ts-expect-error cents is a number
  pubsub.publish(orderPlaced, { id: "o-1", cents: "12" });
}

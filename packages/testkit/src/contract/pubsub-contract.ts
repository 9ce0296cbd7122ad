/**
 * pubsubContract: what every PubSubAdapter must do: every ready subscription, at most once, in order.
 */
import assert from "node:assert/strict";
import type { NodeId } from "@foundation/core";
import type { PubSubAdapter, PubSubMessage, PubSubSubscription } from "@foundation/core/ports";
import { rejectsWith, throwsWith, until, type ContractTime } from "../time.js";
import { testsWith, type ContractRunner } from "./runner.js";

export interface PubSubFixture {
  /** One for each node, of one cluster. */
  readonly nodes: readonly { readonly id: NodeId; readonly adapter: PubSubAdapter }[];
  readonly time: ContractTime;
  close(): void | Promise<void>;
}

export interface PubSubContractSetup {
  create(options: { readonly nodes: number }): PubSubFixture | Promise<PubSubFixture>;
}

/** Runs the suite against one adapter. */
export function pubsubContract(runner: ContractRunner, setup: PubSubContractSetup): void {
  const test = testsWith(runner, async () => new World(await setup.create({ nodes: 3 })));
  runner.describe("pubsub", () => {
    test("a message reaches every ready subscription on every node, the publisher's own too, once each", async (world) => {
      const inboxes = await Promise.all(
        [0, 0, 1, 2].map((node) => world.subscribe(node, "news.a")),
      );
      world.adapter(0).publish("news.a", { text: "hi" });
      await world.until("all get it", () => inboxes.every(({ messages }) => messages.length === 1));
      await world.fixture.time.pass(20);
      for (const { messages } of inboxes) {
        const from = world.fixture.nodes[0]?.id;
        assert.deepEqual(messages, [{ topic: "news.a", payload: { text: "hi" }, from }]);
      }
    });

    test("messages of one publisher on one topic arrive in order", async (world) => {
      const { messages } = await world.subscribe(1, "news.a");
      for (let i = 0; i < 500; i++) world.adapter(0).publish("news.a", i);
      await world.until("all arrive", () => messages.length === 500);
      assert.deepEqual(
        messages.map(({ payload }) => payload),
        [...Array(500).keys()],
      );
    });

    for (const { pattern, yes, no } of patterns) {
      test(`the pattern ${pattern} matches ${yes.join(", ")} and not ${no.join(", ")}`, async (world) => {
        const { messages } = await world.subscribe(1, pattern);
        const end = await world.subscribe(1, "end");
        for (const topic of [...yes, ...no]) world.adapter(0).publish(topic, topic);
        await world.until("the matching arrive", () => messages.length >= yes.length);
        world.adapter(0).publish("end", 1);
        await world.until("the end arrives", () => end.messages.length === 1);
        assert.deepEqual(messages.map(({ topic }) => topic).sort(), [...yes].sort());
      });
    }

    test("a subscription that was closed gets nothing more, and closing again does nothing", async (world) => {
      const gone = await world.subscribe(1, "news.a");
      const stays = await world.subscribe(1, "news.a");
      gone.subscription.close();
      gone.subscription.close();
      world.adapter(0).publish("news.a", 1);
      await world.until("the other gets it", () => stays.messages.length === 1);
      assert.equal(gone.messages.length, 0);
    });

    test("a closed adapter delivers nothing more; the others go on", async (world) => {
      const gone = await world.subscribe(1, "news.a");
      const stays = await world.subscribe(2, "news.a");
      await world.fixture.time.wait(world.adapter(1).close());
      await world.fixture.time.wait(world.adapter(1).close());
      world.adapter(0).publish("news.a", 1);
      await world.until("the other gets it", () => stays.messages.length === 1);
      assert.equal(gone.messages.length, 0);
    });

    test("receivers share nothing with each other or the publisher", async (world) => {
      const inboxes = await Promise.all([0, 1, 1].map((node) => world.subscribe(node, "news.a")));
      const payload = { list: [1] };
      world.adapter(0).publish("news.a", payload);
      payload.list.push(2);
      await world.until("all get it", () => inboxes.every(({ messages }) => messages.length === 1));
      for (const { messages } of inboxes) {
        const received = messages[0]?.payload as { list: number[] };
        assert.deepEqual(received, { list: [1] });
        received.list.push(3);
      }
    });

    test("waiting for readiness can be aborted", async (world) => {
      const subscription = world.adapter(1).subscribe("news.a", () => {});
      const ready = subscription.ready({ signal: AbortSignal.abort() });
      await rejectsWith(world.fixture.time, ready, "ERR_ABORTED");
      subscription.close();
    });

    test("what is not plain data is refused", async (world) => {
      throwsWith(() => world.adapter(0).publish("news.a", { run: () => 1 }), "ERR_NOT_ENCODABLE");
    });
  });
}

const patterns: readonly { pattern: string; yes: readonly string[]; no: readonly string[] }[] = [
  { pattern: "news.a", yes: ["news.a"], no: ["news", "news.b", "news.a.b"] },
  { pattern: "news.*", yes: ["news.a", "news.b"], no: ["news", "news.a.b", "old.a"] },
  { pattern: "*.a", yes: ["news.a", "old.a"], no: ["a", "news.b", "news.a.b"] },
  { pattern: "news.*.x", yes: ["news.a.x"], no: ["news.a", "news.x", "news.a.b.x"] },
  { pattern: "news.>", yes: ["news.a", "news.a.b", "news.a.b.c"], no: ["news", "old.a"] },
  { pattern: "*.>", yes: ["news.a", "news.a.b"], no: ["news"] },
];

interface Inbox {
  readonly messages: PubSubMessage[];
  readonly subscription: PubSubSubscription;
}

class World {
  constructor(readonly fixture: PubSubFixture) {}

  adapter(node: number): PubSubAdapter {
    const found = this.fixture.nodes[node];
    if (!found) throw new Error("The setup's create() gave fewer nodes than asked for");
    return found.adapter;
  }

  async subscribe(node: number, pattern: string): Promise<Inbox> {
    const messages: PubSubMessage[] = [];
    const subscription = this.adapter(node).subscribe(pattern, ({ topic, payload, from }) =>
      messages.push({ topic, payload, from }),
    );
    await this.fixture.time.wait(subscription.ready());
    return { messages, subscription };
  }

  until(what: string, condition: () => boolean): Promise<void> {
    return until(this.fixture.time, what, condition);
  }

  close(): unknown {
    return this.fixture.close();
  }
}

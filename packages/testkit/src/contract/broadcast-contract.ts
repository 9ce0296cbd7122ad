/**
 * broadcastContract: what every Broadcast must do: to all others, at most once, in order.
 */
import assert from "node:assert/strict";
import type { Broadcast, InboundMessage } from "@foundation/core/ports";
import { throwsWith, until } from "../time.js";
import { pairOf, type ClusterContractSetup } from "./cluster-fixture.js";
import { testsWith, type ContractRunner } from "./runner.js";

/** Runs the suite against one broadcast. */
export function broadcastContract(runner: ContractRunner, setup: ClusterContractSetup): void {
  const [channel] = setup.channels ?? ["data", "events"];
  const test = testsWith(runner, () => setup.create({ nodes: 3 }));
  runner.describe("broadcast", () => {
    test("reaches every other node, once each and in order, and not the sender", async ({
      nodes,
      time,
    }) => {
      const received = nodes.map(({ broadcast }) => collect(broadcast, "contract.news"));
      const [origin] = nodes;
      for (let i = 0; i < 300; i++) origin?.broadcast.publish("contract.news", { i }, { channel });
      const others = received.slice(1);
      await until(time, "all arrive", () => others.every((messages) => messages.length >= 300));
      await time.pass(20);
      assert.equal(received[0]?.length, 0);
      for (const messages of others) {
        assert.deepEqual(
          messages.map(({ payload }) => (payload as { i: number }).i),
          [...Array(300).keys()],
        );
        assert.equal(messages[0]?.from, origin?.messenger.self);
        assert.equal(messages[0]?.fromBoot, origin?.membership.self.boot);
        assert.equal(messages[0]?.subject, "contract.news");
        assert.equal(messages[0]?.channel, channel);
      }
    });

    test("every origin's messages are in its order", async ({ nodes, time }) => {
      const received = nodes.map(({ broadcast }) => collect(broadcast, "contract.news"));
      for (let i = 0; i < 100; i++) {
        for (const { broadcast } of nodes) broadcast.publish("contract.news", i, { channel });
      }
      await until(time, "all arrive", () => received.every((messages) => messages.length === 200));
      for (const messages of received) {
        for (const origin of new Set(messages.map(({ from }) => from))) {
          const own = messages.filter(({ from }) => from === origin).map(({ payload }) => payload);
          assert.deepEqual(own, [...Array(100).keys()]);
        }
      }
    });

    test("receivers share nothing with each other or the sender", async ({ nodes, time }) => {
      const received = nodes.map(({ broadcast }) => collect(broadcast, "contract.news"));
      const payload = { list: [1] };
      nodes[0]?.broadcast.publish("contract.news", payload, { channel });
      payload.list.push(2);
      await until(time, "it arrives", () => received.slice(1).every(({ length }) => length === 1));
      const [first, second] = received.slice(1).map(([message]) => message?.payload);
      (first as { list: number[] }).list.push(3);
      assert.deepEqual(second, { list: [1] });
    });

    test("subjects are apart, and a handler that ended hears nothing more", async (fixture) => {
      const [a, b] = pairOf(fixture);
      const news: InboundMessage[] = [];
      const end = b.broadcast.handle("contract.news", (message) => news.push(message));
      const other = collect(b.broadcast, "contract.other");
      a.broadcast.publish("contract.news", 1, { channel });
      a.broadcast.publish("contract.other", 2, { channel });
      await until(fixture.time, "both arrive", () => news.length === 1 && other.length === 1);
      end();
      a.broadcast.publish("contract.news", 3, { channel });
      a.broadcast.publish("contract.other", 4, { channel });
      await until(fixture.time, "the other arrives", () => other.length === 2);
      assert.deepEqual(
        news.map(({ payload }) => payload),
        [1],
      );
    });

    test("what is not plain data is refused, naming its path", async (fixture) => {
      const [a] = pairOf(fixture);
      const publish = () => a.broadcast.publish("contract.news", { run: () => 1 }, { channel });
      assert.equal(throwsWith(publish, "ERR_NOT_ENCODABLE").details["path"], "$.run");
    });
  });
}

function collect(broadcast: Broadcast, subject: string): InboundMessage[] {
  const received: InboundMessage[] = [];
  broadcast.handle(subject, (message) => received.push(message));
  return received;
}

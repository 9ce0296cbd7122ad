import { describe, expect, test } from "@jest/globals";
import { counter, placed } from "../support/definitions.js";
import { startNodes } from "../support/clusters.js";

describe("a distributed process", () => {
  test("is called by its name from every node, and there is one of it", async () => {
    const nodes = await startNodes(3);
    await nodes[0]!.cluster.startProcess(
      counter,
      { from: 10 },
      { name: "orders", distribute: true, wait: "visible" },
    );
    const refs = nodes.map(({ cluster }) => cluster.process(counter, "orders"));
    for (const ref of refs) await ref.call("add", 5, { timeout: "2s" });
    expect(await refs[0]!.call("total")).toBe(25);
    const hosts = await Promise.all(refs.map((ref) => ref.call("where")));
    expect(new Set(hosts).size).toBe(1);
  });

  test("guarded by a quorum starts without any configuration: the node that has the folder is the one voter", async () => {
    const nodes = await startNodes(2);
    for (const [index, { cluster }] of nodes.entries()) {
      const options = { name: `guarded-${index}`, partition: "quorum" } as const;
      const ref = await cluster.startProcess(counter, { from: index }, options);
      expect(await ref.call("total")).toBe(index);
    }
  });

  test("comes back on another node when its node leaves, and calls find it there", async () => {
    const nodes = await startNodes(3);
    const ref = await nodes[0]!.cluster.startProcess(
      counter,
      { from: 1 },
      { name: "moving", distribute: true, wait: "visible" },
    );
    const host = await ref.call("where");
    const leaver = nodes.find(({ cluster }) => cluster.self.id === host)!;
    const stayer = nodes.find((node) => node !== leaver)!;
    await leaver.cluster.leave();
    const again = stayer.cluster.process(counter, "moving");
    expect(await again.call("total", undefined, { timeout: "5s" })).toBe(1);
    expect(await again.call("where")).not.toBe(host);
  });

  test("an expected error is an answer, a bug is a crash, and neither disturbs the node", async () => {
    const [a, b] = await startNodes(2);
    const options = {
      name: "faulty",
      on: a!.cluster.self.id,
      distribute: true,
      wait: "visible",
    } as const;
    await b!.cluster.startProcess(counter, { from: 7 }, options);
    const ref = b!.cluster.process(counter, "faulty");
    await ref.call("add", 1);
    await expect(ref.call("refuse")).rejects.toMatchObject({
      code: "ERR_OUT_OF_STOCK",
      details: { id: "o-1" },
    });
    expect(await ref.call("total")).toBe(8);
    await expect(ref.call("crash")).rejects.toMatchObject({ code: "ERR_HANDLER_FAILED" });
    await expect(eventuallyCall(() => ref.call("total"))).resolves.toBe(7);
    expect(b!.cluster.nodes()).toHaveLength(2);
  });

  test("a handler that never returns costs its caller the deadline and nobody else anything", async () => {
    const [a, b] = await startNodes(2);
    const on = a!.cluster.self.id;
    const start = (name: string) =>
      b!.cluster.startProcess(
        counter,
        { from: 0 },
        { name, on, distribute: true, wait: "visible" },
      );
    const stuck = await start("stuck");
    const well = await start("well");
    const hanging = stuck.call("hang", undefined, { timeout: "300ms" });
    expect(await well.call("add", 1)).toBe(1);
    await expect(hanging).rejects.toMatchObject({
      code: "ERR_OUTCOME_UNKNOWN",
      details: { reason: "deadline-exceeded" },
      retryable: false,
    });
    expect(await well.call("add", 1)).toBe(2);
  });

  test("what cannot run is refused with a typed error before it is sent", async () => {
    const [a, b] = await startNodes(2);
    const ref = await a!.cluster.startProcess(
      counter,
      { from: 0 },
      { name: "typed", distribute: true },
    );
    await ref.call("total");
    const callable = ref.call.bind(ref) as (name: string, payload?: unknown) => Promise<unknown>;
    await expect(callable("add", () => 5)).rejects.toMatchObject({ code: "ERR_NOT_ENCODABLE" });
    await expect(callable("subtract", 5)).rejects.toMatchObject({ code: "ERR_UNKNOWN_HANDLER" });
    await expect(callable("toString")).rejects.toMatchObject({ code: "ERR_UNKNOWN_HANDLER" });
    await expect(b!.cluster.process(counter, "nobody").call("total")).rejects.toMatchObject({
      code: "ERR_NO_PROCESS",
      retryable: true,
    });
    await expect(
      a!.cluster.startProcess(counter, { from: 0 }, { name: "typed", distribute: true }),
    ).rejects.toMatchObject({ code: "ERR_NAME_TAKEN" });
  });
});

describe("a topic", () => {
  test("reaches every subscriber that was ready, once, in the publisher's order", async () => {
    const nodes = await startNodes(3);
    const abort = new AbortController();
    const subscriptions = nodes.map(({ cluster }) =>
      cluster.pubsub.subscribe(placed, { signal: abort.signal }),
    );
    await Promise.all(subscriptions.map((subscription) => subscription.ready()));
    const sent = Array.from({ length: 200 }, (_, i) => `o-${i}`);
    for (const id of sent) nodes[0]!.cluster.pubsub.publish(placed, { id });
    for (const subscription of subscriptions) {
      const received: string[] = [];
      for await (const { data } of subscription) {
        received.push(data.id);
        if (received.length === sent.length) break;
      }
      expect(received).toEqual(sent);
    }
  });
});

/** A call that is refused while its process restarts did not run, so it may be made again. */
async function eventuallyCall<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const retryable = (error as { retryable?: boolean }).retryable === true;
      if (!retryable || performance.now() > deadline) throw error;
      await new Promise((resume) => setImmediate(resume));
    }
  }
}

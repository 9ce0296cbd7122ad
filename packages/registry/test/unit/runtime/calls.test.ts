import { afterEach, describe, expect, test } from "@jest/globals";
import { codeOf, counter, gate, journal, other, world, type World } from "./world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

describe("calls through a reference", () => {
  test("a process is called from its own node and from every other one", async () => {
    const w = await start(3);
    const ref = await w.run(
      w.at(0).registry.startProcess(counter, { from: 10 }, { name: "orders" }),
    );
    expect(await w.run(ref.call("add", 5))).toBe(15);
    await w.advance(100);
    for (const place of [1, 2]) {
      const remote = w.at(place).registry.process(counter, "orders");
      expect(await w.run(remote.call("add", 1))).toBe(15 + place);
    }
    expect(journal).toHaveLength(3);
    expect(new Set(journal.map(({ node }) => node)).size).toBe(1);
  });

  test("however many different timeouts there are, answered calls leave no timer behind", async () => {
    const w = await start(1);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 0 }));
    const before = w.clock.pendingTimers;
    const hanging = Array.from({ length: 20 }, (_, n) => {
      const controller = new AbortController();
      const options = { timeout: 3_600_000 + n, signal: controller.signal };
      return { controller, ended: codeOf(ref.call("hang", undefined, options)) };
    });
    await w.advance(1);
    expect(w.clock.pendingTimers - before).toBe(1);
    for (const { controller } of hanging) controller.abort();
    await w.run(Promise.all(hanging.map(({ ended }) => ended)));
    expect(w.clock.pendingTimers).toBe(before);
  });

  test("a name nobody has fails at once, and nothing was delivered", async () => {
    const w = await start(2);
    const ref = w.at(0).registry.process(counter, "nobody");
    await expect(ref.call("total")).rejects.toMatchObject({
      code: "ERR_NO_PROCESS",
      retryable: true,
    });
    expect(ref.whereis()).toBeUndefined();
    ref.cast("add", 1);
    expect(w.at(0).registry.info().droppedMessages).toBe(1);
  });

  test("a name that leads to another definition is refused", async () => {
    const w = await start(1);
    await w.run(w.at(0).registry.startProcess(other, undefined, { name: "x" }));
    const wrong = w.at(0).registry.process(counter, "x");
    expect(await codeOf(wrong.call("total"))).toBe("ERR_DEFINITION_MISMATCH");
  });

  test("a caller gets copies: it can change neither the state nor the payload of others", async () => {
    const w = await start(1);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 1 }));
    const [state] = (await w.run(ref.call("list"))) as { total: number }[];
    if (state) state.total = 999;
    expect(await w.run(ref.call("total"))).toBe(1);
  });

  test.each(["here", "there"])(
    "an argument that is not plain data is refused, %s",
    async (where) => {
      const w = await start(2);
      await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, { name: "orders" }));
      await w.advance(100);
      const ref = w.at(where === "here" ? 0 : 1).registry.process(counter, "orders");
      const bad = (() => 1) as unknown as number;
      expect(await codeOf(w.run(ref.call("add", bad)))).toBe("ERR_NOT_ENCODABLE");
      expect(() => ref.cast("add", bad)).toThrow(
        expect.objectContaining({ code: "ERR_NOT_ENCODABLE" }),
      );
      expect(journal).toEqual([]);
    },
  );

  test.each([0, 1])(
    "a handler the process does not have is refused, from node %i",
    async (place) => {
      const w = await start(2);
      await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, { name: "orders" }));
      await w.advance(100);
      const ref = w.at(place).registry.process(counter, "orders");
      for (const name of ["nothing", "__proto__", "toString"]) {
        const call = ref.call as (name: string) => Promise<unknown>;
        const refused = w.run(call.call(ref, name));
        await expect(refused).rejects.toMatchObject({
          code: "ERR_UNKNOWN_HANDLER",
          details: { known: expect.arrayContaining(["add", "total"]) },
        });
        expect(() => (ref.cast as (name: string) => void).call(ref, name)).toThrow(
          expect.objectContaining({ code: "ERR_UNKNOWN_HANDLER" }),
        );
      }
    },
  );

  test.each([0, 1])("a handler that never returns ends as unknown, from node %i", async (place) => {
    const w = await start(2);
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, { name: "orders" }));
    await w.advance(100);
    const ref = w.at(place).registry.process(counter, "orders");
    const began = w.clock.now();
    const call = w.run(ref.call("hang", undefined, { timeout: "300ms" }));
    await expect(call).rejects.toMatchObject({
      code: "ERR_OUTCOME_UNKNOWN",
      retryable: false,
      message: expect.stringContaining("The call hang to orders may have run"),
      details: { reason: "deadline-exceeded", target: "orders" },
    });
    expect(w.clock.now() - began).toBeGreaterThanOrEqual(300);
    expect(w.clock.now() - began).toBeLessThan(400);
  });

  test("a call that waited behind a busy handler ends as not run, and never runs", async () => {
    const w = await start(1);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 0 }));
    const hung = codeOf(ref.call("hang", undefined, { timeout: "1s" }));
    const queued = codeOf(ref.call("add", 1, { timeout: "300ms" }));
    await w.advance(2_000);
    expect(await queued).toBe("ERR_TIMEOUT");
    expect(await hung).toBe("ERR_OUTCOME_UNKNOWN");
    expect(journal).toEqual([]);
    expect(w.at(0).registry.info().pendingCalls).toBe(0);
  });

  test("a caller that gives up is told whether its call had begun", async () => {
    const w = await start(1);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 0 }));
    const controller = new AbortController();
    const { signal } = controller;
    const begun = codeOf(ref.call("hang", undefined, { signal }));
    const waiting = codeOf(ref.call("add", 1, { signal }));
    await w.clock.settle();
    controller.abort();
    expect(await begun).toBe("ERR_OUTCOME_UNKNOWN");
    expect(await waiting).toBe("ERR_ABORTED");
    expect(await codeOf(ref.call("add", 1, { signal }))).toBe("ERR_ABORTED");
  });

  test("a call in flight when its node dies ends as unknown and is not sent again", async () => {
    const w = await start(3);
    const started = await w.run(
      w.at(0).registry.startProcess(counter, { from: 0 }, { name: "orders", distribute: true }),
    );
    await w.advance(200);
    const host = w.nodes.findIndex(({ port }) => port.id === started.whereis()?.node);
    const caller = w.at((host + 1) % 3);
    const ref = caller.registry.process(counter, "orders");
    const hung = codeOf(ref.call("hang", undefined, { timeout: "10s" }));
    await w.advance(50);
    w.cluster.down(host);
    await w.advance(5_000);
    expect(await hung).toBe("ERR_OUTCOME_UNKNOWN");
    expect(await w.run(ref.call("total"))).toBe(0);
  });

  test("an unknown outcome is not sent again to where the name has moved meanwhile", async () => {
    const w = await start(3);
    const spawn = (place: number) =>
      w.run(w.at(place).registry.startProcess(counter, { from: 0 }, { restart: "temporary" }));
    const [one, two] = [await spawn(1), await spawn(2)];
    await w.run(w.at(1).registry.register("till", one));
    await w.advance(100);
    const ref = w.at(0).registry.process(counter, "till");
    const lost = codeOf(ref.call("linger", 1, { timeout: "10s" }));
    await w.advance(50);
    await w.run(w.at(1).registry.unregister("till"));
    await w.advance(10);
    await w.run(w.at(2).registry.register("till", two));
    await w.advance(100);
    expect(ref.whereis()).toEqual(two.whereis());
    w.cluster.down(1);
    await w.advance(1_000);
    expect(await lost).toBe("ERR_OUTCOME_UNKNOWN");
    expect(journal.map(({ what }) => what)).toEqual(["linger 1"]);
  });

  test("a handler's own error that says unreachable is an answer: the call is not sent again", async () => {
    const w = await start(3);
    const spawn = (place: number) =>
      w.run(w.at(place).registry.startProcess(counter, { from: 0 }, { restart: "temporary" }));
    const [one, two] = [await spawn(1), await spawn(2)];
    for (const caller of [0, 1]) {
      journal.length = 0;
      await w.run(w.at(1).registry.register("till", one));
      await w.advance(100);
      const ref = w.at(caller).registry.process(counter, "till");
      const called = codeOf(ref.call("relay", 1, { timeout: "10s" }));
      await w.advance(50);
      await w.run(w.at(1).registry.unregister("till"));
      await w.advance(10);
      await w.run(w.at(2).registry.register("till", two));
      await w.advance(100);
      expect(ref.whereis()).toEqual(two.whereis());
      gate.open();
      await w.advance(100);
      expect(await called).toBe("ERR_NODE_UNREACHABLE");
      expect(journal.map(({ what }) => what)).toEqual(["relay 1"]);
      await w.run(w.at(2).registry.unregister("till"));
      await w.advance(10);
    }
  });

  test("a call to a stale location did not run there, and runs once where the name is now", async () => {
    const w = await start(3, { latencyMs: 200 });
    const spawn = (place: number) =>
      w.run(w.at(place).registry.startProcess(counter, { from: 0 }, { restart: "temporary" }));
    const [one, two] = [await spawn(1), await spawn(2)];
    await w.run(w.at(1).registry.register("till", one));
    await w.advance(1_000);
    const ref = w.at(0).registry.process(counter, "till");
    // The call leaves just before the news does arrive that the first process ended, and is under
    // way to it when the second takes the name; the refusal comes back after that news.
    const stopped = codeOf(one.stop());
    await w.advance(199);
    const called = codeOf(ref.call("add", 7, { timeout: "5s" }));
    await w.advance(5);
    expect(ref.whereis()).toBeUndefined();
    await w.at(2).registry.register("till", two);
    await w.advance(2_000);
    expect(await stopped).toBe("none");
    expect(await called).toBe("none");
    expect(journal).toEqual([{ node: w.at(2).port.id, what: "add 7" }]);
  });

  test("the error of a handler that crashes reaches a remote caller with its code", async () => {
    const w = await start(2);
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, { name: "orders" }));
    await w.advance(100);
    const ref = w.at(1).registry.process(counter, "orders");
    await expect(w.run(ref.call("crash"))).rejects.toMatchObject({ code: "ERR_HANDLER_FAILED" });
  });

  test("casts and infos reach a process anywhere, in the order they were sent", async () => {
    const w = await start(2);
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, { name: "orders" }));
    await w.advance(100);
    const ref = w.at(1).registry.process(counter, "orders");
    ref.cast("add", 1);
    ref.send(10);
    w.at(1).registry.send("orders", 100);
    expect(await w.run(ref.call("total"))).toBe(111);
  });

  test("a boot that is gone takes no message meant for it, even on a node that came back", async () => {
    const w = await start(2);
    const ref = await w.run(
      w.at(0).registry.startProcess(counter, { from: 0 }, { name: "orders" }),
    );
    const old = ref.whereis();
    await w.advance(100);
    w.cluster.restart(0);
    w.boot(0);
    await w.run(w.at(0).registry.startProcess(counter, { from: 7 }));
    await w.advance(100);
    const route = { to: w.at(0).port.id, channel: "processes", subject: "process.call" };
    const stale = [old?.serial, old?.boot, "add", 1];
    // The answer says: not here, nothing ran.
    expect(await w.run(w.at(1).port.messenger.request(route, stale))).toEqual([2]);
    expect(journal).toEqual([]);
  });

  test("garbage from a peer is answered or dropped, and disturbs nobody", async () => {
    const w = await start(2);
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, { name: "orders" }));
    await w.advance(100);
    const to = w.at(0).port.id;
    const { messenger } = w.at(1).port;
    for (const garbage of [null, 7, "x", [], [1], [{}, {}, {}], { serial: 1 }]) {
      for (const subject of [
        "process.call",
        "process.cast",
        "process.info",
        "process.watch",
        "process.down",
        "registry.start",
        "registry.stop",
        "registry.adopt",
        "registry.register",
        "registry.unregister",
      ]) {
        const route = { to, channel: "processes", subject };
        await codeOf(w.run(messenger.request(route, garbage, { timeoutMs: 100 })));
      }
    }
    const ref = w.at(1).registry.process(counter, "orders");
    expect(await w.run(ref.call("total"))).toBe(0);
  });
});

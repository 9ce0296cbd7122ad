import { afterEach, describe, expect, test } from "@jest/globals";
import { pinned, type ExitReason } from "@foundation/core";
import { counter, gate, world, type World } from "./world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function started(w: World): Promise<void> {
  const options = { name: "m", restart: "temporary" } as const;
  await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, options));
  await w.advance(100);
}

/** What the second node is told about the process of the first. */
async function watched(w: World): Promise<readonly ExitReason[]> {
  const seen: ExitReason[] = [];
  w.at(1)
    .registry.process(counter, "m")
    .monitor((reason) => seen.push(reason));
  await w.advance(50);
  return seen;
}

/**
 * Calls of one node that wait where the process is, and go along whenever it is moved: the last of them ends it at its last
 * place. What that node is told, in order.
 */
async function movedWithCalls(
  w: World,
  caller: number,
  places: readonly number[],
  before = () => undefined as void,
) {
  const seen: string[] = [];
  const ref = w.at(caller).registry.process(counter, "m");
  ref.monitor(({ type }) => seen.push(`down: ${type}`));
  for (let busy = 0; busy <= places.length; busy++)
    void ref.call("relay", 1).catch(() => undefined);
  for (const name of ["total", "crash"] as const) {
    const told = (what: string) => () => void seen.push(what);
    void ref.call(name).then(told(name), told(`${name} failed`));
  }
  await w.advance(50);
  for (const to of places) {
    // Before it can be moved, what it is busy with must end.
    const moving = w.at(0).registry.migrate("m", { to: w.at(to).port.id });
    await w.advance(50);
    gate.open();
    await w.run(moving.done);
  }
  // It is watched at its last place by now.
  await w.advance(100);
  before();
  gate.open();
  return seen;
}

async function distributed(w: World): Promise<void> {
  const placement = pinned(w.at(0).port.id);
  const options = { name: "m", restart: "temporary", distribute: true, placement } as const;
  await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, options));
  await w.advance(300);
}

describe("monitors", () => {
  test.each([0, 1])("tell of an orderly end once, seen from node %i", async (place) => {
    const w = await start(2);
    await started(w);
    const ref = w.at(place).registry.process(counter, "m");
    const seen: ExitReason[] = [];
    ref.monitor((reason) => seen.push(reason));
    ref.monitor((reason) => seen.push(reason));
    await w.advance(50);
    await w.run(ref.stop());
    await w.advance(100);
    expect(seen).toEqual([{ type: "shutdown" }, { type: "shutdown" }]);
  });

  test("tell of a crash with the error, across nodes", async () => {
    const w = await start(2);
    await started(w);
    const ref = w.at(1).registry.process(counter, "m");
    const seen: ExitReason[] = [];
    ref.monitor((reason) => seen.push(reason));
    await w.advance(50);
    ref.cast("crash");
    await w.advance(100);
    expect(seen).toMatchObject([{ type: "error", error: { code: "ERR_HANDLER_FAILED" } }]);
  });

  test.each([0, 1])("tell of an end after the last answers, seen from node %i", async (place) => {
    const w = await start(2);
    await started(w);
    const ref = w.at(place).registry.process(counter, "m");
    const seen: string[] = [];
    ref.monitor(({ type }) => seen.push(`down: ${type}`));
    await w.advance(50);
    const told = (what: string) => () => void seen.push(what);
    const answers = [
      ref.call("total").then(told("total"), told("total failed")),
      ref.call("crash").then(told("crash"), told("crash failed")),
    ];
    await w.advance(200);
    await Promise.all(answers);
    expect(seen).toEqual(["total", "crash failed", "down: error"]);
  });

  test.each([
    [0, "the node that it left"],
    [1, "the node that it came to"],
    [2, "a third node"],
  ])(
    "tell of the end of a moved process after the answers by its old place, on node %i, %s",
    async (caller) => {
      const w = await start(3, { latencyMs: 10 });
      await distributed(w);
      const seen = await movedWithCalls(w, caller, [1]);
      await w.advance(1_000);
      expect(seen).toEqual(["total", "crash failed", "down: error"]);
    },
  );

  test.each([0, 1, 2, 3])("and of one that was moved twice, on node %i", async (caller) => {
    const w = await start(4, { latencyMs: 10 });
    await distributed(w);
    const seen = await movedWithCalls(w, caller, [1, 2]);
    await w.advance(1_000);
    expect(seen).toEqual(["total", "crash failed", "down: error"]);
  });

  test("tell of the end of a moved process when its old place, which had no answers, is gone", async () => {
    const w = await start(3, { latencyMs: 10, detectionMs: 500 });
    await distributed(w);
    const seen = await movedWithCalls(w, 2, [1], () => w.cluster.partition([0], [1]));
    await w.advance(300);
    expect(seen).toEqual([]);
    w.cluster.down(0);
    await w.advance(1_000);
    expect(seen).toEqual(["total failed", "crash failed", "down: error"]);
  });

  test("tell that the node is gone when it dies or is cut off, and nothing more after the heal", async () => {
    const w = await start(3);
    await started(w);
    const seen = await watched(w);
    w.cluster.partition([0]);
    await w.advance(100);
    const gone = { type: "node-down", node: w.at(0).port.id };
    expect(seen).toEqual([gone]);
    w.cluster.heal();
    await w.advance(500);
    await w.run(w.at(0).registry.process(counter, "m").stop());
    await w.advance(100);
    expect(seen).toEqual([gone]);
  });

  test("tell of an end whose notice was lost on the way, when the way is open again", async () => {
    const w = await start(2, { detectionMs: 60_000 });
    await started(w);
    const seen = await watched(w);
    w.cluster.partition([0]);
    await w.run(w.at(0).registry.process(counter, "m").stop());
    await w.advance(8_000);
    expect(seen).toEqual([]);
    w.cluster.heal();
    await w.advance(8_000);
    expect(seen).toEqual([{ type: "shutdown" }]);
  });

  test("a watching node that was taken for gone asks again when it is told so", async () => {
    const w = await start(2);
    await started(w);
    w.at(1)
      .registry.process(counter, "m")
      .monitor(() => undefined);
    await w.advance(50);
    const asked = w.cluster.sent.get("process.watch") ?? 0;
    const route = { to: w.at(1).port.id, channel: "processes", subject: "process.forgotten" };
    await w.run(w.at(0).port.messenger.request(route, undefined));
    await w.advance(50);
    expect(w.cluster.sent.get("process.watch")).toBeGreaterThan(asked);
  });

  test("a watching node that comes back is told that it was forgotten, once", async () => {
    const w = await start(2);
    await started(w);
    w.at(1)
      .registry.process(counter, "m")
      .monitor(() => undefined);
    await w.advance(50);
    // The second time there is nothing left that could have been forgotten.
    for (let times = 0; times < 2; times++) {
      w.cluster.partition([0]);
      await w.advance(500);
      w.cluster.heal();
      await w.advance(500);
      expect(w.cluster.sent.get("process.forgotten")).toBe(1);
    }
  });

  test("a monitor that was ended is not called", async () => {
    const w = await start(2);
    await started(w);
    const seen: ExitReason[] = [];
    const stop = w
      .at(1)
      .registry.process(counter, "m")
      .monitor((reason) => seen.push(reason));
    await w.advance(50);
    stop();
    stop();
    await w.run(w.at(0).registry.process(counter, "m").stop());
    await w.advance(100);
    expect(seen).toEqual([]);
  });

  test("a process that ended before the question arrived is told of as ended", async () => {
    const w = await start(2, { latencyMs: 100 });
    await started(w);
    await w.advance(500);
    const seen: ExitReason[] = [];
    const ref = w.at(1).registry.process(counter, "m");
    await w.run(w.at(0).registry.process(counter, "m").stop());
    ref.monitor((reason) => seen.push(reason));
    expect(seen).toEqual([]);
    await w.advance(1_000);
    expect(seen).toEqual([{ type: "shutdown" }]);
  });

  test.each([0, 1])("one that is ended by another is not called, on node %i", async (place) => {
    const w = await start(2);
    await started(w);
    const ref = w.at(place).registry.process(counter, "m");
    const seen: string[] = [];
    const stops: (() => void)[] = [];
    ref.monitor(() => {
      seen.push("first");
      for (const stop of stops) stop();
      throw new Error("a mistake of the one that is told");
    });
    stops.push(ref.monitor(() => seen.push("second")));
    ref.monitor(() => seen.push("third"));
    await w.advance(50);
    await w.run(ref.stop());
    await w.advance(100);
    expect(seen).toEqual(["first", "third"]);
  });

  test("more watched processes than the limit are refused", async () => {
    const w = await start(2, {}, { limits: { monitorsMax: 1 } });
    await started(w);
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, { name: "m2" }));
    await w.advance(100);
    w.at(1)
      .registry.process(counter, "m")
      .monitor(() => undefined);
    const second = w.at(1).registry.process(counter, "m2");
    expect(() => second.monitor(() => undefined)).toThrow(
      expect.objectContaining({ code: "ERR_QUEUE_FULL" }),
    );
  });
});

import { afterEach, describe, expect, test } from "@jest/globals";
import { definedNames, definitionOf, defineProcess, pinned } from "@foundation/core";
import type { ClusterRef, DefinitionSource } from "../../../src/index.js";
import { codeOf, counter, gate, journal, runningAt, world, type World } from "../runtime/world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const idOf = (w: World, place: number) => w.at(place).port.id;

async function counterAt(w: World, place: number, name = "c", from = 0) {
  const placement = pinned(idOf(w, place));
  const options = { name, distribute: true, placement } as const;
  const ref = await w.run(w.at(place).registry.startProcess(counter, { from }, options));
  await w.advance(300);
  return ref;
}

const reasonOf = async (moving: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await moving;
    return "none";
  } catch (error) {
    const { code, details } = error as { code?: string; details?: { reason?: string } };
    return code === "ERR_NOT_MOVED" ? details?.reason : (code ?? String(error));
  }
};

describe("a process that is moved", () => {
  test("goes on elsewhere with its state, and every node's reference finds it", async () => {
    const w = await start(3);
    const ref = await counterAt(w, 0, "c", 5);
    await w.run(ref.call("add", 2));
    const moving = w.at(0).registry.migrate(ref, { to: idOf(w, 1) });
    const moved = await w.run(moving.done);
    expect(moved).toMatchObject({ identity: "c", from: idOf(w, 0), generation: 3 });
    expect(runningAt(w, "c")).toEqual([1]);
    expect(moved.pid.node).toBe(idOf(w, 1));
    for (const { registry } of w.nodes) {
      expect(await w.run(registry.process(counter, "c").call("add", 1))).toBeGreaterThan(7);
    }
    await w.advance(60_000);
    expect(runningAt(w, "c")).toEqual([1]);
    expect(await w.run(ref.call("total"))).toBe(10);
    for (const { registry } of w.nodes) expect(registry.lookup("c")?.pid).toEqual(moved.pid);
    const warned = w.nodes.flatMap(({ runtime }) => runtime.logger.lines);
    expect(warned.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  test("tells its steps to whoever asked, on whichever node", async () => {
    const w = await start(3);
    const ref = await counterAt(w, 0);
    for (const [from, to] of [
      [0, 1],
      [2, 0],
    ] as const) {
      const moving = w.at(from).registry.migrate("c", { to: w.at(to).port.membership.self });
      const steps: string[] = [];
      const read = (async () => {
        for await (const { type } of moving.progress) steps.push(type);
      })();
      await w.run(moving.done);
      await w.run(read);
      expect(steps).toEqual(["frozen", "sent", "installed", "committed", "moved"]);
      expect(ref.whereis()?.node).toBe(idOf(w, to));
    }
  });

  test("fails no call of three nodes, and has run each exactly once", async () => {
    const w = await start(4, { latencyMs: 3 });
    await counterAt(w, 0);
    journal.length = 0;
    const outcomes: Promise<number>[] = [];
    let calls = 0;
    for (let round = 0; round < 60; round++) {
      for (const place of [0, 1, 2]) {
        const ref: ClusterRef<typeof counter> = w.at(place).registry.process(counter, "c");
        calls += 1;
        outcomes.push(ref.call("add", 1));
      }
      if (round % 15 === 5) {
        const to = idOf(w, (round + 1) % 4);
        void w.at(3).registry.migrate("c", { to });
      }
      await w.advance(2);
    }
    const totals = await w.run(Promise.all(outcomes));
    expect(new Set(totals).size).toBe(calls);
    expect(Math.max(...totals)).toBe(calls);
    expect(journal).toHaveLength(calls);
    expect(new Set(journal.map(({ node }) => node)).size).toBeGreaterThan(2);
    await w.advance(500);
    expect(await w.run(w.at(2).registry.process(counter, "c").call("total"))).toBe(calls);
  });

  test("takes room on its target from when its copy is there, and gives it back if it stays", async () => {
    const w = await start(3, { latencyMs: 20 });
    const startAt = async (name: string, place: number) => {
      const placement = pinned(idOf(w, place));
      const options = { name, placement, constraints: { capacity: 1 } } as const;
      await w.run(w.at(place).registry.startProcess(counter, { from: 0 }, options));
    };
    await startAt("a", 0);
    await startAt("b", 1);
    await w.advance(500);
    const giveUp = new AbortController();
    const to = idOf(w, 2);
    const first = codeOf(w.at(0).registry.migrate("a", { to, signal: giveUp.signal }).done);
    // The copy is there by then, and its answer is on the way.
    await w.advance(30);
    const second = codeOf(w.at(1).registry.migrate("b", { to }).done);
    await w.advance(1);
    giveUp.abort();
    expect(await w.run(first)).toBe("ERR_ABORTED");
    expect(await w.run(second)).toBe("ERR_NO_CANDIDATE");
    await w.advance(500);
    expect(await codeOf(w.run(w.at(1).registry.migrate("b", { to }).done))).toBe("none");
    expect(runningAt(w, "a")).toEqual([0]);
  });

  test("takes its mailbox along in order, and each waiting call is answered", async () => {
    const w = await start(2);
    const ref = await counterAt(w, 0, "c", 0);
    const other = w.at(1).registry.process(counter, "c");
    // The handler keeps the process busy, so that all others wait.
    const first = other.call("relay", 1).catch(() => "refused");
    await w.advance(10);
    const waiting = Array.from({ length: 20 }, (_, by) => other.call("add", by));
    other.cast("add", 1_000);
    await w.advance(10);
    const moving = w.at(0).registry.migrate("c", { to: idOf(w, 1) });
    await w.advance(10);
    expect(runningAt(w, "c")).toEqual([0]);
    gate.open();
    await w.run(moving.done);
    expect(await w.run(first)).toBe("refused");
    const totals = await w.run(Promise.all(waiting));
    const sums = Array.from({ length: 20 }, (_, by) => (by * (by + 1)) / 2);
    expect(totals).toEqual(sums);
    await w.advance(10);
    expect(await w.run(ref.call("total"))).toBe(1_190);
    expect(new Set(journal.slice(-20).map(({ node }) => node))).toEqual(new Set([idOf(w, 1)]));
  });

  test("keeps its monitors: they say nothing of the move, and tell its end wherever that is", async () => {
    const w = await start(4);
    const ref = await counterAt(w, 0);
    const told: string[] = [];
    for (const place of [0, 1, 2]) {
      w.at(place)
        .registry.process(counter, "c")
        .monitor((reason) => told.push(`${place} ${reason.type}`));
    }
    await w.advance(50);
    for (const to of [1, 3]) {
      await w.run(w.at(2).registry.migrate(ref, { to: idOf(w, to) }).done);
      await w.advance(300);
    }
    expect(told).toEqual([]);
    await w.run(ref.stop());
    await w.advance(50);
    expect(told.sort()).toEqual(["0 shutdown", "1 shutdown", "2 shutdown"]);
  });

  test("keeps the names it was given by hand, and no call by them fails", async () => {
    const w = await start(4, { latencyMs: 3 });
    const ref = await counterAt(w, 0);
    await w.run(w.at(2).registry.register("alias", ref, { meta: { of: "c" } }));
    await w.run(w.at(0).registry.register("all", ref, { keys: "duplicate", meta: 7 }));
    await w.advance(100);
    const calls: Promise<number>[] = [];
    for (const to of [1, 3, 0]) {
      let isDone = false;
      const moving = w.at(2).registry.migrate("c", { to: idOf(w, to) });
      void moving.done.then(() => {
        isDone = true;
      });
      for (let ms = 0; !isDone || ms < 6_000; ms += isDone ? 97 : 1) {
        for (const place of [0, 1, 2, 3]) {
          calls.push(w.at(place).registry.process(counter, "alias").call("add", 1));
        }
        await w.advance(isDone ? 97 : 1);
      }
      const pid = ref.whereis();
      expect(pid?.node).toBe(idOf(w, to));
      for (const { registry } of w.nodes) {
        expect(registry.lookup("alias")).toMatchObject({ pid, meta: { of: "c" } });
        expect(registry.lookupAll("all")).toMatchObject([{ pid, meta: 7 }]);
      }
    }
    const totals = await w.run(Promise.all(calls));
    expect(Math.max(...totals)).toBe(calls.length);
    await w.run(ref.stop());
    await w.advance(100);
    for (const { registry } of w.nodes) expect(registry.lookup("alias")).toBeUndefined();
  });

  test("keeps its names when it moves on before the news of its last move has come", async () => {
    const w = await start(3);
    const port = w.cluster.add();
    const late: (() => void)[] = [];
    let isLate = false;
    const { broadcast } = port;
    w.boot(3, {
      broadcast: {
        publish(...message) {
          if (isLate) late.push(() => broadcast.publish(...message));
          else broadcast.publish(...message);
        },
        handle: (...subject) => broadcast.handle(...subject),
      },
    });
    await w.advance(100);
    const ref = await counterAt(w, 0);
    await w.run(w.at(0).registry.register("alias", ref));
    await w.advance(100);
    isLate = true;
    await w.run(w.at(0).registry.migrate("c", { to: port.id }).done);
    await w.run(w.at(3).registry.migrate("c", { to: idOf(w, 2) }).done);
    isLate = false;
    for (const publish of late) publish();
    await w.advance(10_000);
    const pid = w.at(2).registry.lookup("c")?.pid;
    expect(pid?.node).toBe(idOf(w, 2));
    for (const { registry } of w.nodes) expect(registry.lookup("alias")).toMatchObject({ pid });
  });

  test("with a state too large for a message travels as a stream", async () => {
    const w = await start(2, {}, { limits: { inlineStateBytesMax: 100 } });
    const ref = await w.run(
      w.at(0).registry.startProcess(hoarder, undefined, {
        ...{ name: "h", distribute: true, placement: pinned(idOf(w, 0)) },
      }),
    );
    await w.run(ref.call("grow", 300_000));
    await w.run(w.at(0).registry.migrate(ref, { to: idOf(w, 1) }).done);
    expect(runningAt(w, "h")).toEqual([1]);
    expect(await w.run(ref.call("size"))).toBe(300_000);
  });
});

const hoarder = defineProcess({
  name: "moves.hoarder",
  init: () => ({ text: "" }),
  call: {
    grow: ({ state }, length: number) => {
      state.text = "x".repeat(length);
    },
    size: ({ state }) => state.text.length,
    spoil: ({ state }) => {
      (state as { bad?: unknown }).bad = { deep: () => 0 };
    },
  },
});

describe("a move that cannot be", () => {
  test("is refused with its reason, and the process goes on", async () => {
    const without: DefinitionSource = {
      get: (name) => (name === counter.name ? undefined : definitionOf(name)),
      names: () => definedNames().filter((name) => name !== counter.name),
      onDefined: () => () => undefined,
    };
    const w = await start(3);
    w.cluster.add();
    w.boot(3, { definitions: without });
    await w.advance(300);
    await counterAt(w, 0, "c", 7);
    const move = (to: string, from = 0, name = "c") =>
      w.run(reasonOf(w.at(from).registry.migrate(name, { to: to as never }).done));
    expect(await move(idOf(w, 0))).toBe("same-node");
    expect(await move(idOf(w, 0), 2)).toBe("same-node");
    expect(await move("f".repeat(32))).toBe("unknown-node");
    expect(await move(idOf(w, 3))).toBe("undefined");
    expect(await move(idOf(w, 1), 2, "nobody")).toBe("ERR_NO_PROCESS");
    w.cluster.drain(2);
    await w.advance(50);
    expect(await move(idOf(w, 2))).toBe("draining");
    await w.run(w.at(0).registry.startProcess(counter, { from: 1 }, { name: "own" }));
    expect(await move(idOf(w, 1), 0, "own")).toBe("not-supervised");
    await w.advance(100);
    expect(await move(idOf(w, 1), 1, "own")).toBe("not-supervised");
    expect(runningAt(w, "c")).toEqual([0]);
    expect(await w.run(w.at(2).registry.process(counter, "c").call("total"))).toBe(7);
  });

  test("does not go where its `on` does not let it run, whoever asks", async () => {
    const w = await start(3);
    const on = idOf(w, 1);
    const options = { name: "c", distribute: true, on } as const;
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, options));
    await w.advance(300);
    for (const { registry } of w.nodes) {
      const moving = registry.migrate("c", { to: idOf(w, 2) });
      expect(await reasonOf(w.run(moving.done))).toBe("ERR_NO_CANDIDATE");
    }
    expect(runningAt(w, "c")).toEqual([1]);
  });

  test("names the path of what is not plain data in the state", async () => {
    const w = await start(2);
    const options = { name: "h", distribute: true, placement: pinned(idOf(w, 0)) } as const;
    const ref = await w.run(w.at(0).registry.startProcess(hoarder, undefined, options));
    await w.run(ref.call("spoil"));
    const moving = w.run(w.at(0).registry.migrate(ref, { to: idOf(w, 1) }).done);
    await expect(moving).rejects.toMatchObject({
      code: "ERR_NOT_ENCODABLE",
      message: expect.stringContaining("bad.deep"),
    });
    expect(await w.run(ref.call("size"))).toBe(0);
    expect(runningAt(w, "h")).toEqual([0]);
  });

  test("leaves the process where it is when its caller gives up, or the time is over", async () => {
    const w = await start(2, { latencyMs: 50 });
    await w.advance(500);
    const ref = await counterAt(w, 0, "c", 3);
    const gaveUp = new AbortController();
    const moving = w.at(0).registry.migrate(ref, { to: idOf(w, 1), signal: gaveUp.signal });
    const aborted = codeOf(moving.done);
    await w.advance(60);
    gaveUp.abort();
    expect(await w.run(aborted)).toBe("ERR_ABORTED");
    expect(await w.run(ref.call("total"))).toBe(3);
    const late = w.at(0).registry.migrate(ref, { to: idOf(w, 1), timeout: 60 });
    expect(await w.run(codeOf(late.done))).toBe("ERR_TIMEOUT");
    await w.advance(60_000);
    expect(runningAt(w, "c")).toEqual([0]);
    expect(await w.run(ref.call("total"))).toBe(3);
    // A later attempt replaces whatever was left of the earlier ones.
    await w.run(w.at(0).registry.migrate(ref, { to: idOf(w, 1) }).done);
    expect(await w.run(ref.call("total"))).toBe(3);
  });

  test("to a node that dies before the commit changes nothing", async () => {
    const w = await start(3, { latencyMs: 50, detectionMs: 100 });
    await w.advance(500);
    const ref = await counterAt(w, 0, "c", 3);
    const moving = reasonOf(w.at(0).registry.migrate(ref, { to: idOf(w, 1) }).done);
    await w.advance(20);
    w.cluster.down(1);
    expect(await w.run(moving)).toBe("target-lost");
    expect(await w.run(ref.call("total"))).toBe(3);
    await w.advance(10_000);
    expect(runningAt(w, "c")).toEqual([0]);
  });

  test("to a node that dies after the commit is a death of its node like any other", async () => {
    const w = await start(3, { latencyMs: 50, detectionMs: 100 });
    await w.advance(500);
    const ref = await counterAt(w, 0, "c", 3);
    await w.run(ref.call("add", 1));
    const moving = w.at(0).registry.migrate(ref, { to: idOf(w, 1) });
    const installed = (async () => {
      for await (const { type } of moving.progress) if (type === "installed") return;
    })();
    await w.run(installed);
    w.cluster.down(1);
    expect(await w.run(codeOf(moving.done))).toBe("ERR_OUTCOME_UNKNOWN");
    await w.advance(10_000);
    expect(runningAt(w, "c")).toHaveLength(1);
    expect(await w.run(ref.call("total"))).toBe(3);
  });
});

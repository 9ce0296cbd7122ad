/** Freezing, moving and looking at a process: nothing lost, nothing run twice, nothing noticed where it goes on. */
import { describe, expect, test } from "@jest/globals";
import { defineProcess } from "../../../src/process/define-process.js";
import type { Delivery } from "../../../src/process/kernel-port.js";
import { call, cast, codeOf, gate, KILLED, SHUTDOWN, world } from "./world.js";

function counter(name: string) {
  return defineProcess({
    name,
    version: 2,
    init: (from: number) => ({ total: from, items: [] as number[] }),
    call: {
      add: ({ state }, by: number) => (state.total += by),
      slow: async ({ state }, until: Promise<void>) => {
        state.total += 1;
        await until;
        state.total += 10;
        return state.total;
      },
    },
    cast: { add: ({ state }, by: number) => void (state.total += by) },
  });
}

describe("a frozen process", () => {
  test("takes messages, runs none, and goes on with them in order when it is thawed", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(counter(name()), 1);
    const frozen = await clock.run(kernel.freeze(pid));
    expect(frozen).toEqual({ state: { total: 1, items: [] }, version: 2, waiting: 0 });
    const first = call("add", { payload: 1 });
    expect(kernel.deliver(pid, first)).toBe("accepted");
    ref.cast("add", 5);
    await clock.settle();
    expect(first.answers).toEqual([]);
    expect(kernel.find(pid)?.mailboxLength).toBe(2);
    kernel.thaw(pid);
    await clock.settle();
    expect(first.answers).toEqual([{ ok: true, value: 2 }]);
    expect(await clock.run(ref.call("add", 0))).toBe(7);
  });

  test("is frozen only when the message in progress has ended, which is answered", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(counter(name()), 0);
    const until = gate();
    const slow = ref.call("slow", until.promise);
    await clock.settle();
    let isFrozen = false;
    const freezing = kernel.freeze(pid).then((frozen) => {
      isFrozen = true;
      return frozen;
    });
    ref.cast("add", 100);
    await clock.settle();
    expect(isFrozen).toBe(false);
    until.open();
    expect(await clock.run(slow)).toBe(11);
    expect(await clock.run(freezing)).toEqual({
      state: { total: 11, items: [] },
      version: 2,
      waiting: 1,
    });
  });

  test("stops in the middle of a batch, when the answer to a call freezes it", async () => {
    const { kernel, name, start, clock } = world();
    const { pid } = await start(counter(name()), 0);
    let freezing: Promise<unknown> | undefined;
    const first = call("add", { payload: 1, reply: () => void (freezing = kernel.freeze(pid)) });
    const second = call("add", { payload: 1 });
    kernel.deliver(pid, first);
    kernel.deliver(pid, second);
    await clock.settle();
    expect(await freezing).toMatchObject({ state: { total: 1 }, waiting: 1 });
    expect(second.answers).toEqual([]);
    kernel.thaw(pid);
    await clock.settle();
    expect(second.answers).toEqual([{ ok: true, value: 2 }]);
  });

  test("gives a copy of its state, which later changes do not reach", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(counter(name()), 3);
    const frozen = await clock.run(kernel.freeze(pid));
    kernel.thaw(pid);
    await clock.run(ref.call("add", 1));
    expect(frozen.state).toEqual({ total: 3, items: [] });
  });

  test("cannot be frozen twice, and is refused a hand-over that was not frozen", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(counter(name()), 0);
    expect(() => kernel.handOff(pid, () => {})).toThrow(/handOff takes a frozen process/);
    await clock.run(kernel.freeze(pid));
    expect(await codeOf(kernel.freeze(pid))).toBe("ERR_PROCESS_FROZEN");
    kernel.thaw(pid);
    expect(await clock.run(ref.call("add", 2))).toBe(2);
  });

  test("goes on when the freeze is given up before the message in progress ended", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(counter(name()), 0);
    const until = gate();
    const slow = ref.call("slow", until.promise);
    await clock.settle();
    const controller = new AbortController();
    const freezing = codeOf(kernel.freeze(pid, { signal: controller.signal }));
    controller.abort();
    expect(await freezing).toBe("ERR_ABORTED");
    until.open();
    expect(await clock.run(slow)).toBe(11);
    expect(await clock.run(ref.call("add", 1))).toBe(12);
    expect(await codeOf(kernel.freeze(pid, { signal: controller.signal }))).toBe("ERR_ABORTED");
  });

  test("goes on when its state is not plain data, and the error names the path", async () => {
    const { kernel, name, start, clock } = world();
    const definition = defineProcess({
      name: name(),
      init: () => ({ inner: { run: () => 1 } }),
      call: { ping: () => "pong" },
    });
    const { pid, ref } = await start(definition);
    await expect(kernel.freeze(pid)).rejects.toMatchObject({
      code: "ERR_NOT_ENCODABLE",
      details: { path: "$.inner.run" },
    });
    expect(await clock.run(ref.call("ping"))).toBe("pong");
  });

  test("ends when it is told to, and refuses what waits", async () => {
    const { kernel, name, start, clock, watch } = world();
    const { pid, ref } = await start(counter(name()), 0);
    const reasons = watch(pid);
    await clock.run(kernel.freeze(pid));
    const waiting = codeOf(ref.call("add", 1));
    kernel.exit(pid, SHUTDOWN);
    expect(await waiting).toBe("ERR_NO_PROCESS");
    await clock.settle();
    expect(reasons).toEqual([SHUTDOWN]);
  });

  test("whose end comes before its rest is reported as gone, to freeze and to snapshot alike", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(counter(name()), 0);
    const slow = codeOf(ref.call("slow", gate().promise));
    await clock.settle();
    const both = [codeOf(kernel.freeze(pid)), codeOf(kernel.snapshot(pid))];
    kernel.exit(pid, KILLED);
    expect(await Promise.all(both)).toEqual(["ERR_NO_PROCESS", "ERR_NO_PROCESS"]);
    expect(await slow).toBe("ERR_OUTCOME_UNKNOWN");
    expect(await codeOf(kernel.freeze(pid))).toBe("ERR_NO_PROCESS");
  });

  test("that was told to end while its message ran is not handed over", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(counter(name()), 0);
    const until = gate();
    const slow = ref.call("slow", until.promise);
    await clock.settle();
    const freezing = codeOf(kernel.freeze(pid));
    kernel.exit(pid, SHUTDOWN);
    until.open();
    expect(await clock.run(slow)).toBe(11);
    expect(await freezing).toBe("ERR_NO_PROCESS");
  });
});

describe("a process that is handed off", () => {
  test("ends as migrated, without terminate, and its messages go on in order", async () => {
    const { kernel, name, clock, watch } = world();
    const terminated: unknown[] = [];
    const definition = defineProcess({
      name: name(),
      init: () => ({}),
      call: { ping: () => "pong" },
      cast: { note: () => {} },
      terminate: (_context, reason) => void terminated.push(reason),
    });
    const pid = await kernel.spawn(definition, undefined);
    const reasons = watch(pid);
    await clock.run(kernel.freeze(pid));
    const messages = [cast("note", 1), call("ping"), cast("note", 2)];
    for (const message of messages) kernel.deliver(pid, message);
    const later = call("ping");
    const given: Delivery[] = [];
    kernel.handOff(pid, (message) => {
      // What comes while the others are given on must not overtake them.
      if (given.length === 0) kernel.deliver(pid, later);
      given.push(message);
    });
    const last = cast("note", 3);
    expect(kernel.deliver(pid, last)).toBe("accepted");
    expect(given).toEqual([...messages, later, last]);
    await clock.settle();
    expect(reasons).toEqual([{ type: "migrated" }]);
    expect(terminated).toEqual([]);
    expect(later.answers).toEqual([]);
    expect(kernel.list()).toEqual([]);
  });

  test("is forgotten when more than the limit came after it", async () => {
    const { kernel, name, clock } = world({ handOffsMax: 2 });
    const definition = counter(name());
    const given: Delivery[] = [];
    const pids = [];
    for (let n = 0; n < 3; n++) {
      const pid = await kernel.spawn(definition, 0);
      await clock.run(kernel.freeze(pid));
      kernel.handOff(pid, (message) => given.push(message));
      pids.push(pid);
    }
    const outcomes = pids.map((pid) => kernel.deliver(pid, cast("add", 1)));
    expect(outcomes).toEqual(["no-process", "accepted", "accepted"]);
    expect(given).toHaveLength(2);
  });

  test("answers a call that cannot be given on: it did not run", async () => {
    const { kernel, name, start, clock, logger } = world();
    const { pid, ref } = await start(counter(name()), 0);
    await clock.run(kernel.freeze(pid));
    const waiting = codeOf(ref.call("add", 1));
    kernel.handOff(pid, () => {
      throw new Error("no way");
    });
    expect(await waiting).toBe("ERR_NO_PROCESS");
    expect(logger.lines.filter(({ level }) => level === "error")).toHaveLength(1);
  });
});

describe("a process with an installed state", () => {
  test("begins with it instead of init, and passive it runs nothing until it is thawed", async () => {
    const { kernel, name, ref, clock } = world();
    const definition = counter(name());
    const install = { state: { total: 40, items: [] }, version: 2 };
    const pid = await kernel.spawn(definition, 1, { install, passive: true });
    const added = ref(definition, pid).call("add", 2);
    await clock.settle();
    expect(kernel.find(pid)?.mailboxLength).toBe(1);
    expect(await codeOf(kernel.freeze(pid))).toBe("ERR_PROCESS_FROZEN");
    kernel.thaw(pid);
    expect(await clock.run(added)).toBe(42);
  });

  test("of another version goes through upgrade, which may be async", async () => {
    const { kernel, name, ref, clock } = world();
    const definition = defineProcess({
      name: name(),
      version: 3,
      init: () => ({ total: 0 }),
      call: { total: ({ state }) => state.total },
      upgrade: async (old, from) => ({ total: (old as { sum: number }).sum * from }),
    });
    const install = { state: { sum: 21 }, version: 2 };
    const pid = await kernel.spawn(definition, undefined, { install });
    expect(await clock.run(ref(definition, pid).call("total"))).toBe(42);
  });

  test("of another version is refused without upgrade, and when upgrade throws", async () => {
    const { kernel, name } = world();
    const install = { state: {}, version: 1 };
    await expect(kernel.spawn(counter(name()), 0, { install })).rejects.toMatchObject({
      code: "ERR_STATE_VERSION",
      details: { expected: 2, found: 1 },
    });
    const broken = defineProcess({
      name: name(),
      version: 2,
      init: () => ({}),
      upgrade: () => {
        throw new Error("cannot read it");
      },
    });
    expect(await codeOf(kernel.spawn(broken, undefined, { install }))).toBe("ERR_INIT_FAILED");
    expect(kernel.list()).toEqual([]);
  });
});

describe("a movable process", () => {
  test("is refused at the start when its state is not plain data", async () => {
    const { kernel, name, clock } = world();
    const definition = defineProcess({
      name: name(),
      init: async () => ({ list: [1, new Set([() => 1])] }),
    });
    const started = kernel.spawn(definition, undefined, { movable: true });
    await expect(clock.run(started)).rejects.toMatchObject({
      code: "ERR_NOT_ENCODABLE",
      message: expect.stringMatching(/The state of .* is not plain data: \$\.list\[1\]/),
    });
    expect(kernel.list()).toEqual([]);
    const pid = await kernel.spawn(definition, undefined);
    expect(kernel.find(pid)).toBeDefined();
  });
});

describe("a snapshot", () => {
  test("is taken between two messages, and the process goes on at once", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(counter(name()), 0);
    expect(await clock.run(kernel.snapshot(pid))).toEqual({
      state: { total: 0, items: [] },
      version: 2,
    });
    const until = gate();
    const slow = ref.call("slow", until.promise);
    await clock.settle();
    const snapshot = kernel.snapshot(pid);
    const added = ref.call("add", 100);
    until.open();
    expect(await clock.run(slow)).toBe(11);
    expect(await clock.run(snapshot)).toMatchObject({ state: { total: 11 } });
    expect(await clock.run(added)).toBe(111);
  });
});

describe("a conflict", () => {
  test("runs as a message in the process that stays, with the other's state", async () => {
    const { kernel, name, start, clock } = world();
    const definition = defineProcess({
      name: name(),
      init: (items: string[]) => ({ items }),
      call: { items: ({ state }) => state.items },
      resolveConflict: ({ state }, other) => void state.items.push(...other.items),
    });
    const { pid, ref } = await start(definition, ["a"]);
    expect(kernel.deliver(pid, { type: "conflict", state: { items: ["b"] } })).toBe("accepted");
    expect(await clock.run(ref.call("items"))).toEqual(["a", "b"]);
  });

  test("is refused by a process without resolveConflict, and a crash in it is one", async () => {
    const { kernel, name, start, clock, watch } = world();
    const { pid } = await start(counter(name()), 0);
    expect(kernel.deliver(pid, { type: "conflict", state: {} })).toBe("unknown-handler");
    const broken = await start(
      defineProcess({
        name: name(),
        init: () => ({}),
        resolveConflict: () => {
          throw new Error("irreconcilable");
        },
      }),
    );
    const reasons = watch(broken.pid);
    kernel.deliver(broken.pid, { type: "conflict", state: {} });
    await clock.settle();
    expect(reasons).toMatchObject([{ type: "error", error: { code: "ERR_HANDLER_FAILED" } }]);
  });
});

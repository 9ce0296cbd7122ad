/** How processes start and end: init, exits, terminate, links, monitors, close. */
import { describe, expect, test } from "@jest/globals";
import { coreErrors } from "../../../src/errors/index.js";
import { defineProcess } from "../../../src/process/define-process.js";
import type { ExitReason, Pid } from "../../../src/process/kernel-port.js";
import { call, cast, codeOf, gate, KILLED, NORMAL, SHUTDOWN, world } from "./world.js";

function worker(name: string, journal: string[] = [], until: Promise<void> = gate().promise) {
  return defineProcess({
    name,
    init: (label: string | undefined) => ({ label: label ?? "" }),
    call: {
      ping: () => "pong",
      hang: () => until,
      crash: () => {
        throw new Error("boom");
      },
    },
    cast: {
      note: ({ state }, text: string) => void journal.push(`${state.label}${text}`),
    },
    terminate: ({ state }, reason) => void journal.push(`${state.label}terminate ${reason.type}`),
  });
}

describe("the start of a process", () => {
  test("resolves when an async init is done; messages sent meanwhile run after it", async () => {
    const { kernel, name, clock, ref } = world();
    const until = gate<{ ready: boolean }>();
    let pid: Pid | undefined;
    const definition = defineProcess({
      name: name(),
      init: (_: undefined, context) => {
        pid = context.self;
        return until.promise;
      },
      call: { ready: ({ state }) => state.ready },
    });
    const spawned = kernel.spawn(definition, undefined);
    const early = ref(definition, pid as Pid).call("ready");
    await clock.settle();
    expect(kernel.list()).toEqual([]);
    expect(kernel.find(pid as Pid)).toBeUndefined();
    until.open({ ready: true });
    expect(await clock.run(spawned)).toBe(pid);
    expect(await clock.run(early)).toBe(true);
    expect(kernel.list()).toMatchObject([{ pid, definition: definition.name, mailboxLength: 0 }]);
    expect(kernel.find(pid as Pid)).toEqual(kernel.list()[0]);
    const { serial } = pid as Pid;
    const stale = { node: kernel.node, boot: "f".repeat(24) as Pid["boot"], serial };
    expect(kernel.find(stale)).toBeUndefined();
    kernel.exit(pid as Pid, { type: "killed" });
    expect(kernel.find(pid as Pid)).toBeUndefined();
  });

  test.each(["throws", "rejects"])("fails with ERR_INIT_FAILED when init %s", async (how) => {
    const { kernel, name, clock, logger, meter } = world();
    const definition = defineProcess({
      name: name(),
      init: () => {
        if (how === "throws") throw new RangeError("no disk");
        return Promise.reject(new RangeError("no disk"));
      },
    });
    const failure = await clock.run(
      kernel.spawn(definition, undefined).catch((error: unknown) => error),
    );
    expect(failure).toMatchObject({
      code: "ERR_INIT_FAILED",
      details: { thrown: "RangeError: no disk" },
      cause: expect.any(RangeError),
    });
    expect(logger.lines).toHaveLength(1);
    expect(kernel.list()).toEqual([]);
    expect(meter.snapshot().get("processes_started_total")).toBe(0);
  });

  test("that its caller gives up ends the process and cuts init off", async () => {
    const { kernel, name, clock } = world();
    const caller = new AbortController();
    let signal: AbortSignal | undefined;
    const definition = defineProcess({
      name: name(),
      init: (_: undefined, context) => {
        signal = context.signal;
        return gate<object>().promise;
      },
    });
    const code = codeOf(kernel.spawn(definition, undefined, { signal: caller.signal }));
    await clock.settle();
    expect(signal?.aborted).toBe(false);
    caller.abort();
    expect(await clock.run(code)).toBe("ERR_ABORTED");
    expect(signal?.aborted).toBe(true);
    const late = kernel.spawn(definition, undefined, { signal: caller.signal });
    expect(await clock.run(codeOf(late))).toBe("ERR_ABORTED");
  });

  test("that gives itself up ends the process, whatever its init gives or throws", async () => {
    const { kernel, name, clock } = world();
    const gives: readonly (() => unknown)[] = [
      () => ({}),
      () => Promise.resolve({}),
      () => {
        throw new Error("thrown after it gave up");
      },
    ];
    for (const give of gives) {
      const caller = new AbortController();
      const definition = defineProcess({
        name: name(),
        init: () => {
          caller.abort();
          return give() as object;
        },
      });
      const code = codeOf(kernel.spawn(definition, undefined, { signal: caller.signal }));
      expect(await clock.run(code)).toBe("ERR_ABORTED");
      expect(kernel.list()).toEqual([]);
    }
  });

  test("that is killed meanwhile fails, and what init gives later is ignored", async () => {
    const { kernel, name, clock, watch } = world();
    const until = gate<object>();
    let pid: Pid | undefined;
    const definition = defineProcess({
      name: name(),
      init: (_: undefined, context) => {
        pid = context.self;
        return until.promise;
      },
    });
    const code = codeOf(kernel.spawn(definition, undefined));
    const reasons = watch(pid as Pid);
    kernel.exit(pid as Pid, KILLED);
    expect(await clock.run(code)).toBe("ERR_INIT_FAILED");
    until.open({});
    await clock.settle();
    expect(reasons).toEqual([KILLED]);
    expect(kernel.list()).toEqual([]);
  });

  test("serial numbers are never used twice", async () => {
    const { name, start, kernel, clock } = world();
    const definition = worker(name());
    const first = await start(definition);
    kernel.exit(first.pid, KILLED);
    await clock.settle();
    expect((await start(definition)).pid.serial).toBeGreaterThan(first.pid.serial);
  });

  test("is refused beyond processesMax, and possible again when one has ended", async () => {
    const { name, start, kernel } = world({ processesMax: 1 });
    const definition = worker(name());
    const { pid } = await start(definition);
    expect(await codeOf(start(definition))).toBe("ERR_QUEUE_FULL");
    kernel.exit(pid, KILLED);
    await start(definition);
  });
});

describe("an exit", () => {
  test("lets the message in progress finish, runs terminate, then tells monitors", async () => {
    const { kernel, name, start, clock } = world();
    const events: string[] = [];
    const until = gate();
    const { pid, ref } = await start(worker(name(), events, until.promise));
    kernel.monitor(pid, (reason) => events.push(`down ${reason.type}`));
    const hanging = ref.call("hang").then(() => events.push("answered"));
    await clock.settle();
    kernel.exit(pid, SHUTDOWN);
    await clock.settle();
    expect(events).toEqual([]);
    until.open();
    await clock.run(hanging);
    await clock.settle();
    expect(events).toEqual(["answered", "terminate shutdown", "down shutdown"]);
  });

  test("refuses what waits and what comes: it did not run", async () => {
    const { kernel, name, start, clock } = world();
    const journal: string[] = [];
    const { pid, ref } = await start(worker(name(), journal));
    const waiting = codeOf(ref.call("ping"));
    ref.cast("note", "waiting");
    kernel.exit(pid, NORMAL);
    expect(kernel.deliver(pid, call("ping"))).toBe("no-process");
    expect(await clock.run(waiting)).toBe("ERR_NO_PROCESS");
    await clock.settle();
    expect(journal).toEqual(["terminate normal"]);
  });

  test("never calls anybody inside itself", async () => {
    const { kernel, name, start, clock } = world();
    const journal: string[] = [];
    const { pid } = await start(worker(name(), journal));
    const waiting = call("ping");
    kernel.deliver(pid, waiting);
    kernel.monitor(pid, () => journal.push("down"));
    kernel.exit(pid, KILLED);
    expect([journal, waiting.answers]).toEqual([[], []]);
    await clock.settle();
    expect(journal).toEqual(["down"]);
    expect(waiting.answers).toHaveLength(1);
  });

  test("killed does not wait: the running call's outcome is unknown, and terminate does not run", async () => {
    const { kernel, name, start, clock, watch } = world();
    const journal: string[] = [];
    const until = gate();
    const { pid, ref } = await start(worker(name(), journal, until.promise));
    const reasons = watch(pid);
    const running = codeOf(ref.call("hang"));
    const waiting = codeOf(ref.call("ping"));
    await clock.settle();
    kernel.exit(pid, KILLED);
    expect(await clock.run(running)).toBe("ERR_OUTCOME_UNKNOWN");
    expect(await clock.run(waiting)).toBe("ERR_NO_PROCESS");
    until.open();
    await clock.settle();
    expect(reasons).toEqual([KILLED]);
    expect(journal).toEqual([]);
  });

  test("killed ends a process that was only asked before", async () => {
    const { kernel, name, start, clock, watch } = world();
    const { pid, ref } = await start(worker(name()));
    const reasons = watch(pid);
    ref.call("hang").catch(() => {});
    await clock.settle();
    kernel.exit(pid, SHUTDOWN);
    kernel.exit(pid, NORMAL);
    await clock.settle();
    expect(reasons).toEqual([]);
    kernel.exit(pid, KILLED);
    await clock.settle();
    expect(reasons).toEqual([KILLED]);
  });

  test.each<ExitReason>([
    { type: "node-down", node: "1".repeat(32) as Pid["node"] },
    { type: "error", error: coreErrors.ERR_CLOSED("x", { what: "x" }) },
  ])("for an unorderly reason does not run terminate: %o", async (reason) => {
    const { kernel, name, start, clock, watch } = world();
    const journal: string[] = [];
    const { pid } = await start(worker(name(), journal));
    const reasons = watch(pid);
    kernel.exit(pid, reason);
    await clock.settle();
    expect([reasons, journal]).toEqual([[reason], []]);
  });

  test("a terminate that hangs or throws ends all the same, within its limit", async () => {
    const { kernel, name, start, clock, watch, logger } = world({ terminateMsMax: 100 });
    for (const how of ["hangs", "throws", "rejects"] as const) {
      const definition = defineProcess({
        name: name(),
        init: () => ({}),
        terminate: () => {
          if (how === "hangs") return gate().promise;
          if (how === "throws") throw new Error("terminate");
          return Promise.reject(new Error("terminate"));
        },
      });
      const { pid } = await start(definition);
      const reasons = watch(pid);
      kernel.exit(pid, NORMAL);
      await clock.settle();
      expect(reasons).toEqual(how === "hangs" ? [] : [NORMAL]);
      await clock.advance(100);
      expect(reasons).toEqual([NORMAL]);
      expect(logger.lines.at(-1)?.message).toContain("terminate");
      expect(clock.pendingTimers).toBe(0);
    }
  });

  test("of itself, from a handler, lets the handler answer first", async () => {
    const { kernel, name, start, clock, watch } = world();
    const definition = defineProcess({
      name: name(),
      init: () => ({}),
      call: {
        stop: ({ self }) => {
          kernel.exit(self, NORMAL);
          return "stopped";
        },
        die: ({ self }) => kernel.exit(self, KILLED),
      },
    });
    const one = await start(definition);
    const reasons = watch(one.pid);
    expect(await clock.run(one.ref.call("stop"))).toBe("stopped");
    await clock.settle();
    expect(reasons).toEqual([NORMAL]);
    const other = await start(definition);
    expect(await clock.run(codeOf(other.ref.call("die")))).toBe("ERR_OUTCOME_UNKNOWN");
  });

  test("of a process that does not exist does nothing", () => {
    const { kernel } = world();
    kernel.exit({ node: kernel.node, boot: kernel.boot, serial: 7 }, KILLED);
  });
});

describe("a monitor", () => {
  test("of an ended process is told its reason in a later turn", async () => {
    const { kernel, name, start, clock, watch } = world();
    const { pid } = await start(worker(name()));
    kernel.exit(pid, SHUTDOWN);
    await clock.settle();
    const reasons = watch(pid);
    expect(reasons).toEqual([]);
    await clock.settle();
    expect(reasons).toEqual([SHUTDOWN]);
  });

  test("of one that ended long ago, or never was, is told that there is none", async () => {
    const { kernel, name, start, clock, watch } = world({ endedReasonsMax: 1 });
    const definition = worker(name());
    const pids = [(await start(definition)).pid, (await start(definition)).pid];
    for (const pid of pids) kernel.exit(pid, KILLED);
    await clock.settle();
    const [old, recent] = pids.map(watch);
    const stale = watch({ ...(pids[1] as Pid), boot: "f".repeat(24) as Pid["boot"] });
    await clock.settle();
    expect(recent).toEqual([KILLED]);
    for (const reasons of [old, stale]) {
      expect(reasons).toMatchObject([{ type: "error", error: { code: "ERR_NO_PROCESS" } }]);
    }
  });

  test("is told once each, in order, unless it was stopped", async () => {
    const { kernel, name, start, clock } = world();
    const { pid } = await start(worker(name()));
    const told: string[] = [];
    kernel.monitor(pid, () => {
      told.push("first");
      throw new Error("first");
    });
    const stop = kernel.monitor(pid, () => told.push("stopped"));
    kernel.monitor(pid, () => told.push("third"));
    stop();
    stop();
    kernel.exit(pid, KILLED);
    kernel.exit(pid, KILLED);
    await clock.settle();
    expect(told).toEqual(["first", "third"]);
  });

  test("stopped between the end and the notice is not told", async () => {
    const { kernel, name, start, clock } = world();
    const { pid } = await start(worker(name()));
    const told: ExitReason[] = [];
    const stop = kernel.monitor(pid, (reason) => told.push(reason));
    kernel.exit(pid, KILLED);
    stop();
    await clock.settle();
    expect(told).toEqual([]);
  });
});

describe("links", () => {
  async function linked(count: number) {
    const all = world();
    const definition = worker(all.name());
    const pids: Pid[] = [];
    for (let i = 0; i < count; i++) pids.push((await all.start(definition)).pid);
    for (let i = 1; i < count; i++) all.kernel.link(pids[i - 1] as Pid, pids[i] as Pid);
    return { ...all, pids, reasons: pids.map(all.watch) };
  }

  test("an unorderly end goes down the whole chain, with the first reason", async () => {
    const { kernel, clock, pids, reasons } = await linked(4);
    kernel.exit(pids[1] as Pid, KILLED);
    await clock.settle();
    const expected = { type: "linked", pid: pids[1], reason: KILLED };
    expect(reasons).toEqual([[expected], [KILLED], [expected], [expected]]);
  });

  test("a chain of ten thousand ends without exhausting the stack", async () => {
    const { kernel, clock, pids } = await linked(10_000);
    kernel.exit(pids[0] as Pid, KILLED);
    await clock.settle();
    expect(kernel.list()).toEqual([]);
  });

  test("an orderly end leaves the others alone", async () => {
    const { kernel, clock, pids, reasons } = await linked(2);
    kernel.exit(pids[0] as Pid, SHUTDOWN);
    await clock.settle();
    expect(reasons).toEqual([[SHUTDOWN], []]);
  });

  test("undone, they have no effect", async () => {
    const { kernel, clock, name, start, watch } = world();
    const definition = worker(name());
    const [a, b] = [await start(definition), await start(definition)];
    const unlink = kernel.link(a.pid, b.pid);
    const reasons = watch(b.pid);
    unlink();
    kernel.exit(a.pid, KILLED);
    await clock.settle();
    expect(reasons).toEqual([]);
  });

  test("to a process that has failed, or that never was, end the other", async () => {
    const { kernel, clock, name, start, watch } = world();
    const definition = worker(name());
    const dead = await start(definition);
    kernel.exit(dead.pid, KILLED);
    const one = await start(definition);
    const other = await start(definition);
    const [first, second] = [watch(one.pid), watch(other.pid)];
    kernel.link(one.pid, dead.pid);
    kernel.link({ ...dead.pid, serial: 99 }, other.pid);
    await clock.settle();
    expect(first).toEqual([{ type: "linked", pid: dead.pid, reason: KILLED }]);
    expect(second).toMatchObject([{ type: "linked", reason: { type: "error" } }]);
  });

  test("to oneself mean nothing, and to another node are refused", async () => {
    const { kernel, name, start } = world();
    const { pid } = await start(worker(name()));
    kernel.link(pid, { ...pid })();
    const stranger = { ...pid, node: "0".repeat(32) as Pid["node"] };
    expect(() => kernel.link(pid, stranger)).toThrow(/ties processes of one node/);
  });

  test("a child spawned with link shuts down with its parent, but not the other way round", async () => {
    const { kernel, clock, name, start, watch } = world();
    const journal: string[] = [];
    const definition = worker(name(), journal);
    const { pid: parent } = await start(definition, "parent ");
    const child = await kernel.spawn(definition, "child ", { parent, link: true });
    const other = await kernel.spawn(definition, "other ", { parent, link: true });
    const unlinked = await kernel.spawn(definition, "free ", { parent });
    const reasons = [child, other, parent, unlinked].map(watch);
    kernel.exit(child, NORMAL);
    await clock.settle();
    kernel.exit(parent, NORMAL);
    await clock.settle();
    expect(reasons).toEqual([[NORMAL], [SHUTDOWN], [NORMAL], []]);
    expect(journal).toEqual([
      "child terminate normal",
      "parent terminate normal",
      "other terminate shutdown",
    ]);
    const orphan = kernel.spawn(definition, "", { parent, link: true });
    expect(await clock.run(codeOf(orphan))).toBe("ERR_NO_PROCESS");
  });

  test("a child whose init fails does not take its parent along", async () => {
    const { kernel, clock, name, start, watch } = world();
    const { pid: parent } = await start(worker(name()));
    const reasons = watch(parent);
    const failing = defineProcess({
      name: name(),
      init: () => {
        throw new Error("init");
      },
    });
    const code = codeOf(kernel.spawn(failing, undefined, { parent, link: true }));
    expect(await clock.run(code)).toBe("ERR_INIT_FAILED");
    await clock.settle();
    expect(reasons).toEqual([]);
  });
});

describe("close", () => {
  test("ends all in reverse order of their start, and starts nothing more", async () => {
    const { kernel, clock, name, start } = world();
    const journal: string[] = [];
    const definition = worker(name(), journal);
    for (const label of ["1 ", "2 ", "3 "]) await start(definition, label);
    const closed = kernel.close();
    expect(await codeOf(kernel.spawn(definition, ""))).toBe("ERR_CLOSED");
    await clock.run(Promise.all([closed, kernel.close()]));
    expect(journal.map((line) => line[0])).toEqual(["3", "2", "1"]);
    expect(kernel.list()).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("kills what has not ended after the grace period, all together", async () => {
    const { kernel, clock, name, start, watch } = world();
    const definition = worker(name());
    const started = [await start(definition), await start(definition)];
    const reasons = started.map(({ pid }) => watch(pid));
    for (const { ref } of started) ref.call("hang").catch(() => {});
    await clock.settle();
    const before = clock.now();
    await clock.run(kernel.close({ graceMs: 700 }));
    expect(clock.now() - before).toBe(700);
    expect(reasons).toEqual([[KILLED], [KILLED]]);
  });

  test("waits for no init that hangs longer than the grace period", async () => {
    const { kernel, clock, name } = world();
    const definition = defineProcess({ name: name(), init: () => gate<object>().promise });
    const spawned = codeOf(kernel.spawn(definition, undefined));
    await clock.run(kernel.close({ graceMs: 100 }));
    expect(await clock.run(spawned)).toBe("ERR_INIT_FAILED");
  });
});

describe("the turns of the event loop", () => {
  test("come after turnMessagesMax messages, so that input and output are not starved", async () => {
    const { kernel, clock, name, start } = world({ turnMessagesMax: 10, batchMessagesMax: 4 });
    const journal: string[] = [];
    const { pid } = await start(worker(name(), journal));
    for (let n = 0; n < 25; n++) kernel.deliver(pid, cast("note", `${n}`));
    for (let microtask = 0; microtask < 100; microtask++) await null;
    expect(journal).toHaveLength(10);
    await clock.settle();
    expect(journal).toEqual(Array.from({ length: 25 }, (_, n) => `${n}`));
  });

  test("two processes that never stop talking leave turns to others", async () => {
    const { kernel, clock, name, start } = world({ turnMessagesMax: 50 });
    const sent = { count: 0 };
    const definition = defineProcess({
      name: name(),
      init: () => ({ peer: undefined as Pid | undefined }),
      cast: {
        meet: ({ state }, peer: Pid) => void (state.peer = peer),
        ping: ({ state, self }) => {
          if (++sent.count < 1_000 && state.peer) kernel.deliver(state.peer, cast("ping"));
          expect(self).not.toEqual(state.peer);
        },
      },
    });
    const [a, b] = [await start(definition), await start(definition)];
    a.ref.cast("meet", b.pid);
    b.ref.cast("meet", a.pid);
    a.ref.cast("ping");
    for (let microtask = 0; microtask < 500; microtask++) await null;
    expect(sent.count).toBeLessThanOrEqual(50);
    await clock.settle();
    expect(sent.count).toBe(1_000);
  });

  test("a process with many messages does not keep others waiting for all of them", async () => {
    const { kernel, name, start } = world({ batchMessagesMax: 4 });
    const journal: string[] = [];
    const definition = worker(name(), journal);
    const [busy, quick] = [await start(definition, "busy "), await start(definition, "quick ")];
    for (let n = 0; n < 12; n++) kernel.deliver(busy.pid, cast("note", `${n}`));
    quick.ref.cast("note", "!");
    for (let microtask = 0; microtask < 20; microtask++) await null;
    expect(journal.indexOf("quick !")).toBe(4);
    expect(journal).toHaveLength(13);
  });

  test("slow handlers give the turn back after turnMsMax", async () => {
    const { kernel, clock, name, start } = world({ turnMsMax: 10 });
    const journal: number[] = [];
    let nowMs = 0;
    const now = clock.now;
    clock.now = () => nowMs;
    const definition = defineProcess({
      name: name(),
      init: () => ({}),
      cast: {
        work: (_context, n: number) => {
          nowMs += 4;
          journal.push(n);
        },
      },
    });
    const { pid } = await start(definition);
    for (let n = 0; n < 6; n++) kernel.deliver(pid, cast("work", n));
    for (let microtask = 0; microtask < 20; microtask++) await null;
    expect(journal).toEqual([0, 1, 2]);
    await clock.settle();
    expect(journal).toEqual([0, 1, 2, 3, 4, 5]);
    clock.now = now;
  });
});

describe("what the meter shows", () => {
  test("is what started, ended, ran and was dropped", async () => {
    const { kernel, clock, name, start, meter } = world();
    const definition = worker(name());
    const one = await start(definition);
    const two = await start(definition);
    await clock.run(one.ref.call("ping"));
    await clock.run(codeOf(two.ref.call("crash")));
    kernel.exit(one.pid, SHUTDOWN);
    await clock.settle();
    expect(Object.fromEntries(meter.snapshot())).toMatchObject({
      processes_running: 0,
      processes_started_total: 2,
      process_messages_total: 2,
      'processes_ended_total{reason="error"}': 1,
      'processes_ended_total{reason="shutdown"}': 1,
    });
  });
});

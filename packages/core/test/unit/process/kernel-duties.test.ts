/** What a process may be asked beyond running messages: to act only with its lease, to keep its state. */
import { describe, expect, test } from "@jest/globals";
import { coreErrors } from "../../../src/errors/index.js";
import { defineProcess } from "../../../src/process/define-process.js";
import { createKernel } from "../../../src/process/kernel.js";
import { localRef } from "../../../src/process/local-ref.js";
import type { Clock } from "../../../src/ports/clock.js";
import { createBoot, createNodeId } from "../../../src/ids/index.js";
import { memoryRuntime } from "../../../src/testing/index.js";
import type { ProcessSnapshot } from "../../../src/process/kernel-port.js";
import { call, codeOf, gate, SHUTDOWN, world } from "./world.js";

const LEASE_LOST = { type: "lease-lost" };

function bank(name: string) {
  return defineProcess({
    name,
    init: () => ({ total: 0 }),
    call: {
      add: ({ state }, by: number) => (state.total += by),
      slow: async ({ state }, until: Promise<void>) => {
        await until;
        return state.total;
      },
      refuse: () => {
        throw coreErrors.ERR_CLOSED("the bank is closed", { what: "bank" });
      },
      crash: () => {
        throw new Error("crash");
      },
      token: ({ token }) => token,
    },
    terminate: () => {
      throw new Error("terminate must not run without a lease");
    },
  });
}

describe("a process with a lease", () => {
  test("tells its handlers the token, and one without has none", async () => {
    const { kernel, name, ref, start, clock } = world();
    const definition = bank(name());
    const lease = { token: 7, isHeld: true };
    const pid = await kernel.spawn(definition, undefined, { lease });
    expect(await clock.run(ref(definition, pid).call("token"))).toBe(7);
    const free = await start(definition);
    expect(await clock.run(free.ref.call("token"))).toBeUndefined();
  });

  test("runs nothing once it is lost: the callers hear that nothing ran", async () => {
    const { kernel, name, ref, clock, watch, logger } = world();
    const definition = bank(name());
    const lease = { token: 1, isHeld: true };
    const pid = await kernel.spawn(definition, undefined, { lease });
    const reasons = watch(pid);
    lease.isHeld = false;
    const account = ref(definition, pid);
    const codes = [codeOf(account.call("add", 1)), codeOf(account.call("add", 2))];
    expect(await Promise.all(codes)).toEqual(["ERR_NO_PROCESS", "ERR_NO_PROCESS"]);
    await clock.settle();
    expect(reasons).toEqual([LEASE_LOST]);
    expect(logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  test.each(["slow", "refuse", "crash"] as const)(
    "gives no answer without it: the outcome of %s is unknown",
    async (handler) => {
      const { kernel, name, clock, watch } = world();
      const lease = { token: 1, isHeld: true };
      const pid = await kernel.spawn(bank(name()), undefined, { lease });
      const reasons = watch(pid);
      const started = () => void (lease.isHeld = false);
      const message = call(handler, { payload: Promise.resolve(), started });
      kernel.deliver(pid, message);
      await clock.settle();
      expect(message.answers).toMatchObject([
        { ok: false, error: { code: "ERR_OUTCOME_UNKNOWN" } },
      ]);
      expect(reasons).toEqual([LEASE_LOST]);
    },
  );

  test("that is told of the loss ends at once, in the middle of a message", async () => {
    const { kernel, name, clock, watch } = world();
    const lease = { token: 1, isHeld: true };
    const pid = await kernel.spawn(bank(name()), undefined, { lease });
    const reasons = watch(pid);
    const message = call("slow", { payload: gate().promise });
    kernel.deliver(pid, message);
    await clock.settle();
    kernel.exit(pid, { type: "lease-lost" });
    await clock.settle();
    expect(message.answers).toMatchObject([{ error: { code: "ERR_OUTCOME_UNKNOWN" } }]);
    expect(reasons).toEqual([LEASE_LOST]);
  });

  test("does not start when the lease is lost while init runs", async () => {
    const { kernel, name, clock } = world();
    const lease = { token: 1, isHeld: true };
    const until = gate();
    const definition = defineProcess({ name: name(), init: () => until.promise });
    const started = codeOf(kernel.spawn(definition, undefined, { lease }));
    lease.isHeld = false;
    until.open();
    expect(await clock.run(started)).toBe("ERR_INIT_FAILED");
    expect(kernel.list()).toEqual([]);
  });
});

function keeper(name: string, persist: "manual" | "each-message" | { every: number }) {
  return defineProcess({
    name,
    version: 4,
    persist,
    init: () => ({ total: 0 }),
    call: {
      add: ({ state }, by: number) => (state.total += by),
      keep: async ({ state, persist: keep }, by: number) => {
        state.total += by;
        await keep();
      },
    },
    cast: { add: ({ state }, by: number) => void (state.total += by) },
  });
}

describe("a process whose state is kept", () => {
  test("keeps it when its handler says so", async () => {
    const { kernel, name, ref, clock } = world();
    const kept: ProcessSnapshot[] = [];
    const definition = keeper(name(), "manual");
    const onPersist = (snapshot: ProcessSnapshot) => void kept.push(snapshot);
    const pid = await kernel.spawn(definition, undefined, { onPersist });
    await clock.run(ref(definition, pid).call("add", 1));
    expect(kept).toEqual([]);
    await clock.run(ref(definition, pid).call("keep", 2));
    expect(kept).toEqual([{ state: { total: 3 }, version: 4 }]);
  });

  test("is told so when nothing keeps it, and when its lease is lost", async () => {
    const { kernel, name, ref, start, clock } = world();
    const definition = keeper(name(), "manual");
    const { ref: alone } = await start(definition);
    expect(await codeOf(clock.run(alone.call("keep", 1)))).toBe("ERR_INVALID_ARGUMENT");
    const lease = { token: 1, isHeld: true };
    let kept = 0;
    const onPersist = () => void kept++;
    const pid = await kernel.spawn(definition, undefined, { lease, onPersist });
    kernel.deliver(pid, call("keep", { started: () => void (lease.isHeld = false) }));
    await clock.settle();
    expect(kept).toBe(0);
    expect(ref(definition, pid)).toBeDefined();
  });

  test("answers a call only after its state is kept, where each message is", async () => {
    const { kernel, name, clock } = world();
    const gates = [gate(), gate()];
    const kept: unknown[] = [];
    const onPersist = ({ state }: ProcessSnapshot) => gates[kept.push(state) - 1]?.promise;
    const pid = await kernel.spawn(keeper(name(), "each-message"), undefined, {
      onPersist: (snapshot) => onPersist(snapshot) ?? Promise.resolve(),
    });
    const [first, second] = [call("add", { payload: 1 }), call("add", { payload: 2 })];
    kernel.deliver(pid, first);
    kernel.deliver(pid, second);
    await clock.settle();
    expect([kept, first.answers, second.answers]).toEqual([[{ total: 1 }], [], []]);
    gates[0]?.open();
    await clock.settle();
    expect(first.answers).toEqual([{ ok: true, value: 1 }]);
    expect([kept, second.answers]).toEqual([[{ total: 1 }, { total: 3 }], []]);
    gates[1]?.open();
    await clock.settle();
    expect(second.answers).toEqual([{ ok: true, value: 3 }]);
  });

  test("ends when its state cannot be kept: what it knows and what is kept must not part", async () => {
    const { kernel, name, clock, watch } = world();
    const pid = await kernel.spawn(keeper(name(), "each-message"), undefined, {
      onPersist: () => Promise.reject(new Error("disk full")),
    });
    const reasons = watch(pid);
    const message = call("add", { payload: 1 });
    kernel.deliver(pid, message);
    await clock.settle();
    expect(message.answers).toMatchObject([{ error: { code: "ERR_OUTCOME_UNKNOWN" } }]);
    expect(reasons).toMatchObject([{ type: "error", error: { code: "ERR_HANDLER_FAILED" } }]);
  });

  test("is kept so long after the first change, and not at all while nothing changes", async () => {
    const { kernel, name, ref, clock } = world();
    const kept: unknown[] = [];
    const definition = keeper(name(), { every: 1_000 });
    const pid = await kernel.spawn(definition, undefined, {
      onPersist: ({ state }) => void kept.push(state),
    });
    await clock.advance(10_000);
    expect(kept).toEqual([]);
    for (let n = 0; n < 30; n++) {
      ref(definition, pid).cast("add", 1);
      await clock.advance(100);
    }
    expect(kept).toEqual([{ total: 10 }, { total: 20 }, { total: 30 }]);
    await clock.advance(10_000);
    expect(kept).toEqual([{ total: 10 }, { total: 20 }, { total: 30 }]);
  });

  test("is kept once more before an end in order", async () => {
    const { kernel, name, ref, clock, watch } = world();
    const kept: unknown[] = [];
    const definition = keeper(name(), { every: 1_000 });
    const pid = await kernel.spawn(definition, undefined, {
      onPersist: async ({ state }) => void kept.push(state),
    });
    const reasons = watch(pid);
    await clock.run(ref(definition, pid).call("add", 5));
    kernel.exit(pid, SHUTDOWN);
    await clock.settle();
    expect(kept).toEqual([{ total: 5 }]);
    expect(reasons).toEqual([SHUTDOWN]);
  });

  test("is tried again when a regular snapshot was not kept", async () => {
    const { kernel, name, ref, clock } = world();
    let tries = 0;
    const definition = keeper(name(), { every: 1_000 });
    const pid = await kernel.spawn(definition, undefined, {
      onPersist: () => {
        if (++tries < 3) throw new Error("disk full");
      },
    });
    ref(definition, pid).cast("add", 1);
    await clock.advance(10_000);
    expect(tries).toBe(3);
    expect(kernel.find(pid)).toBeDefined();
  });
});

describe("a process that hibernates", () => {
  const sleepy = (name: string, init: () => unknown = () => ({ total: 1 })) =>
    defineProcess({
      name,
      hibernateAfter: "1s",
      init,
      call: { total: ({ state }) => (state as { total: number }).total++ },
    });

  test("goes on where it was, with one timer for all and none while all sleep", async () => {
    const { kernel, name, start, clock, meter } = world();
    const definition = sleepy(name());
    const all = await Promise.all([start(definition), start(definition), start(definition)]);
    await clock.advance(900);
    expect(await clock.run((all[0] as (typeof all)[0]).ref.call("total"))).toBe(1);
    await clock.advance(150);
    expect(meter.value("process_hibernations_total")).toBe(2);
    await clock.advance(1_000);
    expect(meter.value("process_hibernations_total")).toBe(3);
    expect(clock.pendingTimers).toBe(0);
    for (const [n, { pid, ref }] of all.entries()) {
      const total = n === 0 ? 2 : 1;
      expect(await clock.run(kernel.snapshot(pid))).toMatchObject({ state: { total } });
      expect(await clock.run(ref.call("total"))).toBe(total);
    }
  });

  test("can be frozen asleep, and stays awake when its state is not plain data", async () => {
    const { kernel, name, start, clock, logger } = world();
    const { pid } = await start(sleepy(name()));
    const odd = await start(sleepy(name(), () => ({ total: 5, run: () => 1 })));
    await clock.advance(2_000);
    expect(await clock.run(kernel.freeze(pid))).toMatchObject({ state: { total: 1 } });
    expect(await clock.run(odd.ref.call("total"))).toBe(5);
    await clock.advance(5_000);
    expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  test("shows terminate its state", async () => {
    const { kernel, name, start, clock } = world();
    const seen: unknown[] = [];
    const definition = defineProcess({
      name: name(),
      hibernateAfter: 100,
      init: () => ({ total: 9 }),
      terminate: ({ state }) => void seen.push(state),
    });
    const { pid } = await start(definition);
    await clock.advance(500);
    kernel.exit(pid, SHUTDOWN);
    await clock.settle();
    expect(seen).toEqual([{ total: 9 }]);
  });
});

describe("a share of the mailbox", () => {
  test.each(["refuse", "drop-oldest"] as const)(
    "bounds the messages of one handler and leaves room for others (%s)",
    async (overflow) => {
      const { kernel, name, clock } = world();
      const definition = defineProcess({
        name: name(),
        init: () => ({ seen: 0 }),
        call: { seen: ({ state }) => state.seen },
        cast: { log: ({ state }) => void state.seen++, note: () => {} },
        mailbox: { limit: 4, overflow, handlers: { log: 2 } },
      });
      const pid = await kernel.spawn(definition, undefined);
      const send = (handler: string) =>
        kernel.deliver(pid, {
          type: "cast",
          handler,
          payload: undefined,
          sender: undefined,
          trace: undefined,
        });
      const sent = ["log", "log", "log", "note", "note"].map(send);
      expect(sent).toEqual(["accepted", "accepted", "mailbox-full", "accepted", "accepted"]);
      // The mailbox is full now: whoever drops the oldest makes room in the share, too.
      expect(send("note")).toBe(overflow === "refuse" ? "mailbox-full" : "accepted");
      await clock.settle();
      expect(["log", "log", "log"].map(send)).toEqual(["accepted", "accepted", "mailbox-full"]);
    },
  );
});

describe("a handler that keeps the event loop", () => {
  test("is named in the log with its time, once in a while, and counted", async () => {
    const runtime = memoryRuntime({ seed: "blocked" });
    const { logger, meter, random } = runtime;
    // Time that passes while a handler computes, which no virtual clock knows of.
    let computedMs = 0;
    const clock: Clock = {
      now: () => runtime.clock.now() + computedMs,
      wallNow: () => runtime.clock.wallNow(),
      setTimer: (delayMs, fn) => runtime.clock.setTimer(delayMs, fn),
      sleep: (delayMs, options) => runtime.clock.sleep(delayMs, options),
      endOfTurn: (fn) => runtime.clock.endOfTurn(fn),
    };
    const kernel = createKernel({
      node: createNodeId(random),
      boot: createBoot(1, random),
      runtime: { clock, logger, meter },
      limits: { blockedReportMs: 1_000 },
    });
    const definition = defineProcess({
      name: "duties.blocked",
      init: () => ({}),
      call: { compute: async () => void (computedMs += 80), quick: () => void (computedMs += 50) },
    });
    const pid = await kernel.spawn(definition, undefined);
    const ref = localRef({ kernel, clock, definition, pid });
    for (let n = 0; n < 3; n++) await runtime.clock.run(ref.call("compute"));
    await runtime.clock.run(ref.call("quick"));
    const warnings = () => logger.lines.filter(({ level }) => level === "warn");
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatchObject({
      fields: { definition: definition.name, handler: 'call "compute"', durationMs: 80 },
    });
    expect(meter.value("process_loop_blocked_total")).toBe(3);
    computedMs += 1_000;
    await runtime.clock.run(ref.call("compute"));
    expect(warnings()[1]).toMatchObject({ fields: { unreportedSince: 2 } });
  });
});

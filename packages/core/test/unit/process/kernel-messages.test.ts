/** Calls, casts and infos: what runs, in which order, and what the caller is told. */
import { describe, expect, test } from "@jest/globals";
import { currentTrace, runWithTrace } from "../../../src/context/trace-scope.js";
import { coreErrors } from "../../../src/errors/index.js";
import { defineProcess } from "../../../src/process/define-process.js";
import type { ProcessContext } from "../../../src/process/definition.js";
import { call, cast, codeOf, gate, info, KILLED, SHUTDOWN, world } from "./world.js";

const trace = { traceId: "1".repeat(32), spanId: "2".repeat(16), flags: 1 };

function journalProcess(name: string) {
  return defineProcess({
    name,
    init: () => ({ journal: [] as string[] }),
    call: {
      note: ({ state }, text: string) => state.journal.push(text),
      slow: async ({ state }, until: Promise<void>) => {
        state.journal.push("slow begins");
        await until;
        state.journal.push("slow ends");
      },
      journal: ({ state }) => state.journal,
    },
    cast: { note: ({ state }, text: string) => void state.journal.push(`cast ${text}`) },
    info: ({ state }, payload) => void state.journal.push(`info ${String(payload)}`),
  });
}

describe("messages of one process", () => {
  test("run in the order they were sent, whatever their kind", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(journalProcess(name()));
    ref.cast("note", "1");
    kernel.deliver(pid, info("2"));
    const third = ref.call("note", "3");
    ref.cast("note", "4");
    await clock.run(third);
    expect(await clock.run(ref.call("journal"))).toEqual(["cast 1", "info 2", "3", "cast 4"]);
  });

  test("nothing runs inside deliver", async () => {
    const { kernel, name, start } = world();
    const { pid } = await start(journalProcess(name()));
    const message = call("journal");
    expect(kernel.deliver(pid, message)).toBe("accepted");
    expect(message.answers).toEqual([]);
    await null;
    expect(message.answers).toEqual([{ ok: true, value: [] }]);
  });

  test("an async handler is awaited before the next message begins", async () => {
    const { name, start, clock } = world();
    const { ref } = await start(journalProcess(name()));
    const until = gate();
    const slow = ref.call("slow", until.promise);
    const note = ref.call("note", "after");
    await clock.settle();
    until.open();
    await clock.run(Promise.all([slow, note]));
    expect(await clock.run(ref.call("journal"))).toEqual(["slow begins", "slow ends", "after"]);
  });

  test("a handler that never returns disturbs no other process and not its neighbours' calls", async () => {
    const { name, start, clock } = world();
    const definition = journalProcess(name());
    const stuck = await start(definition);
    const well = await start(definition);
    const never = codeOf(stuck.ref.call("slow", gate().promise, { timeout: "2s" }));
    expect(await clock.run(well.ref.call("note", "fine"))).toBe(1);
    expect(await clock.run(never)).toBe("ERR_OUTCOME_UNKNOWN");
    expect(await clock.run(well.ref.call("note", "still fine"))).toBe(2);
  });

  test("state is changed in place or replaced, also through a destructured setState", async () => {
    const { name, start, clock } = world();
    const definition = defineProcess({
      name: name(),
      init: async (from: number) => ({ total: from }),
      call: {
        set: ({ setState }, total: number) => setState({ total }),
        total: (context) => context.state.total,
        later: async (context, total: number) => {
          context.setState({ total });
          await null;
          return context.state.total;
        },
      },
    });
    const { ref } = await start(definition, 3);
    expect(await clock.run(ref.call("total"))).toBe(3);
    await clock.run(ref.call("set", 5));
    expect(await clock.run(ref.call("later", 7))).toBe(7);
    expect(await clock.run(ref.call("total"))).toBe(7);
  });

  test("the context says who it is, who sent and in which trace", async () => {
    const { kernel, name, start, logger } = world();
    const seen: unknown[] = [];
    const definition = defineProcess({
      name: name(),
      init: (_: undefined, { self }) => ({ self }),
      cast: {
        look: ({ self, sender, trace: own, state, logger: log }) => {
          seen.push(self === state.self, sender, own, currentTrace());
          log.info("looked");
        },
      },
    });
    const { pid } = await start(definition);
    kernel.deliver(pid, { ...cast("look"), sender: pid.node, trace } as never);
    await null;
    expect(seen).toEqual([true, pid.node, trace, trace]);
    expect(logger.lines.at(-1)?.fields).toMatchObject({ definition: definition.name, serial: 1 });
  });

  test("a handler does not run in the trace of whoever delivered first", async () => {
    const { name, start, clock } = world();
    const definition = defineProcess({
      name: name(),
      init: () => ({}),
      call: { trace: () => currentTrace() ?? "none" },
    });
    const { ref } = await start(definition);
    const inside = runWithTrace(trace, () => ref.call("trace"));
    expect(await clock.run(inside)).toBe("none");
  });
});

describe("what a handler throws", () => {
  function failing(name: string) {
    return defineProcess({
      name,
      init: () => ({ runs: 0 }),
      call: {
        expected: () => {
          throw coreErrors.ERR_INVALID_ARGUMENT("no", { argument: "a", expected: "b", found: "c" });
        },
        expectedLater: async () => {
          await null;
          throw coreErrors.ERR_CLOSED("closed", { what: "shop" });
        },
        crash: () => {
          throw new TypeError("boom");
        },
        crashLater: async () => {
          await null;
          throw Object.create(null);
        },
        runs: ({ state }) => ++state.runs,
      },
      cast: {
        expected: () => {
          throw coreErrors.ERR_CLOSED("closed", { what: "shop" });
        },
        crash: () => {
          throw new Error("boom");
        },
      },
      info: async () => {
        throw new Error("info boom");
      },
    });
  }

  test("a FoundationError is the caller's answer and the process lives on", async () => {
    const { name, start, clock } = world();
    const { ref } = await start(failing(name()));
    expect(await clock.run(codeOf(ref.call("expected")))).toBe("ERR_INVALID_ARGUMENT");
    expect(await clock.run(codeOf(ref.call("expectedLater")))).toBe("ERR_CLOSED");
    expect(await clock.run(ref.call("runs"))).toBe(1);
  });

  test.each(["crash", "crashLater"] as const)(
    "%s: the caller gets ERR_HANDLER_FAILED, who waits gets ERR_NO_PROCESS, then DOWN comes",
    async (handler) => {
      const { kernel, name, start, clock, logger } = world();
      const { pid, ref } = await start(failing(name()));
      const events: string[] = [];
      kernel.monitor(pid, (reason) => events.push(`down ${reason.type}`));
      const crash = codeOf(ref.call(handler)).then((code) => events.push(`${code}`));
      const message = call("runs", {
        reply: (outcome) => events.push(outcome.ok ? "ran" : outcome.error.code),
      });
      kernel.deliver(pid, message);
      await clock.run(crash);
      await clock.settle();
      expect([...events].sort()).toEqual(["ERR_HANDLER_FAILED", "ERR_NO_PROCESS", "down error"]);
      expect(events.indexOf("ERR_NO_PROCESS")).toBeLessThan(events.indexOf("down error"));
      expect(kernel.deliver(pid, call("runs"))).toBe("no-process");
      expect(await clock.run(codeOf(ref.call("runs")))).toBe("ERR_NO_PROCESS");
      expect(logger.lines.some((line) => line.level === "error")).toBe(true);
    },
  );

  test("the crash's error carries what was thrown as its cause", async () => {
    const { name, start, clock, watch } = world();
    const { pid, ref } = await start(failing(name()));
    const reasons = watch(pid);
    const failure = await clock.run(ref.call("crash").catch((error: unknown) => error));
    expect(failure).toMatchObject({ code: "ERR_HANDLER_FAILED", cause: expect.any(TypeError) });
    await clock.settle();
    expect(reasons).toEqual([{ type: "error", error: failure }]);
  });

  test("in a cast, a FoundationError is logged and anything else ends the process", async () => {
    const { name, start, clock, watch, logger } = world();
    const { pid, ref } = await start(failing(name()));
    const reasons = watch(pid);
    ref.cast("expected");
    expect(await clock.run(ref.call("runs"))).toBe(1);
    expect(logger.lines.filter((line) => line.level === "warn")).toHaveLength(1);
    ref.cast("crash");
    await clock.settle();
    expect(reasons).toMatchObject([{ type: "error", error: { code: "ERR_HANDLER_FAILED" } }]);
  });

  test("an info handler that rejects ends the process", async () => {
    const { kernel, name, start, clock, watch } = world();
    const { pid } = await start(failing(name()));
    const reasons = watch(pid);
    kernel.deliver(pid, info("x"));
    await clock.settle();
    expect(reasons).toMatchObject([{ type: "error" }]);
  });

  test("a receiver of answers that throws disturbs nobody", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(failing(name()));
    const reply = () => {
      throw new Error("receiver");
    };
    kernel.deliver(pid, call("runs", { reply, started: reply }));
    expect(await clock.run(ref.call("runs"))).toBe(2);
  });
});

describe("what is not run", () => {
  test("names that Object's prototype has are no handlers", async () => {
    const { kernel, name, start, clock, meter } = world();
    const { pid, ref } = await start(journalProcess(name()));
    const handlers = ["toString", "__proto__", "constructor", "hasOwnProperty", "", "Note"];
    for (const handler of handlers) {
      expect(kernel.deliver(pid, call(handler))).toBe("unknown-handler");
      expect(kernel.deliver(pid, cast(handler))).toBe("unknown-handler");
    }
    const untyped = ref as unknown as { call(name: string): Promise<unknown> };
    expect(await clock.run(codeOf(untyped.call("toString")))).toBe("ERR_UNKNOWN_HANDLER");
    const dropped = meter
      .snapshot()
      .get('process_messages_dropped_total{reason="unknown-handler"}');
    expect(dropped).toBe(handlers.length * 2 + 1);
  });

  test("an info for a process without an info handler is refused and counted", async () => {
    const { kernel, name, start } = world();
    const { pid } = await start(defineProcess({ name: name(), init: () => ({}) }));
    expect(kernel.deliver(pid, info("x"))).toBe("unknown-handler");
  });

  test("a message for another boot, another node or a serial never used finds nobody", async () => {
    const { kernel, name, start } = world();
    const { pid } = await start(journalProcess(name()));
    const strangers = [
      { ...pid, boot: "0".repeat(24) as typeof pid.boot },
      { ...pid, node: "0".repeat(32) as typeof pid.node },
      { ...pid, serial: 99 },
    ];
    for (const stranger of strangers) {
      expect(kernel.deliver(stranger, call("journal"))).toBe("no-process");
    }
  });

  test("a call whose deadline passed while it waited is dropped, unrun and unanswered", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(journalProcess(name()));
    const until = gate();
    const slow = ref.call("slow", until.promise);
    await clock.settle();
    const late = call("note", { payload: "late", deadline: clock.now() + 100 });
    kernel.deliver(pid, late);
    await clock.advance(100);
    until.open();
    await clock.run(slow);
    expect(await clock.run(ref.call("journal"))).toEqual(["slow begins", "slow ends"]);
    expect(late.answers).toEqual([]);
  });

  test("a call whose caller gave up while it waited is dropped and told so", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(journalProcess(name()));
    const caller = new AbortController();
    const unwanted = call("note", { payload: "unwanted", signal: caller.signal });
    kernel.deliver(pid, unwanted);
    caller.abort();
    expect(await clock.run(ref.call("journal"))).toEqual([]);
    expect(unwanted.answers).toMatchObject([{ ok: false, error: { code: "ERR_ABORTED" } }]);
  });

  test("a process that calls itself is told at once, whether it says who it is or not", async () => {
    const { kernel, name, start, clock } = world();
    let callItself: () => Promise<unknown> = async () => undefined;
    const definition = defineProcess({
      name: name(),
      init: () => ({}),
      call: { outer: () => callItself(), inner: () => 1 },
    });
    const { pid, ref } = await start(definition);
    callItself = () => ref.call("inner");
    expect(await clock.run(codeOf(ref.call("outer")))).toBe("ERR_INVALID_ARGUMENT");
    const message = call("inner", { sender: { ...pid } });
    expect(kernel.deliver(pid, message)).toBe("accepted");
    expect(message.answers).toEqual([]);
    await null;
    expect(message.answers).toMatchObject([{ ok: false }]);
    expect(await clock.run(ref.call("inner"))).toBe(1);
  });
});

describe("a full mailbox", () => {
  function counting(name: string, overflow: "refuse" | "drop-oldest") {
    return defineProcess({
      name,
      init: () => ({ seen: [] as number[] }),
      call: { seen: ({ state }) => state.seen },
      cast: { see: ({ state }, n: number) => void state.seen.push(n) },
      mailbox: { limit: 3, overflow },
    });
  }

  test("refuses what comes, and takes more once it has room", async () => {
    const { kernel, name, start, clock } = world();
    const { pid, ref } = await start(counting(name(), "refuse"));
    const outcomes = [1, 2, 3, 4].map((n) => kernel.deliver(pid, cast("see", n)));
    expect(outcomes).toEqual(["accepted", "accepted", "accepted", "mailbox-full"]);
    expect(await clock.run(codeOf(ref.call("seen")))).toBe("ERR_MAILBOX_FULL");
    expect(await clock.run(ref.call("seen"))).toEqual([1, 2, 3]);
  });

  test("drops the oldest cast, never a call", async () => {
    const { kernel, name, start, clock, meter } = world();
    const { pid } = await start(counting(name(), "drop-oldest"));
    const calls = [call("seen"), call("seen"), call("seen")] as const;
    kernel.deliver(pid, calls[0]);
    kernel.deliver(pid, cast("see", 1));
    kernel.deliver(pid, cast("see", 2));
    expect(kernel.deliver(pid, cast("see", 3))).toBe("accepted");
    expect(kernel.deliver(pid, calls[1])).toBe("accepted");
    expect(kernel.deliver(pid, calls[2])).toBe("accepted");
    expect(kernel.deliver(pid, cast("see", 4))).toBe("mailbox-full");
    await clock.settle();
    expect(calls.map((one) => one.answers.length)).toEqual([1, 1, 1]);
    expect(calls[2].answers).toEqual([{ ok: true, value: [] }]);
    const dropped = meter.snapshot().get('process_messages_dropped_total{reason="overflow"}');
    expect(dropped).toBe(3);
  });
});

describe("the signal of a handler", () => {
  function listening(name: string, fired: unknown[]) {
    return defineProcess({
      name,
      init: () => ({}),
      call: {
        wait: async ({ signal }: ProcessContext<object>, until: Promise<void>) => {
          signal.addEventListener("abort", () => fired.push(signal.reason));
          await until;
          return signal.aborted;
        },
      },
    });
  }

  test("fires when the caller gives up, and the call ends ERR_OUTCOME_UNKNOWN", async () => {
    const { name, start, clock } = world();
    const fired: unknown[] = [];
    const { ref } = await start(listening(name(), fired));
    const caller = new AbortController();
    const given = codeOf(ref.call("wait", gate().promise, { signal: caller.signal }));
    await clock.settle();
    caller.abort(new Error("enough"));
    expect(await clock.run(given)).toBe("ERR_OUTCOME_UNKNOWN");
    expect(fired).toMatchObject([{ message: "enough" }]);
  });

  test("fires at the deadline, and leaves no timer when the handler ends before", async () => {
    const { name, start, clock } = world();
    const fired: unknown[] = [];
    const { ref } = await start(listening(name(), fired));
    const until = gate();
    const quick = ref.call("wait", until.promise, { timeout: "1s" });
    await clock.settle();
    until.open();
    expect(await clock.run(quick)).toBe(false);
    expect(clock.pendingTimers).toBe(0);
    const late = codeOf(ref.call("wait", gate().promise, { timeout: "1s" }));
    await clock.advance(1_000);
    expect(await late).toBe("ERR_OUTCOME_UNKNOWN");
    expect(fired).toMatchObject([{ code: "ERR_OUTCOME_UNKNOWN" }]);
  });

  test.each([SHUTDOWN, KILLED])("fires when the process is told to end: %o", async (reason) => {
    const { kernel, name, start, clock } = world();
    const fired: unknown[] = [];
    const { pid, ref } = await start(listening(name(), fired));
    const until = gate();
    const code = codeOf(ref.call("wait", until.promise));
    await clock.settle();
    kernel.exit(pid, reason);
    expect(fired).toMatchObject([{ code: "ERR_CLOSED" }]);
    until.open();
    await clock.settle();
    expect(await code).toBe(reason.type === "killed" ? "ERR_OUTCOME_UNKNOWN" : undefined);
  });
});

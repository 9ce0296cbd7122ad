/** createSupervisor over a real kernel: what the pure core decides really happens. */
import { describe, expect, test } from "@jest/globals";
import { defineProcess } from "../../../src/process/define-process.js";
import type { Pid } from "../../../src/process/kernel-port.js";
import { createSupervisor } from "../../../src/process/supervisor/supervisor.js";
import type {
  ChildSpec,
  Supervisor,
  SupervisorEvent,
  SupervisorOptions,
} from "../../../src/process/supervisor/supervisor-options.js";
import { cast, codeOf, gate, KILLED, NORMAL, world, type World } from "./world.js";

interface Setup extends World {
  readonly journal: string[];
  readonly events: SupervisorEvent[];
  readonly process: ReturnType<typeof journaling>;
  supervise(options?: Partial<SupervisorOptions>): Promise<Supervisor>;
  pidOf(supervisor: Supervisor, id: string): Pid;
}

function journaling(name: string, journal: string[]) {
  return defineProcess({
    name,
    init: async (label: string | undefined) => {
      await null;
      journal.push(`+${label}`);
      return { label };
    },
    cast: {
      crash: () => {
        throw new Error("boom");
      },
      hang: () => gate().promise,
    },
    terminate: ({ state }) => void journal.push(`-${state.label}`),
  });
}

function setup(): Setup {
  const all = world();
  const journal: string[] = [];
  const events: SupervisorEvent[] = [];
  return {
    ...all,
    journal,
    events,
    process: journaling(all.name(), journal),
    supervise: (options = {}) =>
      all.clock.run(
        createSupervisor({
          kernel: all.kernel,
          runtime: all,
          onEvent: (event) => events.push(event),
          ...options,
        }),
      ),
    pidOf(supervisor, id) {
      const pid = supervisor.children().find((child) => child.id === id)?.pid;
      expect(pid).toBeDefined();
      return pid as Pid;
    },
  };
}

const children = (process: Setup["process"], ids: string): ChildSpec[] =>
  Array.from(ids).map((id) => ({ id, process, args: id }));

describe("a supervisor", () => {
  test("starts its children in order and stops them in reverse", async () => {
    const { supervise, process, journal, clock, kernel } = setup();
    const supervisor = await supervise({ children: children(process, "abc") });
    expect(supervisor.children().map(({ status }) => status)).toEqual(["up", "up", "up"]);
    await clock.run(Promise.all([supervisor.close(), supervisor.close()]));
    expect(journal).toEqual(["+a", "+b", "+c", "-c", "-b", "-a"]);
    expect(await supervisor.ended).toEqual({ type: "closed" });
    expect(kernel.list()).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("restarts a child that crashed from init, under a new pid", async () => {
    const { supervise, process, journal, clock, kernel, pidOf, events } = setup();
    const supervisor = await supervise({ children: children(process, "ab") });
    const before = pidOf(supervisor, "a");
    kernel.deliver(before, cast("crash"));
    await clock.settle();
    expect(pidOf(supervisor, "a").serial).toBeGreaterThan(before.serial);
    expect(journal).toEqual(["+a", "+b", "+a"]);
    expect(events.slice(2).map(({ type }) => type)).toEqual([
      "child-ended",
      "child-restarting",
      "child-started",
    ]);
  });

  test.each([
    ["one-for-all", ["-c", "-a", "+a", "+b", "+c"]],
    ["rest-for-one", ["-c", "+b", "+c"]],
  ] as const)("%s: replaces who is to be replaced", async (strategy, expected) => {
    const { supervise, process, journal, clock, kernel, pidOf } = setup();
    const supervisor = await supervise({ strategy, children: children(process, "abc") });
    journal.length = 0;
    kernel.deliver(pidOf(supervisor, "b"), cast("crash"));
    await clock.settle();
    expect(journal).toEqual(expected);
  });

  test("gives up when restarts do not help, stops the rest and says why", async () => {
    const { supervise, process, clock, kernel, pidOf, events, journal, logger } = setup();
    const supervisor = await supervise({
      name: "pool",
      maxRestarts: 2,
      within: "1s",
      children: children(process, "ab"),
    });
    for (let n = 0; n < 3; n++) {
      kernel.deliver(pidOf(supervisor, "a"), cast("crash"));
      await clock.advance(100);
    }
    expect(await clock.run(supervisor.ended)).toMatchObject({
      type: "gave-up",
      error: {
        code: "ERR_SUPERVISOR_GAVE_UP",
        details: { supervisor: "pool", restarts: 3, withinMs: 1_000 },
        cause: { code: "ERR_HANDLER_FAILED" },
      },
    });
    expect(journal.at(-1)).toBe("-b");
    expect(events.map(({ type }) => type)).toContain("gave-up");
    expect(logger.lines.some(({ message }) => message.includes('"pool" gave up'))).toBe(true);
    expect(await codeOf(supervisor.startChild({ id: "x", process }))).toBe("ERR_CLOSED");
    await supervisor.close();
  });

  test("waits between restarts when it shall", async () => {
    const { supervise, process, clock, kernel, pidOf, journal } = setup();
    const backoff = { initial: "100ms", max: "1s" } as const;
    const supervisor = await supervise({ backoff, children: children(process, "a") });
    for (const delayMs of [100, 200]) {
      journal.length = 0;
      kernel.exit(pidOf(supervisor, "a"), KILLED);
      await clock.advance(delayMs - 1);
      expect(journal).toEqual([]);
      await clock.advance(1);
      expect(journal).toEqual(["+a"]);
    }
    kernel.exit(pidOf(supervisor, "a"), KILLED);
    await clock.settle();
    await clock.run(supervisor.close());
    expect(clock.pendingTimers).toBe(0);
  });

  test("kills a child that does not end within its shutdown time", async () => {
    const { supervise, process, clock, kernel, pidOf, events } = setup();
    const supervisor = await supervise({
      children: [
        { id: "slow", process, shutdown: "300ms" },
        { id: "brutal", process, shutdown: "kill" },
      ],
    });
    kernel.deliver(pidOf(supervisor, "slow"), cast("hang"));
    await clock.settle();
    const before = clock.now();
    await clock.run(supervisor.close());
    expect(clock.now() - before).toBe(300);
    expect(events.filter(({ type }) => type === "child-ended")).toMatchObject([
      { id: "brutal", reason: KILLED },
      { id: "slow", reason: KILLED },
    ]);
  });

  test("whose child does not start stops the others and throws the child's error", async () => {
    const { supervise, process, journal, name, kernel } = setup();
    const failing = defineProcess({
      name: name(),
      init: () => {
        throw new Error("no disk");
      },
    });
    const specs = [...children(process, "ab"), { id: "bad", process: failing }];
    expect(await codeOf(supervise({ children: specs }))).toBe("ERR_INIT_FAILED");
    expect(journal).toEqual(["+a", "+b", "-b", "-a"]);
    expect(kernel.list()).toEqual([]);
  });

  test("whose start is given up ends what it had started, and what hangs in init", async () => {
    const { kernel, clock, process, journal, name, ...runtime } = setup();
    const stuck = defineProcess({ name: name(), init: () => gate<object>().promise });
    const caller = new AbortController();
    const code = codeOf(
      createSupervisor({
        kernel,
        runtime: { ...runtime, clock },
        children: [...children(process, "a"), { id: "stuck", process: stuck }],
        signal: caller.signal,
      }),
    );
    await clock.settle();
    caller.abort();
    expect(await clock.run(code)).toBe("ERR_ABORTED");
    expect(journal).toEqual(["+a", "-a"]);
  });

  test("stays quiet when the kernel closes under it", async () => {
    const { supervise, process, clock, kernel, logger } = setup();
    const supervisor = await supervise({ children: children(process, "abc") });
    await clock.run(kernel.close());
    expect(await clock.run(supervisor.ended)).toEqual({ type: "closed" });
    expect(logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("survives a listener that throws, and one that closes it", async () => {
    const { supervise, process, clock, kernel, pidOf, journal } = setup();
    const closers: (() => void)[] = [];
    const supervisor = await supervise({
      children: children(process, "ab"),
      onEvent: ({ type }) => {
        if (type === "child-restarting") for (const close of closers) close();
        throw new Error("listener");
      },
    });
    closers.push(() => void supervisor.close());
    kernel.exit(pidOf(supervisor, "b"), KILLED);
    await clock.run(supervisor.ended);
    expect(journal.filter((line) => line.endsWith("a"))).toEqual(["+a", "-a"]);
    expect(kernel.list()).toEqual([]);
  });
});

describe("children that come and go", () => {
  test("start on demand, are found, end on demand and leave nothing behind", async () => {
    const { supervise, process, clock, kernel } = setup();
    const supervisor = await supervise();
    const pid = await clock.run(supervisor.startChild({ id: "x", process, args: "x" }));
    expect(supervisor.children()).toEqual([{ id: "x", status: "up", pid }]);
    expect(kernel.list()).toMatchObject([{ pid, label: "x" }]);
    const ended = Promise.all([supervisor.endChild("x"), supervisor.endChild("x")]);
    expect(await clock.run(ended)).toEqual([true, true]);
    expect(await clock.run(supervisor.endChild("x"))).toBe(false);
    expect([supervisor.children(), kernel.list()]).toEqual([[], []]);
  });

  test("that are restarted keep their id, and end for good when they end in order", async () => {
    const { supervise, process, clock, kernel, pidOf } = setup();
    const supervisor = await supervise();
    await clock.run(supervisor.startChild({ id: "x", process, restart: "transient" }));
    kernel.exit(pidOf(supervisor, "x"), KILLED);
    await clock.settle();
    kernel.exit(pidOf(supervisor, "x"), NORMAL);
    await clock.settle();
    expect(supervisor.children()).toEqual([]);
  });

  test("with an id that is taken, or not well formed, are refused", async () => {
    const { supervise, process, clock } = setup();
    const supervisor = await supervise({ children: children(process, "a") });
    for (const child of [
      { id: "a", process },
      { id: "", process },
      { id: "b", process, restart: "always" as never },
      { id: "b", process, shutdown: "soon" as never },
      { id: "b" } as never,
    ]) {
      expect(await clock.run(codeOf(supervisor.startChild(child)))).toBe("ERR_INVALID_ARGUMENT");
    }
    await clock.run(supervisor.startChild({ id: "b", process }));
  });

  test("that are ended while they start reject their start", async () => {
    const { supervise, clock, name } = setup();
    const supervisor = await supervise();
    const stuck = defineProcess({ name: name(), init: () => gate<object>().promise });
    const start = codeOf(supervisor.startChild({ id: "x", process: stuck }));
    await clock.settle();
    expect(await clock.run(supervisor.endChild("x"))).toBe(true);
    expect(await clock.run(start)).toBe("ERR_ABORTED");
    const another = codeOf(supervisor.startChild({ id: "y", process: stuck }));
    await clock.run(supervisor.close());
    expect(await clock.run(another)).toBe("ERR_CLOSED");
  });
});

describe("a tree", () => {
  const tree = (process: Setup["process"]): ChildSpec[] => [
    { id: "a", process, args: "a" },
    {
      id: "inner",
      supervisor: { strategy: "one-for-all", maxRestarts: 1, children: children(process, "xy") },
    },
    { id: "z", process, args: "z" },
  ];
  const victim = ({ kernel }: World, label: string) =>
    kernel.list().find((summary) => summary.label === label)?.pid as Pid;

  test("starts and stops depth first", async () => {
    const { supervise, process, journal, clock } = setup();
    const supervisor = await supervise({ children: tree(process) });
    await clock.run(supervisor.close());
    expect(journal).toEqual(["+a", "+x", "+y", "+z", "-z", "-y", "-x", "-a"]);
  });

  test("handles failures where they happen, and passes on those it cannot handle", async () => {
    const all = setup();
    const supervisor = await all.supervise({ children: tree(all.process) });
    all.journal.length = 0;
    all.kernel.deliver(victim(all, "x"), cast("crash"));
    await all.clock.settle();
    expect(all.journal).toEqual(["-y", "+x", "+y"]);
    all.journal.length = 0;
    all.kernel.deliver(victim(all, "y"), cast("crash"));
    await all.clock.settle();
    expect(all.journal).toEqual(["-x", "+x", "+y"]);
    expect(all.events.filter(({ type }) => type === "child-ended")).toMatchObject([
      { id: "inner", reason: { type: "error", error: { code: "ERR_SUPERVISOR_GAVE_UP" } } },
    ]);
    await all.clock.run(supervisor.close());
    expect(all.kernel.list()).toEqual([]);
  });
});

describe("options that are not well formed", () => {
  test.each<[string, object]>([
    ["strategy", { strategy: "one-for-none" }],
    ["maxRestarts", { maxRestarts: -1 }],
    ["maxRestarts", { maxRestarts: 1.5 }],
    ["within", { within: 0 }],
    ["within", { within: "5 s" }],
    ["backoff.max", { backoff: { initial: 1, max: "never" } }],
  ])("name %s", async (option, options) => {
    const { supervise } = setup();
    const failure = await supervise(options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    expect((failure as Error).message).toContain(option);
  });

  test("include two children of one id", async () => {
    const { supervise, process } = setup();
    const code = codeOf(supervise({ children: children(process, "aa") }));
    expect(await code).toBe("ERR_INVALID_ARGUMENT");
  });
});

/** localRef: what a caller is told when it does not get an answer, and that waiting costs little. */
import { describe, expect, test } from "@jest/globals";
import { defineProcess } from "../../../src/process/define-process.js";
import { codeOf, gate, KILLED, world } from "./world.js";

async function adding(limit = 10) {
  const all = world();
  const definition = defineProcess({
    name: all.name(),
    init: () => ({ total: 0 }),
    call: {
      add: ({ state }, by: number) => (state.total += by),
      hold: async ({ state }, until: Promise<void>) => {
        await until;
        return ++state.total;
      },
    },
    mailbox: { limit },
  });
  return { ...all, ...(await all.start(definition)) };
}

describe("a call", () => {
  test("that is answered in its turn leaves no timer", async () => {
    const { ref, clock } = await adding();
    await expect(ref.call("add", 2)).resolves.toBe(2);
    await clock.settle();
    expect(clock.pendingTimers).toBe(0);
  });

  test("that waits holds one timer with all others, and none when all are answered", async () => {
    const { ref, clock } = await adding(1_000);
    const until = gate();
    const calls = Array.from({ length: 200 }, (_, n) =>
      ref.call("hold", until.promise, { timeout: 1_000 + n }),
    );
    await clock.settle();
    expect(clock.pendingTimers).toBe(1);
    until.open();
    await clock.run(Promise.all(calls));
    expect(clock.pendingTimers).toBe(0);
  });

  test("takes five seconds unless told otherwise, and not a moment less", async () => {
    const { ref, clock } = await adding();
    const code = codeOf(ref.call("hold", gate().promise));
    const settled: unknown[] = [];
    void code.then((value) => settled.push(value));
    await clock.advance(4_999);
    expect(settled).toEqual([]);
    await clock.advance(1);
    expect(settled).toEqual(["ERR_OUTCOME_UNKNOWN"]);
  });

  test("that did not begin in time never runs, and says so: ERR_TIMEOUT is retryable", async () => {
    const { ref, clock } = await adding();
    const until = gate();
    const holding = ref.call("hold", until.promise, { timeout: "10s" });
    const late = ref.call("add", 5, { timeout: "50ms" }).catch((error: unknown) => error);
    expect(await clock.run(late)).toMatchObject({ code: "ERR_TIMEOUT", retryable: true });
    until.open();
    expect(await clock.run(holding)).toBe(1);
    expect(await clock.run(ref.call("add", 0))).toBe(1);
  });

  test("with a timeout of nothing does not run", async () => {
    const { ref, clock } = await adding();
    expect(await clock.run(codeOf(ref.call("add", 1, { timeout: 0 })))).toBe("ERR_TIMEOUT");
    expect(await clock.run(ref.call("add", 0))).toBe(0);
  });

  test("given up before it began never runs: ERR_ABORTED", async () => {
    const { ref, clock } = await adding();
    const caller = new AbortController();
    const until = gate();
    const holding = ref.call("hold", until.promise);
    const waiting = codeOf(ref.call("add", 5, { signal: caller.signal }));
    await clock.settle();
    caller.abort();
    expect(await clock.run(waiting)).toBe("ERR_ABORTED");
    expect(await codeOf(ref.call("add", 5, { signal: caller.signal }))).toBe("ERR_ABORTED");
    until.open();
    await clock.run(holding);
    expect(await clock.run(ref.call("add", 0))).toBe(1);
  });

  test("settles once, whatever comes later", async () => {
    const { ref, clock, kernel, pid } = await adding();
    const caller = new AbortController();
    const code = codeOf(ref.call("hold", gate().promise, { signal: caller.signal, timeout: 10 }));
    await clock.settle();
    caller.abort();
    kernel.exit(pid, KILLED);
    await clock.advance(100);
    expect(await code).toBe("ERR_OUTCOME_UNKNOWN");
    expect(clock.pendingTimers).toBe(0);
  });

  test("of a process that has ended fails at once, and a cast is lost without a word", async () => {
    const { ref, clock, kernel, pid } = await adding();
    kernel.exit(pid, KILLED);
    expect(await clock.run(codeOf(ref.call("add", 1)))).toBe("ERR_NO_PROCESS");
    (ref as unknown as { cast(name: string): void }).cast("anything");
  });

  test("with a duration nobody understands is refused", async () => {
    const { ref } = await adding();
    const code = codeOf(ref.call("add", 1, { timeout: "soon" as never }));
    expect(await code).toBe("ERR_INVALID_ARGUMENT");
  });

  test("for a handler whose share of the mailbox is taken is told the share", async () => {
    const { name, start } = world();
    const definition = defineProcess({
      name: name(),
      init: () => ({}),
      call: { log: () => {}, ping: () => "pong" },
      mailbox: { limit: 10, handlers: { log: 1 } },
    });
    const { ref } = await start(definition);
    void ref.call("log");
    await expect(ref.call("log")).rejects.toMatchObject({
      code: "ERR_MAILBOX_FULL",
      message: expect.stringContaining("10 messages wait in the mailbox"),
      details: { limit: 1 },
    });
    await expect(ref.call("ping")).resolves.toBe("pong");
  });
});

/**
 * What the kernel promises of every message, whatever happens to its process: freezes, leases that are lost, deadlines,
 * callers that give up, ends of every kind.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { coreErrors } from "../../../src/errors/index.js";
import { defineProcess } from "../../../src/process/define-process.js";
import type { CallOutcome, ExitReason, Pid } from "../../../src/process/kernel-port.js";
import { world, type World } from "../../unit/process/world.js";

const RUNS = Number(process.env.KERNEL_LAWS_RUNS ?? 200);

type Kind = "note" | "later" | "refuse" | "crash" | "never";
type Step =
  | {
      readonly type: "send";
      readonly kind: Kind;
      readonly as: "call" | "cast";
      readonly withinMs: number;
    }
  | {
      readonly type: "exit";
      readonly reason: "shutdown" | "killed" | "name-conflict" | "lease-lost";
    }
  | { readonly type: "freeze" | "thaw" | "lose" | "settle" | "turn" | "abort" }
  | { readonly type: "pass"; readonly ms: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        type: fc.constant("send"),
        kind: fc.oneof(
          { weight: 12, arbitrary: fc.constantFrom("note", "later", "refuse") },
          { weight: 1, arbitrary: fc.constantFrom("crash", "never") },
        ),
        as: fc.constantFrom("call", "cast"),
        withinMs: fc.constantFrom(5, 50, 5_000),
      }),
    },
    {
      weight: 12,
      arbitrary: fc.record({
        type: fc.constantFrom("freeze", "thaw", "settle", "turn", "abort"),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ type: fc.constant("pass"), ms: fc.constantFrom(1, 10, 100) }),
    },
    { weight: 1, arbitrary: fc.constant({ type: "lose" }) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("exit"),
        reason: fc.constantFrom("shutdown", "killed", "name-conflict", "lease-lost"),
      }),
    },
  ) as fc.Arbitrary<Step>,
  { maxLength: 50, size: "max" },
);

/** What happened to one message, in the order of all that happened. */
interface Sent {
  readonly as: "call" | "cast";
  readonly deadline: number;
  begunAt: number | undefined;
  readonly answers: {
    readonly outcome: CallOutcome;
    readonly at: number;
    readonly held: boolean;
  }[];
}

/** The book of one history. */
class Book {
  readonly records: Sent[] = [];
  readonly lease = { token: 1, isHeld: true };
  readonly order: number[] = [];
  down: { readonly reason: ExitReason; readonly at: number; readonly ms: number } | undefined;
  now = 0;

  begin(id: number): void {
    const record = this.records[id] as Sent;
    expect(record.begunAt).toBeUndefined();
    expect(this.lease.isHeld).toBe(true);
    expect(this.down).toBeUndefined();
    record.begunAt = ++this.now;
    this.order.push(id);
  }
}

let book = new Book();

const handlers = {
  note: (_context: unknown, id: number) => book.begin(id),
  later: async (_context: unknown, id: number) => {
    book.begin(id);
    for (let turn = 0; turn < 3; turn++) await null;
  },
  refuse: (_context: unknown, id: number) => {
    book.begin(id);
    throw refusal;
  },
  crash: (_context: unknown, id: number) => {
    book.begin(id);
    throw new Error("crash");
  },
  never: (_context: unknown, id: number) => {
    book.begin(id);
    return new Promise<void>(() => {});
  },
};

const subject = defineProcess({
  name: "property.subject",
  init: () => ({}),
  call: handlers,
  cast: handlers,
});

const refusal = coreErrors.ERR_CLOSED("closed on purpose", { what: "test" });

class History {
  readonly #world: World;
  readonly #pid: Pid;
  #caller = new AbortController();

  constructor(at: World, pid: Pid) {
    this.#world = at;
    this.#pid = pid;
    at.kernel.monitor(pid, (reason) => {
      book.down = { reason, at: ++book.now, ms: at.clock.now() };
    });
  }

  async step(step: Step): Promise<void> {
    const { clock, kernel } = this.#world;
    switch (step.type) {
      case "send":
        return this.#send(step);
      case "exit":
        if (step.reason === "lease-lost") book.lease.isHeld = false;
        return kernel.exit(this.#pid, { type: step.reason });
      case "freeze":
        void kernel.freeze(this.#pid).catch(() => {});
        return;
      case "thaw":
        return kernel.thaw(this.#pid);
      case "lose":
        book.lease.isHeld = false;
        return;
      case "abort":
        this.#caller.abort();
        this.#caller = new AbortController();
        return;
      case "settle":
        return clock.settle();
      case "turn":
        return Promise.resolve();
      case "pass":
        return clock.advance(step.ms);
    }
  }

  #send({ kind, as, withinMs }: Extract<Step, { type: "send" }>): void {
    const { clock, kernel } = this.#world;
    const id = book.records.length;
    const record: Sent = {
      ...{ as, deadline: clock.now() + withinMs, begunAt: undefined, answers: [] },
    };
    book.records.push(record);
    const base = { handler: kind, payload: id, sender: undefined, trace: undefined };
    if (as === "cast") {
      kernel.deliver(this.#pid, { type: "cast", ...base });
      return;
    }
    const outcome = kernel.deliver(this.#pid, {
      ...{ type: "call", ...base, deadline: record.deadline, signal: this.#caller.signal },
      reply: (answered) => {
        record.answers.push({ outcome: answered, at: ++book.now, held: book.lease.isHeld });
      },
    });
    if (outcome !== "accepted") {
      // Refused at the door is an answer too, and the only one.
      const error = coreErrors.ERR_NO_PROCESS("refused", { process: "subject" });
      record.answers.push({ outcome: { ok: false, error }, at: ++book.now, held: false });
    }
  }
}

/** What one call was told is true of what happened to it. */
function checkCall({ answers, begunAt, deadline }: Sent, endMs: number): void {
  const [answer] = answers;
  expect(answers.length).toBeLessThanOrEqual(1);
  if (answer === undefined) {
    // Nobody waited any more while the process lived, and it never began.
    expect([begunAt, deadline <= endMs]).toEqual([undefined, true]);
    return;
  }
  const { outcome, at, held } = answer;
  const code = outcome.ok ? "ok" : outcome.error.code;
  const ran = begunAt !== undefined;
  expect([code, ran]).toEqual([code, !["ERR_NO_PROCESS", "ERR_ABORTED"].includes(code)]);
  if (code === "ok" || code === "ERR_CLOSED") expect(held).toBe(true);
  if (ran) expect(at).toBeGreaterThan(begunAt);
  if (ran && book.down !== undefined) expect(book.down.at).toBeGreaterThan(at);
}

describe("whatever happens to a process", () => {
  test("every call is answered once and truly, in order, only with the lease, and before DOWN", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        book = new Book();
        const at = world();
        const pid = await at.kernel.spawn(subject, undefined, { lease: book.lease });
        const history = new History(at, pid);
        for (const step of script) await history.step(step);
        at.kernel.thaw(pid);
        await at.clock.settle();
        at.kernel.exit(pid, { type: "killed" });
        await at.clock.advance(10_000);
        expect(book.order).toEqual([...book.order].sort((a, b) => a - b));
        expect(book.down).toBeDefined();
        for (const record of book.records) {
          if (record.as === "call") checkCall(record, book.down?.ms ?? 0);
        }
        expect(at.kernel.list()).toEqual([]);
        expect(at.clock.pendingTimers).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });
});

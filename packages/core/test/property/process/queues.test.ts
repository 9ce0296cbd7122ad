/** The mailbox and the deadline queue against the plainest model of each. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { DeadlineQueue } from "../../../src/process/protocol/deadline-queue.js";
import { Mailbox } from "../../../src/process/protocol/mailbox.js";

interface Message {
  readonly id: number;
  readonly droppable: boolean;
}

describe("a mailbox", () => {
  const operations = fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.boolean().map((droppable) => ({ type: "push", droppable })) },
      { weight: 3, arbitrary: fc.constant({ type: "shift" }) },
      { weight: 4, arbitrary: fc.constant({ type: "drop" }) },
      { weight: 1, arbitrary: fc.constant({ type: "drain" }) },
    ) as fc.Arbitrary<{ type: "push" | "shift" | "drop" | "drain"; droppable?: boolean }>,
    { maxLength: 150, size: "max" },
  );

  test("does what an array does, whatever is pushed, taken and dropped", () => {
    fc.assert(
      fc.property(operations, fc.integer({ min: 1, max: 40 }), (script, limit) => {
        const mailbox = new Mailbox<Message>(limit);
        const model: Message[] = [];
        for (const [id, { type, droppable = false }] of script.entries()) {
          if (type === "push") {
            expect(mailbox.full).toBe(model.length >= limit);
            if (mailbox.full) continue;
            mailbox.push({ id, droppable });
            model.push({ id, droppable });
          } else if (type === "shift") {
            expect(mailbox.shift()).toEqual(model.shift());
          } else if (type === "drop") {
            const index = model.findIndex((message) => message.droppable);
            const dropped = mailbox.dropOldest((message) => message.droppable);
            expect(dropped).toEqual(index === -1 ? undefined : model.splice(index, 1)[0]);
          } else {
            expect(mailbox.drain()).toEqual(model.splice(0));
          }
          expect(mailbox.length).toBe(model.length);
        }
        expect(mailbox.drain()).toEqual(model);
      }),
      { numRuns: 200 },
    );
  });

  test("drops a million casts behind one call without growing or slowing down", () => {
    const mailbox = new Mailbox<Message>(1_000);
    for (let id = 0; id < 1_000; id++) mailbox.push({ id, droppable: id % 2 === 1 });
    let looked = 0;
    let dropped = 0;
    for (let id = 1_000; id < 1_000_000; id++) {
      if (mailbox.dropOldest((message) => ++looked > 0 && message.droppable)) dropped++;
      mailbox.push({ id, droppable: true });
    }
    expect(dropped).toBe(999_000);
    expect(looked).toBeLessThan(2_000_000);
    expect(mailbox.length).toBe(1_000);
    expect(mailbox.shift()).toEqual({ id: 0, droppable: false });
  });
});

describe("the deadline queue", () => {
  const operations = fc.array(
    fc.oneof(
      fc.nat({ max: 1_000 }).map((deadline) => ({ type: "add", value: deadline })),
      fc.nat().map((choice) => ({ type: "settle", value: choice })),
      fc.nat({ max: 60 }).map((passedMs) => ({ type: "pass", value: passedMs })),
    ),
    { maxLength: 150, size: "max" },
  );

  test("gives what is due, earliest first, and never what was settled", () => {
    fc.assert(
      fc.property(operations, (script) => {
        const queue = new DeadlineQueue<{ deadline: number; settled: boolean }>();
        let waiting: { deadline: number; settled: boolean }[] = [];
        let now = 0;
        for (const { type, value } of script) {
          if (type === "add") {
            const entry = { deadline: value, settled: false };
            queue.add(entry);
            waiting.push(entry);
          } else if (type === "settle") {
            const entry = waiting[value % Math.max(1, waiting.length)];
            if (entry === undefined) continue;
            queue.settle(entry);
            waiting = waiting.filter((other) => other !== entry);
          } else {
            now += value;
            const due = queue.takeDue(now);
            const expected = waiting.filter(({ deadline }) => deadline <= now);
            const deadlines = due.map(({ deadline }) => deadline);
            expect(deadlines).toEqual(deadlines.slice().sort((a, b) => a - b));
            expect(new Set(due)).toEqual(new Set(expected));
            waiting = waiting.filter((entry) => !due.includes(entry));
          }
          expect(queue.live).toBe(waiting.length);
          const earliest = Math.min(...waiting.map(({ deadline }) => deadline));
          if (waiting.length === 0) expect(queue.earliest).toBeUndefined();
          else expect(queue.earliest).toBeLessThanOrEqual(earliest);
        }
      }),
      { numRuns: 200 },
    );
  });
});

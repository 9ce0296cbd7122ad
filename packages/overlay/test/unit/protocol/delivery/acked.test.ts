import { describe, expect, test } from "@jest/globals";
import { AckedInbox, isAfter } from "../../../../src/protocol/delivery/acked-inbox.js";
import { AckedOutbox } from "../../../../src/protocol/delivery/acked-outbox.js";
import { ACKED_IN, ACKED_OUT } from "../../../../src/protocol/delivery/limits.js";

const entry = (to: string, wasWritten = true) => ({ id: 0, retries: 0, dueAt: 0, to, wasWritten });
const even = () => 0.5;

describe("acked messages at their sender", () => {
  test("are repeated after 1, 2 and 4 seconds and given up 8 seconds later", () => {
    const outbox = new AckedOutbox();
    const one = entry("b");
    outbox.add(one, 0, 0.5);
    const times: number[] = [];
    for (let now = outbox.nextDue(); now !== undefined; now = outbox.nextDue()) {
      times.push(now);
      const { repeat, givenUp } = outbox.due(now, even);
      expect([repeat.length, givenUp.length]).toEqual(times.length <= 3 ? [1, 0] : [0, 1]);
    }
    expect(times).toEqual([1_000, 3_000, 7_000, 15_000]);
    expect(outbox.size).toBe(0);
  });

  test("are spread by a quarter, and never by more than the longest wait", () => {
    for (const chance of [0, 0.25, 0.999]) {
      const outbox = new AckedOutbox();
      outbox.add(entry("b"), 0, chance);
      let before = 0;
      for (let now = outbox.nextDue(); now !== undefined; now = outbox.nextDue()) {
        expect(now - before).toBeLessThanOrEqual(ACKED_OUT.delayMsMax);
        before = now;
        outbox.due(now, () => chance);
      }
      expect(before).toBeGreaterThanOrEqual(15_000 * 0.75);
      expect(before).toBeLessThanOrEqual(15_000 * 1.25);
    }
  });

  test("are neither repeated nor given up while nothing was written: their link answers for them", () => {
    const outbox = new AckedOutbox();
    const one = { ...entry("b"), wasWritten: false };
    outbox.add(one, 0, 0.5);
    for (let now = 0; now < 100_000; now += 500) {
      expect(outbox.due(now, even)).toEqual({ repeat: [], givenUp: [] });
    }
    one.wasWritten = true;
    expect(outbox.due(200_000, even).repeat).toEqual([one]);
  });

  test("are answered once, by the node that was asked", () => {
    const outbox = new AckedOutbox();
    const one = entry("b");
    outbox.add(one, 0, 0.5);
    expect(outbox.answered(one.id, "c")).toBeUndefined();
    expect(outbox.answered(one.id, "b")).toBe(one);
    expect(outbox.answered(one.id, "b")).toBeUndefined();
    expect(outbox.nextDue()).toBeUndefined();
  });

  test("are numbered one by one for each target, so that an old number is known as old", () => {
    const outbox = new AckedOutbox({ ...ACKED_OUT, targetsMax: 2 });
    const idsTo = (to: string, count: number) =>
      Array.from({ length: count }, () => {
        const one = entry(to);
        outbox.add(one, 0, 0.5);
        outbox.answered(one.id, to);
        return one.id;
      });
    expect(idsTo("b", 3)).toEqual([1, 2, 3]);
    expect(idsTo("c", 2)).toEqual([4, 5]);
    expect(idsTo("b", 2)).toEqual([4, 5]);
    // The third one takes b's place; b goes on above every number it ever had.
    expect(idsTo("d", 4)).toEqual([6, 7, 8, 9]);
    expect(idsTo("b", 1)).toEqual([10]);
  });

  test("have a limit, and leave together when their node is gone", () => {
    const outbox = new AckedOutbox({ ...ACKED_OUT, pendingMax: 2 });
    const [one, two] = [entry("b"), entry("c")];
    outbox.add(one, 0, 0.5);
    outbox.add(two, 0, 0.5);
    expect(outbox.isFull).toBe(true);
    expect(() => outbox.add(entry("b"), 0, 0.5)).toThrow("isFull");
    expect(outbox.takeWhere(({ to }) => to === "b")).toEqual([one]);
    expect(outbox.size).toBe(1);
  });
});

describe("acked messages at their receiver", () => {
  test("are handled once, and repeats get the answer again", () => {
    const inbox = new AckedInbox();
    const error = new Uint8Array([1, 2]);
    expect(inbox.begin("boot", 1, 0)).toEqual({ type: "handle" });
    expect(inbox.begin("boot", 1, 5)).toEqual({ type: "wait" });
    expect(inbox.begin("boot", 2, 5)).toEqual({ type: "handle" });
    inbox.finish("boot", 1, undefined, 10);
    inbox.finish("boot", 2, error, 10);
    expect(inbox.begin("boot", 1, 20)).toEqual({ type: "answer", error: undefined });
    expect(inbox.begin("boot", 2, 20)).toEqual({ type: "answer", error });
  });

  test("of another start of the sender are other messages", () => {
    const inbox = new AckedInbox();
    expect(inbox.begin("first", 1, 0).type).toBe("handle");
    expect(inbox.begin("second", 1, 0).type).toBe("handle");
  });

  test("are forgotten oldest first, and then neither handled again nor called a success", () => {
    const inbox = new AckedInbox({ ...ACKED_IN, idsMax: 3 });
    for (let id = 1; id <= 5; id += 1) {
      expect(inbox.begin("boot", id, 0).type).toBe("handle");
      inbox.finish("boot", id, undefined, 0);
    }
    expect(inbox.remembered("boot")).toBe(3);
    const verdicts = [1, 2, 3, 4, 5, 6].map((id) => inbox.begin("boot", id, 0).type);
    expect(verdicts).toEqual(["forgotten", "forgotten", "answer", "answer", "answer", "handle"]);
  });

  test("cost the same when the oldest are forgotten as before", () => {
    const inbox = new AckedInbox();
    let id = 0;
    const cpuMs = (count: number) => {
      const before = process.cpuUsage();
      for (const last = id + count; id < last; ) {
        inbox.begin("boot-1", ++id, 0);
        inbox.finish("boot-1", id, undefined, 0);
      }
      return process.cpuUsage(before).user / 1_000;
    };
    const filling = cpuMs(ACKED_IN.idsMax);
    const forgetting = cpuMs(ACKED_IN.idsMax);
    expect(inbox.remembered("boot-1")).toBe(ACKED_IN.idsMax);
    expect(forgetting).toBeLessThan(4 * filling + 200);
  });

  test("are forgotten after ten minutes, those being handled never", () => {
    const inbox = new AckedInbox();
    inbox.begin("boot", 1, 0);
    inbox.begin("boot", 2, 0);
    inbox.finish("boot", 2, undefined, 0);
    expect(inbox.begin("boot", 2, ACKED_IN.keepMs - 1).type).toBe("answer");
    expect(inbox.begin("boot", 3, ACKED_IN.keepMs + 2_000).type).toBe("handle");
    expect(inbox.begin("boot", 2, ACKED_IN.keepMs + 2_000).type).toBe("forgotten");
    expect(inbox.begin("boot", 1, ACKED_IN.keepMs + 2_000).type).toBe("wait");
  });

  test("whose answers are large errors are forgotten when those are too many bytes", () => {
    const inbox = new AckedInbox({ ...ACKED_IN, errorBytesMax: 250 });
    for (let id = 1; id <= 4; id += 1) {
      inbox.begin("boot", id, 0);
      inbox.finish("boot", id, new Uint8Array(100), 0);
    }
    expect(inbox.remembered("boot")).toBe(2);
    expect(inbox.begin("boot", 2, 0).type).toBe("forgotten");
  });

  test("are refused when too many are being handled, and may be repeated", () => {
    const inbox = new AckedInbox({ ...ACKED_IN, handlingMax: 1 });
    expect(inbox.begin("boot", 1, 0).type).toBe("handle");
    expect(inbox.begin("boot", 2, 0).type).toBe("full");
    inbox.finish("boot", 1, undefined, 0);
    expect(inbox.begin("boot", 2, 0).type).toBe("handle");
  });

  test("of the sender that was silent for longest are forgotten when there are too many senders", () => {
    const inbox = new AckedInbox({ ...ACKED_IN, sendersMax: 2 });
    for (const boot of ["a", "b", "a", "c"]) {
      inbox.begin(boot, 1, 0);
      inbox.finish(boot, 1, undefined, 0);
    }
    expect(["a", "b", "c"].map((boot) => inbox.remembered(boot))).toEqual([1, 0, 1]);
  });

  test("numbers go on after their highest value", () => {
    expect([isAfter(1, 0xffffffff), isAfter(0xffffffff, 1), isAfter(7, 7)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

import { coreErrors } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { describe, expect, test } from "@jest/globals";
import { createHistoryRecorder, parseHistory } from "../../../src/index.js";

const never = Number.POSITIVE_INFINITY;

function recorder(operationsMax?: number) {
  const clock = virtualClock();
  const lines: string[] = [];
  const onLine = (line: string) => lines.push(line);
  return {
    clock,
    lines,
    ...bound(createHistoryRecorder<string, string>({ clock, onLine, operationsMax })),
  };
}

function bound(made: ReturnType<typeof createHistoryRecorder<string, string>>) {
  const { invoke, record, operations } = made;
  return {
    invoke: invoke.bind(made),
    record: record.bind(made),
    operations: operations.bind(made),
  };
}

const call = (input: string) => ({ process: 1, key: "x", input });

describe("a recorder", () => {
  test("keeps the times of its clock, the answer, and who asked what", async () => {
    const { clock, invoke, operations } = recorder();
    await clock.advance(5);
    const operation = invoke(call("get"));
    await clock.advance(7);
    operation.ok("v");
    expect(operations()).toEqual([{ ...call("get"), output: "v", startedAt: 5, endedAt: 12 }]);
  });

  test("leaves out what was not applied", () => {
    const { invoke, operations } = recorder();
    invoke(call("put")).notApplied();
    expect(operations()).toEqual([]);
  });

  test("lets an operation that is unknown, or under way, end never", () => {
    const { invoke, operations } = recorder();
    invoke(call("unknown")).unknown();
    invoke(call("under way"));
    expect(operations()).toMatchObject([{ endedAt: never }, { endedAt: never }]);
  });

  test("believes the first end of an operation only", () => {
    const { invoke, operations } = recorder();
    const operation = invoke(call("put"));
    operation.unknown();
    operation.ok("late");
    operation.notApplied();
    expect(operations()).toMatchObject([{ endedAt: never }]);
  });

  test("orders moments of one instant as they came", () => {
    const { invoke, operations } = recorder();
    invoke(call("first")).ok();
    invoke(call("second")).ok();
    const [first, second] = operations();
    expect(first?.endedAt).toBeGreaterThan(first?.startedAt ?? never);
    expect(second?.startedAt).toBeGreaterThan(first?.endedAt ?? never);
    expect(second?.endedAt).toBeLessThan(0.001);
  });

  test("orders them also where the clock's numbers are great", () => {
    const made = createHistoryRecorder({ clock: { now: () => 1.7e12 } });
    made.invoke(call("first")).ok();
    made.invoke(call("second")).ok();
    const [first, second] = made.operations();
    expect(second?.startedAt).toBeGreaterThan(first?.endedAt ?? never);
  });

  test("tells by the error whether a rejected call was applied", async () => {
    const { record, operations } = recorder();
    const refused = coreErrors.ERR_CLOSED("closed", { what: "the store" });
    const unreachable = coreErrors.ERR_TIMEOUT("late", { timeoutMs: 5, target: "b" });
    await expect(record(call("unknown"), () => Promise.reject(refused))).rejects.toBe(refused);
    await expect(record(call("retry"), () => Promise.reject(unreachable))).rejects.toBe(
      unreachable,
    );
    expect(await record(call("done"), () => Promise.resolve("v"))).toBe("v");
    expect(operations()).toMatchObject([
      { input: "unknown", endedAt: never },
      { input: "done", output: "v" },
    ]);
  });

  test("refuses more operations than its limit", () => {
    const { invoke } = recorder(2);
    invoke(call("first")).notApplied();
    invoke(call("second"));
    expect(() => invoke(call("third"))).toThrow(/at most 2 operations/);
  });
});

describe("a history's lines", () => {
  test("give the history back, whenever the writer stopped", async () => {
    const { clock, lines, invoke, operations } = recorder();
    const wholes = [];
    const open = [invoke(call("a")), invoke(call("b")), invoke(call("c")), invoke(call("d"))];
    wholes.push(operations());
    await clock.advance(3);
    open[0]?.ok("v");
    wholes.push(operations());
    open[1]?.notApplied();
    wholes.push(operations());
    open[2]?.unknown();
    wholes.push(operations());
    expect(wholes.map((_, index) => parseHistory(lines.slice(0, 4 + index)))).toEqual(wholes);
    expect(parseHistory(`${lines.join("\n")}\n`)).toEqual(operations());
  });

  test.each([
    ["is no JSON", "{", /Line 2 .*"?\{/],
    ["is no event", "{}", /Line 2/],
    ["is null", "null", /Line 2/],
    ["ends what did not start", '{"type":"ok","operation":7,"at":1}', /an open operation's event/],
    [
      "starts what has started",
      '{"type":"invoke","operation":1,"process":1,"key":"x","at":1}',
      /a new/,
    ],
    ["has no time", '{"type":"ok","operation":1}', /Line 2/],
  ])("are refused by number when one %s", (_why, line, message) => {
    const start = '{"type":"invoke","operation":1,"process":1,"key":"x","input":"a","at":0}';
    expect(() => parseHistory([start, line])).toThrow(message);
    expect(() => parseHistory([start, line])).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  test("refuse a second end, also after one that took the operation out", () => {
    const start = '{"type":"invoke","operation":1,"process":1,"key":"x","input":"a","at":0}';
    const end = '{"type":"not-applied","operation":1,"at":1}';
    expect(parseHistory([start, end])).toEqual([]);
    expect(() => parseHistory([start, end, end])).toThrow(/Line 3/);
  });

  test("are not written for values that JSON would change", () => {
    const lines: string[] = [];
    const made = createHistoryRecorder<unknown, unknown>({
      clock: virtualClock(),
      onLine: (line) => lines.push(line),
    });
    expect(() => made.invoke({ process: 1, key: "x", input: { at: Number.NaN } })).toThrow(/JSON/);
    expect(() => made.invoke({ process: 1, key: "x", input: new Map() })).toThrow(/JSON/);
    expect(lines).toEqual([]);
  });
});

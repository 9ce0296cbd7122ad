import { describe, expect, test } from "@jest/globals";
import {
  childSpan,
  formatTraceparent,
  isSampled,
  isTraceContext,
  newTrace,
  parseTraceparent,
} from "../../../src/context/index.js";
import type { Random } from "../../../src/ports/random.js";

const header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function counting(first: number): Random {
  let next = first;
  const random: Random = {
    next: () => 0,
    uint32: () => next++,
    fork: () => random,
    secret: () => new Uint8Array(),
  };
  return random;
}

describe("traceparent", () => {
  test("a header survives being parsed and formatted", () => {
    const trace = parseTraceparent(header);
    expect(trace).toEqual({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      flags: 1,
    });
    expect(formatTraceparent(trace!)).toBe(header);
  });

  test("unknown flags are kept, since a later version may give them a meaning", () => {
    expect(formatTraceparent(parseTraceparent(`${header.slice(0, -2)}ff`)!)).toMatch(/-ff$/);
  });

  test("a later version with more fields is read as far as it is known", () => {
    expect(parseTraceparent(`01${header.slice(2)}-extra`)?.spanId).toBe("b7ad6b7169203331");
  });

  test.each([
    ["empty", ""],
    ["upper case", header.toUpperCase()],
    ["a trace id of zeros", `00-${"0".repeat(32)}-b7ad6b7169203331-01`],
    ["a span id of zeros", `00-0af7651916cd43dd8448eb211c80319c-${"0".repeat(16)}-01`],
    ["version ff", `ff${header.slice(2)}`],
    ["more fields in version 00", `${header}-extra`],
    ["a line break at the end", `${header}\n`],
    ["too short", header.slice(0, -1)],
    ["longer than any version needs", `01${header.slice(2)}-${"a".repeat(300)}`],
  ])("a header that is not well formed is ignored: %s", (_, text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  test("formatting refuses a trace nobody could parse", () => {
    expect(() => formatTraceparent({ traceId: "x", spanId: "y", flags: 1 })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});

describe("spans", () => {
  test("a new trace is well formed and sampled unless told otherwise", () => {
    const trace = newTrace(counting(1));
    expect(isTraceContext(trace)).toBe(true);
    expect(isSampled(trace)).toBe(true);
    expect(isSampled(newTrace(counting(1), { sampled: false }))).toBe(false);
  });

  test("ids are never all zero, whatever the random source says", () => {
    const zeros: Random = { ...counting(0), uint32: () => 0 };
    expect(isTraceContext(newTrace(zeros))).toBe(true);
  });

  test("a child keeps the trace and the flags and has a span of its own", () => {
    const parent = newTrace(counting(1), { sampled: false });
    const child = childSpan(parent, counting(100));
    expect(child.traceId).toBe(parent.traceId);
    expect(child.flags).toBe(parent.flags);
    expect(child.spanId).not.toBe(parent.spanId);
  });

  test.each([
    [null],
    ["text"],
    [{ traceId: "0".repeat(32), spanId: "1".repeat(16), flags: 0 }],
    [{ traceId: "1".repeat(32), spanId: "1".repeat(16), flags: 256 }],
    [{ traceId: "1".repeat(32), spanId: "1".repeat(16), flags: 0.5 }],
    [{ traceId: "1".repeat(32), spanId: 1, flags: 0 }],
  ])("what a peer sent is refused when it is not a trace: %j", (value) => {
    expect(isTraceContext(value)).toBe(false);
  });
});

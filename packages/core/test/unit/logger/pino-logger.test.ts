import { describe, expect, test } from "@jest/globals";
import { pinoLogger, silentLogger, type PinoLoggerOptions } from "../../../src/logger/index.js";

function capture(options: PinoLoggerOptions = {}) {
  const lines: string[] = [];
  const logger = pinoLogger({ ...options, destination: { write: (line) => lines.push(line) } });
  const records = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { lines, logger, records };
}

describe("the pino logger", () => {
  test("writes one JSON line with level, message, fields and an ISO time", () => {
    const { logger, lines, records } = capture();
    logger.info("The cluster has formed", { nodes: 3 });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\n$/);
    expect(records()[0]).toMatchObject({
      level: "info",
      msg: "The cluster has formed",
      nodes: 3,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
  });

  test("writes nothing below its level", () => {
    const { logger, records } = capture({ level: "warn" });
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    logger.error("d");
    expect(records().map((record) => record["msg"])).toEqual(["c", "d"]);
  });

  test("a child's lines carry the fields of all its parents", () => {
    const { logger, records } = capture();
    logger.child({ node: "a" }).child({ channel: "raft" }).info("x", { n: 1 });
    expect(records()[0]).toMatchObject({ node: "a", channel: "raft", n: 1 });
  });

  test("a child's secret does not show either", () => {
    const { logger, lines } = capture();
    logger.child({ secret: "hunter2" }).info("x");
    expect(lines.join("")).not.toContain("hunter2");
  });

  test("a percent sign in a message stays what it is", () => {
    const { logger, records } = capture();
    logger.info("100 % of %s done", { n: 1 });
    expect(records()[0]).toMatchObject({ msg: "100 % of %s done", n: 1 });
  });

  test("no call throws, not even when the destination does", () => {
    const broken = {
      write: () => {
        throw new Error("disk full");
      },
    };
    const logger = pinoLogger({ destination: broken });
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(() => logger.error("x", { cycle, big: 1n })).not.toThrow();
  });

  test("the line for people is one line with time, level, message and fields", () => {
    const { logger, lines } = capture({ pretty: true });
    logger.warn("The peer refused us", { peer: "orders-2", why: "wrong secret", n: { a: 1 } });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} warn  The peer refused us  peer=orders-2 why="wrong secret" n=\{"a":1\}\n$/,
    );
  });

  test("a peer's text can neither forge a line nor steer the terminal", () => {
    const { logger, lines } = capture({ pretty: true });
    logger.info("hello\n00:00:00 error forged \u001b[2J", { name: "\u001b[31mred\r\nx" });
    expect(lines[0]!.slice(0, -1)).not.toMatch(/\p{Cc}/u);
  });

  test("an expected error is shown by its code, an unexpected one with its stack", () => {
    const { logger, lines } = capture({ pretty: true });
    logger.error("a", { error: Object.assign(new Error("gone"), { code: "ERR_X" }) });
    logger.error("b", { error: new TypeError("oops") });
    expect(lines[0]).toContain('error="ERR_X: gone"');
    expect(lines[0]!.trimEnd()).not.toContain("\n");
    expect(lines[1]).toContain('error="TypeError: oops"');
    expect(lines[1]).toMatch(/\n {4}at .*pino-logger\.test/);
  });

  test("the silent logger takes everything and gives itself as its children", () => {
    const logger = silentLogger();
    expect(() => logger.child({ a: 1 }).error("x")).not.toThrow();
  });
});

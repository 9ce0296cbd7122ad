import { describe, expect, test } from "@jest/globals";
import { defineTopic } from "../../../src/index.js";
import { parsePattern, parseTopic } from "../../../src/protocol/topic-name.js";

const invalid = (problem: string) =>
  expect.objectContaining({
    code: "ERR_TOPIC_INVALID",
    details: expect.objectContaining({ problem: expect.stringContaining(problem) }),
  });

describe("a topic name", () => {
  test("is split into its segments", () => {
    expect(parseTopic("orders.eu.placed")).toEqual(["orders", "eu", "placed"]);
    expect(parseTopic("größe.日本")).toEqual(["größe", "日本"]);
    expect(parsePattern("orders.*.>")).toEqual(["orders", "*", ">"]);
  });

  test.each([
    ["", "empty"],
    ["a..b", "empty segment"],
    [".a", "empty segment"],
    ["a.", "empty segment"],
    ["a b", "blanks"],
    ["a\u0000", "control"],
    ["a.*", "patterns only"],
    ["a.>", "patterns only"],
    ["a*b", "patterns only"],
    ["x".repeat(513), "512 bytes"],
    ["ß".repeat(257), "512 bytes"],
    [Array(33).fill("a").join("."), "32 segments"],
  ])("%j is refused with the reason", (topic, problem) => {
    expect(() => parseTopic(topic)).toThrow(invalid(problem));
    expect(() => defineTopic(topic)).toThrow(invalid(problem));
  });

  test.each([
    ["a.>.b", "last segment"],
    ["a.x*", "segment of their own"],
    ["a.>x", "segment of their own"],
  ])("the pattern %j is refused with the reason", (pattern, problem) => {
    expect(() => parsePattern(pattern)).toThrow(invalid(problem));
  });

  test("512 bytes are allowed", () => {
    expect(parseTopic("x".repeat(512))).toHaveLength(1);
    expect(parseTopic("ß".repeat(256))).toHaveLength(1);
  });

  test("what is no text is refused", () => {
    expect(() => parseTopic(7)).toThrow(invalid("number"));
  });
});

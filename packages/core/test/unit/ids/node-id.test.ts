import { describe, expect, test } from "@jest/globals";
import {
  createBoot,
  createNodeId,
  isBoot,
  isNodeId,
  parseBoot,
  parseNodeId,
} from "../../../src/index.js";
import { seededRandom } from "../../../src/testing/index.js";

describe("ids", () => {
  const random = seededRandom("ids");

  test("a NodeId is 32 lower-case hexadecimal digits and comes back from its parser", () => {
    const ids = Array.from({ length: 200 }, () => createNodeId(random));
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{32}$/);
      expect(parseNodeId(id)).toBe(id);
      expect(isNodeId(id)).toBe(true);
    }
    expect(new Set(ids).size).toBe(200);
  });

  test("boots order as text by their counter, up to the largest", () => {
    const orders = [0, 1, 2, 9, 10, 15, 16, 255, 256, 65_536, 2 ** 32, 2 ** 53 - 1];
    const boots = orders.map((order) => createBoot(order, random));
    expect([...boots].sort()).toEqual(boots);
    for (const boot of boots) {
      expect(parseBoot(boot)).toBe(boot);
      expect(isBoot(boot)).toBe(true);
    }
    expect(createBoot(1, random)).not.toBe(createBoot(1, random));
  });

  test.each([-1, 1.5, 2 ** 53, Number.NaN])("an order of %p is refused", (order) => {
    expect(() => createBoot(order, random)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  test.each(["", "xyz", "A".repeat(32), "a".repeat(31), "a".repeat(33), `${"a".repeat(32)}\n`])(
    "%p is no NodeId",
    (text) => {
      expect(isNodeId(text)).toBe(false);
      expect(() => parseNodeId(text)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
      expect(() => parseBoot(text)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    },
  );

  test("a refusal shows at most 64 characters of what was passed", () => {
    expect(() => parseNodeId("x".repeat(10_000))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("x".repeat(65)) }),
    );
  });
});

import { expect, test } from "@jest/globals";
import { discoveryLimits } from "../../../../src/limits.js";
import { BlockingIndex } from "../../../../src/protocol/consul/blocking-index.js";

test("the first query does not wait; later ones wait beyond the newest index", () => {
  const index = new BlockingIndex();
  expect(index.current).toBe(undefined);
  expect(index.take("7", 0)).toBe(undefined);
  expect(index.current).toBe(7);
  index.take("9", 1);
  expect(index.current).toBe(9);
});

test("an index of 0 is waited upon as 1, or the loop would spin", () => {
  const index = new BlockingIndex();
  index.take("0", 0);
  expect(index.current).toBe(1);
});

test.each([undefined, "", "x", "-3", "1.5", "99999999999999999999", "1".repeat(40)])(
  "%j is no index, and nothing is waited for",
  (header) => {
    const index = new BlockingIndex();
    index.take("7", 0);
    expect(index.take(header, 1)).toBe(undefined);
    expect(index.current).toBe(undefined);
  },
);

test("an index that went back is told, and not waited upon at once", () => {
  const index = new BlockingIndex();
  index.take("100", 0);
  expect(index.take("7", 1)).toEqual({ from: 100, to: 7 });
  expect(index.current).toBe(undefined);
  expect(index.take("7", 2)).toEqual({ from: 100, to: 7 });
  expect(index.current).toBe(7);
});

test("a server that was behind has caught up when the index is as high as before", () => {
  const index = new BlockingIndex();
  index.take("100", 0);
  index.take("90", 1);
  expect(index.take("100", 2)).toBe(undefined);
  expect(index.take("90", discoveryLimits.consulRestoredMs)).toEqual({ from: 100, to: 90 });
});

test("an index that stays lower is believed after a while: the servers were restored", () => {
  const index = new BlockingIndex();
  index.take("100", 0);
  index.take("7", 1_000);
  expect(index.take("8", 1_000 + discoveryLimits.consulRestoredMs - 1)).toBeDefined();
  expect(index.take("8", 1_000 + discoveryLimits.consulRestoredMs)).toBe(undefined);
  expect(index.take("9", 1_001 + discoveryLimits.consulRestoredMs)).toBe(undefined);
});

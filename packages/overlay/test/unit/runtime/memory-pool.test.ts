import { describe, expect, test } from "@jest/globals";
import { FLOW } from "../../../src/limits.js";
import { MemoryPool } from "../../../src/runtime/memory-pool.js";

describe("memory of large messages", () => {
  test("is used again for a message of about the same size, and never by two at once", () => {
    const pool = new MemoryPool();
    const first = pool.take(1_000_000);
    const second = pool.take(1_000_000);
    expect(first.length).toBeGreaterThanOrEqual(1_000_000);
    expect(second).not.toBe(first);
    pool.give(first);
    expect(pool.take(1_000_100)).toBe(first);
    expect(pool.take(1_000_100)).not.toBe(first);
  });

  test("is kept up to its limit", () => {
    const pool = new MemoryPool();
    const large = pool.take(FLOW.poolBytesMax + 1);
    pool.give(large);
    expect(pool.take(FLOW.poolBytesMax + 1)).not.toBe(large);
  });
});

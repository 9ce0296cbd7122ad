import { describe, expect, test } from "@jest/globals";
import type { Host } from "../../../src/ports/index.js";
import { loadProbe } from "../../../src/runtime/index.js";

describe("a node's load", () => {
  test("is measured between two looks, in shares from 0 to 1", () => {
    const probe = loadProbe({});
    const until = performance.now() + 30;
    while (performance.now() < until);
    const { eventLoop, processor, memory } = probe();
    expect(processor).toBeGreaterThan(0);
    expect(processor).toBeLessThanOrEqual(1);
    expect(eventLoop).toBeLessThanOrEqual(1);
    expect(memory).toBeGreaterThanOrEqual(0);
    expect(memory).toBeLessThan(1);
  });

  test("is that of no process, where many nodes are simulated in one", () => {
    expect(loadProbe({ host: {} as Host })()).toEqual({ eventLoop: 0, processor: 0, memory: 0 });
  });
});

import { expect, test } from "@jest/globals";
import { measureCodecs, printed } from "./codec-bench.js";

test("every contestant encodes and decodes every payload, and what it costs is printed", () => {
  const costs = measureCodecs(16);
  expect(costs).toHaveLength(15);
  for (const cost of costs) {
    expect(cost.encodeNs).toBeGreaterThan(0);
    expect(cost.decodeNs).toBeGreaterThan(0);
  }
  const [small] = costs;
  expect(small).toMatchObject({ payload: "small", contestant: "foundation", bytes: 74 });
  process.stdout.write(`${printed(costs)}\n`);
});

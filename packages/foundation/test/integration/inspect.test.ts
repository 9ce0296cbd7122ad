import { describe, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { eventually, startNodes } from "./real-nodes.js";

describe("how another node is", () => {
  test("its load comes by itself, and everything else when it is asked", async () => {
    const [a, b] = (await startNodes(2)) as [Awaited<ReturnType<typeof startNodes>>[0], never];
    const other = (b as typeof a).self.id;
    await eventually(() => a.nodes().every(({ load }) => load !== undefined));
    expect(a.self.load).toMatchObject({ eventLoop: expect.any(Number) });

    const inspection = await a.inspect(other);
    expect(inspection).toMatchObject({
      node: { id: other, name: "node-2" },
      topology: "full-mesh",
      neighbours: [a.self.id],
      explanation: { link: "up", status: "alive" },
    });
    expect(inspection.vitals.rssBytes).toBeGreaterThan(0);
    expect(inspection.links.up).toBeGreaterThan(0);
    expect((await a.inspect(a.self.id)).neighbours).toEqual([other]);
    await expect(a.inspect("nobody" as NodeId)).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });
});

import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { Graph } from "./graph.js";

const random = seededRandom("graph");

describe("Graph", () => {
  test("of a ring of six has the paths of one, no triangle and one component", () => {
    const ring = [0, 1, 2, 3, 4, 5].map((node) => [(node + 1) % 6, (node + 5) % 6]);
    const graph = new Graph(ring);
    // From each node: two at 1, two at 2, one at 3.
    expect(graph.paths(random)).toEqual({ average: 9 / 5, longest: 3, sources: 6 });
    expect(graph.clustering()).toBe(0);
    expect(graph.components()).toEqual([6]);
    expect(graph.inDegree).toEqual({ mean: 2, least: 2, most: 2, deviation: 0 });
  });

  test("of everybody with everybody is all triangles", () => {
    const nodes = [0, 1, 2, 3];
    const graph = new Graph(nodes.map((node) => nodes.filter((other) => other !== node)));
    expect(graph.clustering()).toBe(1);
    expect(graph.paths(random)).toMatchObject({ average: 1, longest: 1 });
  });

  test("does not count as a link what only one of both believes", () => {
    const graph = new Graph([[1], [0, 2], [], [4], [3]]);
    expect(graph.oneSided).toEqual([[1, 2]]);
    expect(graph.components()).toEqual([2, 2, 1]);
    expect(graph.inDegree).toMatchObject({ least: 1, most: 1, mean: 1 });
  });

  test("measures from some nodes where there are many", () => {
    const ring = Array.from({ length: 100 }, (_, node) => [(node + 1) % 100, (node + 99) % 100]);
    const paths = new Graph(ring).paths(random, 10);
    expect(paths.sources).toBe(10);
    expect(paths.longest).toBe(50);
    expect(paths.average).toBeCloseTo(2_500 / 99, 10);
  });
});

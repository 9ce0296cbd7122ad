import { describe, expect, test } from "@jest/globals";
import { choose, newMemory } from "../../../src/protocol/balancing/choose.js";
import type { Contender, Strategy } from "../../../src/protocol/balancing/contender.js";

const chance = { one: 0, two: 0, key: "" };

function contender(id: string, over: Partial<Contender> = {}): Contender {
  return { id, weight: 1, inFlight: 0, latencyMs: 0, distance: 2, ...over };
}

function ids(strategy: Strategy, contenders: readonly Contender[], count: number): string {
  const memory = newMemory();
  const chosen = Array.from({ length: count }, () => {
    return choose(strategy, contenders, memory, chance)?.id ?? "-";
  });
  return chosen.join("");
}

describe("round-robin", () => {
  test("gives each its turn in the order of ids, whatever order they come in", () => {
    const three = [contender("c"), contender("a"), contender("b")];
    expect(ids("round-robin", three, 7)).toBe("abcabca");
  });

  test("an instance that comes or goes takes no turn from the others", () => {
    const memory = newMemory();
    const [a, b, c] = [contender("a"), contender("b"), contender("c")];
    const next = (...among: Contender[]) => choose("round-robin", among, memory, chance)?.id;
    expect([next(a, b, c), next(a, c), next(a, b, c), next(a, b, c)]).toEqual(["a", "c", "a", "b"]);
  });
});

describe("weighted", () => {
  test("spreads a weight of five between the others instead of sending five in a row", () => {
    const weights = [contender("a", { weight: 5 }), contender("b"), contender("c")];
    expect(ids("weighted", weights, 7)).toBe("aabacaa");
  });
});

describe("random", () => {
  test("gives each the same part of the draws, and never leaves the list", () => {
    const three = [contender("a"), contender("b"), contender("c")];
    const at = (one: number) => choose("random", three, newMemory(), { ...chance, one })?.id;
    expect([at(0), at(0.33), at(0.34), at(0.67), at(1 - 2 ** -53)]).toEqual([
      "a",
      "a",
      "b",
      "c",
      "c",
    ]);
  });
});

describe("least-connections", () => {
  test("chooses the fewest under way for the weight, and draws among equals", () => {
    const busy = contender("busy", { inFlight: 3 });
    const strong = contender("strong", { inFlight: 3, weight: 4 });
    expect(ids("least-connections", [busy, contender("one", { inFlight: 1 }), strong], 1)).toBe(
      "strong",
    );
    const equal = [contender("a"), contender("b"), busy];
    const at = (one: number) =>
      choose("least-connections", equal, newMemory(), { ...chance, one })?.id;
    expect([at(0.49), at(0.5), at(1 - 2 ** -53)]).toEqual(["a", "b", "b"]);
  });
});

describe("least-latency", () => {
  const slow = contender("slow", { latencyMs: 90 });
  const fast = contender("fast", { latencyMs: 10 });
  const at = (among: readonly Contender[], one: number, two: number) =>
    choose("least-latency", among, newMemory(), { one, two, key: "" })?.id;

  test("takes the faster of the two drawn, whichever comes first", () => {
    expect([at([slow, fast], 0, 0), at([slow, fast], 0.9, 0)]).toEqual(["fast", "fast"]);
  });

  test("draws two different ones: the slowest of three is never chosen", () => {
    const three = [slow, fast, contender("middle", { latencyMs: 20 })];
    const draws = [0, 0.2, 0.4, 0.6, 0.8, 0.99];
    const chosen = new Set(draws.flatMap((one) => draws.map((two) => at(three, one, two))));
    expect([...chosen].sort()).toEqual(["fast", "middle"]);
  });

  test("counts what is under way: nine requests on the fast one make the slow one better", () => {
    expect(at([slow, contender("fast", { latencyMs: 10, inFlight: 9 })], 0, 0)).toBe("slow");
    expect(at([slow, contender("fast", { latencyMs: 10, inFlight: 7 })], 0, 0)).toBe("fast");
  });

  test("tries an instance of which nothing is known once, and waits for its answer", () => {
    expect(at([fast, contender("new")], 0, 0)).toBe("new");
    expect(at([fast, contender("new", { inFlight: 1 })], 0, 0)).toBe("fast");
  });
});

describe("locality", () => {
  test("stays on this node while it can, then in the zone, then anywhere", () => {
    const here = contender("here", { distance: 0, inFlight: 50 });
    const zone = contender("zone", { distance: 1, inFlight: 20 });
    const far = contender("far", { distance: 2 });
    expect(ids("locality", [far, zone, here], 1)).toBe("here");
    expect(ids("locality", [far, zone], 1)).toBe("zone");
    expect(ids("locality", [far], 1)).toBe("far");
  });
});

test.each<Strategy>([
  "round-robin",
  "random",
  "least-connections",
  "least-latency",
  "weighted",
  "consistent-hash",
  "locality",
])("%s chooses nobody of nobody and the only one of one", (strategy) => {
  expect(choose(strategy, [], newMemory(), chance)).toBeUndefined();
  expect(ids(strategy, [contender("only", { inFlight: 3 })], 2)).toBe("onlyonly");
});

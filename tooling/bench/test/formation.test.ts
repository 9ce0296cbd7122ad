import { describe, expect, test } from "@jest/globals";
import { suiteOf } from "../src/formation/suite.js";

const suite = suiteOf({ processes: [2, 10], crowds: [{ nodes: 50, secondsMax: 1.2 }] });

describe("the formation suite", () => {
  test("judges only what it measures, of contestants that it has", () => {
    const measures = suite.measures.map(({ name }) => name);
    for (const { measure, of, against = [], beside = [] } of suite.aims) {
      expect(measures).toContain(measure);
      for (const who of [of, ...[against].flat(), ...beside]) {
        expect(suite.contestants).toContain(who);
      }
    }
  });

  test("holds every number of processes against bare connections, Erlang and Moleculer", () => {
    for (const nodes of [2, 10]) {
      const aims = suite.aims.filter(({ measure }) => measure.endsWith(`, N = ${nodes}`));
      expect(aims.map(({ of, against, target }) => [of, against, target])).toEqual([
        ["foundation", "ws-mesh", 1.5],
        ["foundation", "erlang", 1],
        ["foundation", "moleculer-0.15-tcp", 1],
        ["foundation-cluster", "erlang", 1 / 3],
      ]);
    }
  });
});

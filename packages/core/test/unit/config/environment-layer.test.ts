import { describe, expect, test } from "@jest/globals";
import { environmentLayer, suggest } from "../../../src/config/index.js";

const mapping = {
  FOUNDATION_CLUSTER: "cluster",
  FOUNDATION_PORT: { path: "port", type: "number" },
  FOUNDATION_DASHBOARD: { path: "features.dashboard", type: "boolean" },
  FOUNDATION_PEERS: { path: "peers", type: "list" },
  FOUNDATION_TIMEOUT: { path: "timeout", type: "duration" },
  FOUNDATION_SECRET: { path: "security.secret", type: "secret" },
} as const;

describe("the environment layer", () => {
  test("reads each type and remembers the variable", () => {
    const layer = environmentLayer(
      {
        FOUNDATION_CLUSTER: " static ",
        FOUNDATION_PORT: "4100",
        FOUNDATION_DASHBOARD: "off",
        FOUNDATION_PEERS: "a:1, b:2,,",
        FOUNDATION_TIMEOUT: "2s",
        FOUNDATION_SECRET: "abc",
        HOME: "/x",
      },
      mapping,
    );
    expect(layer.values).toEqual({
      cluster: "static",
      port: 4100,
      features: { dashboard: false },
      peers: ["a:1", "b:2"],
      timeout: 2000,
      security: { secret: "abc" },
    });
    expect(layer.origins?.["features.dashboard"]).toBe("FOUNDATION_DASHBOARD");
    expect(layer.problems).toEqual([]);
    expect(layer.warnings).toEqual([]);
  });

  test("an empty variable counts as not set", () => {
    const layer = environmentLayer({ FOUNDATION_CLUSTER: "", FOUNDATION_PORT: " " }, mapping);
    expect(layer.values).toEqual({});
  });

  test("a bare number is a duration in milliseconds", () => {
    expect(environmentLayer({ FOUNDATION_TIMEOUT: "250" }, mapping).values).toEqual({
      timeout: 250,
    });
  });

  test.each([
    ["FOUNDATION_PORT", "http"],
    ["FOUNDATION_PORT", "Infinity"],
    ["FOUNDATION_DASHBOARD", "maybe"],
    ["FOUNDATION_TIMEOUT", "5 parsecs"],
  ])("%s=%s is a problem that names the variable", (name, text) => {
    const layer = environmentLayer({ [name]: text }, mapping);
    expect(layer.values).toEqual({});
    expect(layer.problems).toEqual([
      expect.objectContaining({
        layer: "environment",
        found: `"${text}"`,
        fix: `Change the variable ${name}, or unset it.`,
      }),
    ]);
  });

  test("a misspelt variable is warned of, an unrelated one is not", () => {
    const env = { FOUNDATION_CLUSTR: "static", FOUNDATION_TALLY: "/tmp/x", CLUSTR: "1" };
    expect(environmentLayer(env, mapping).warnings).toEqual([
      "The variable FOUNDATION_CLUSTR is not known and was ignored. Did you mean FOUNDATION_CLUSTER?",
    ]);
  });
});

describe("suggestions", () => {
  const known = ["cluster", "clusters", "discovery", "processes", "maxRestarts", "tls"];
  test.each([
    ["clutser", "cluster"],
    ["clster", "cluster"],
    ["max-restarts", "maxRestarts"],
    ["MAX_RESTARTS", "maxRestarts"],
    ["proceses", "processes"],
    ["tsl", "tls"],
  ])("%s was meant to be %s", (name, meant) => {
    expect(suggest(name, known)).toBe(meant);
  });

  test.each(["zebra", "", "x", "c".repeat(10_000)])("nothing is near to %.20s", (name) => {
    expect(suggest(name, known)).toBeUndefined();
  });
});

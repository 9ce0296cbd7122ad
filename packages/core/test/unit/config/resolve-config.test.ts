import { describe, expect, test } from "@jest/globals";
import * as v from "valibot";
import { formatExplanation, resolveConfig, type ConfigLayer } from "../../../src/config/index.js";
import type { ConfigProblem } from "../../../src/config/index.js";

const schema = v.strictObject({
  cluster: v.optional(v.string()),
  port: v.optional(v.pipe(v.number(), v.integer("a whole number"), v.maxValue(65_535)), 0),
  roles: v.optional(v.array(v.string())),
  labels: v.optional(v.record(v.string(), v.string())),
  compression: v.optional(
    v.union([
      v.boolean(),
      v.strictObject({ threshold: v.number(), level: v.optional(v.number()) }),
    ]),
  ),
  processes: v.optional(
    v.strictObject({
      supervisor: v.optional(
        v.strictObject({
          maxRestarts: v.optional(v.number(), 3),
          within: v.optional(v.union([v.string(), v.number()])),
        }),
      ),
    }),
  ),
  discovery: v.optional(v.array(v.custom<object>((value) => typeof value === "object"))),
  security: v.optional(
    v.strictObject({
      secret: v.optional(v.pipe(v.string(), v.minLength(8, "at least 8 characters"))),
      key: v.optional(v.pipe(v.string(), v.metadata({ secret: true, fix: "Ask the operator." }))),
    }),
  ),
});

const resolve = (...layers: ConfigLayer[]) => resolveConfig({ schema, layers });
const layer = (name: string, values: Record<string, unknown>): ConfigLayer => ({ name, values });

function problemsOf(...layers: ConfigLayer[]): readonly ConfigProblem[] {
  try {
    resolve(...layers);
  } catch (error) {
    expect(error).toMatchObject({ name: "FoundationError", code: "ERR_CONFIG_INVALID" });
    return (error as { details: { problems: readonly ConfigProblem[] } }).details.problems;
  }
  throw new Error("no problem was found");
}

describe("layers", () => {
  test("a later layer wins option by option, groups are merged", () => {
    const { values } = resolve(
      layer("defaults", { port: 1, processes: { supervisor: { maxRestarts: 5, within: "5s" } } }),
      layer("file", { processes: { supervisor: { maxRestarts: 7 } }, labels: { a: "1" } }),
      layer("options", { port: 2, labels: { b: "2" } }),
    );
    expect(values).toEqual({
      port: 2,
      processes: { supervisor: { maxRestarts: 7, within: "5s" } },
      labels: { a: "1", b: "2" },
    });
  });

  test("undefined does not hide the value of a lower layer", () => {
    const { values } = resolve(layer("file", { port: 1 }), layer("options", { port: undefined }));
    expect(values.port).toBe(1);
  });

  test("lists are replaced as a whole", () => {
    const { values } = resolve(
      layer("file", { roles: ["a", "b"] }),
      layer("options", { roles: ["c"] }),
    );
    expect(values.roles).toEqual(["c"]);
  });

  test("a plain value replaces a group, and a group a plain value", () => {
    const group = layer("file", { compression: { threshold: 1, level: 2 } });
    const flag = layer("options", { compression: true });
    expect(resolve(group, flag).values.compression).toBe(true);
    const again = layer("call", { compression: { threshold: 9 } });
    expect(resolve(group, flag, again).values.compression).toEqual({ threshold: 9 });
  });

  test("instances are passed on as they are, never copied", () => {
    const strategy = { name: "mine", discover: () => undefined };
    expect(resolve(layer("options", { discovery: [strategy] })).values.discovery?.[0]).toBe(
      strategy,
    );
  });

  test("the layers given are not changed", () => {
    const values = { processes: { supervisor: { maxRestarts: 1 } } };
    resolve(layer("file", values), layer("options", { processes: { supervisor: { within: 5 } } }));
    expect(values).toEqual({ processes: { supervisor: { maxRestarts: 1 } } });
  });
});

describe("problems", () => {
  test("every problem of every layer is listed at once, with path, layer, expectation and fix", () => {
    const problems = problemsOf(
      { ...layer("file", { port: "abc", clutser: "x" }), origin: "/app/foundation.config.mjs" },
      { ...layer("environment", { cluster: 5 }), origins: { cluster: "FOUNDATION_CLUSTER" } },
      layer("options", { roles: "admin", nonsense: 1 }),
    );
    expect(problems.map(({ path, layer: name }) => [path, name])).toEqual([
      ["clutser", "file"],
      ["nonsense", "options"],
      ["cluster", "environment"],
      ["port", "file"],
      ["roles", "options"],
    ]);
    expect(problems[0]).toMatchObject({ fix: 'Did you mean "cluster"?' });
    expect(problems[1]!.fix).toContain("known here: cluster, compression");
    expect(problems[2]).toMatchObject({
      expected: "string",
      found: "5",
      fix: "Change cluster in FOUNDATION_CLUSTER.",
    });
    expect(problems[3]!.fix).toContain("/app/foundation.config.mjs");
  });

  test("the schema's own message is the expectation", () => {
    const [problem] = problemsOf(layer("options", { port: 1.5 }));
    expect(problem).toMatchObject({ path: "port", expected: "a whole number", found: "1.5" });
  });

  test("an option in the wrong group is told where it belongs", () => {
    const [problem] = problemsOf(layer("options", { maxRestarts: 3 }));
    expect(problem!.fix).toBe('Did you mean "processes.supervisor.maxRestarts"?');
  });

  test("an unknown option is found in a layer whose value is overridden", () => {
    const [problem] = problemsOf(
      layer("file", { compression: { threshold: 1, treshold: 2 } }),
      layer("options", { compression: false }),
    );
    expect(problem).toMatchObject({ path: "compression.treshold", layer: "file" });
  });

  test("an object that fits no alternative is explained from the inside", () => {
    const problems = problemsOf(layer("options", { compression: { threshold: "much" } }));
    expect(problems).toEqual([
      expect.objectContaining({
        path: "compression.threshold",
        expected: "number",
        found: '"much"',
      }),
    ]);
  });

  test.each([[[]], [[{}]], [new Map()], [new Date(0)]])(
    "a list or an instance in the place of a group (%p) is refused, not taken for an empty one",
    (value) => {
      expect(problemsOf(layer("file", { security: value }))).toEqual([
        expect.objectContaining({ path: "security", expected: "an object with options" }),
      ]);
    },
  );

  test("options that are known one by one but exclude each other are a problem too", () => {
    const either = v.strictObject({
      tls: v.union([v.strictObject({ file: v.string() }), v.strictObject({ text: v.string() })]),
    });
    const values = { tls: { file: "a", text: "b" } };
    expect(() => resolveConfig({ schema: either, layers: [layer("file", values)] })).toThrow(
      expect.objectContaining({
        code: "ERR_CONFIG_INVALID",
        details: { problems: [expect.objectContaining({ path: "tls", layer: "file" })] },
      }),
    );
  });

  test("a missing value names the path and no layer", () => {
    const [problem] = problemsOf(layer("options", { compression: { level: 1 } }));
    expect(problem).toMatchObject({
      path: "compression.threshold",
      layer: "none",
      found: "nothing",
      fix: "Set compression.threshold.",
    });
  });

  test("what stands in the place of a group of secrets is not shown: it may be one of them", () => {
    for (const wrong of ["hunter2hunter2", ["hunter2hunter2"], new URL("http://hunter2hunter2")]) {
      const problems = problemsOf(layer("options", { security: wrong }));
      expect(problems).toMatchObject([{ path: "security", found: "[secret]" }]);
    }
    expect(problemsOf(layer("options", { port: "x" }))).toMatchObject([{ found: '"x"' }]);
  });

  test("a secret that is refused is not shown, and its metadata may say the fix", () => {
    const problems = problemsOf(layer("options", { security: { secret: "hunter2", key: 12_345 } }));
    expect(problems[0]).toMatchObject({ expected: "at least 8 characters", found: "[secret]" });
    expect(problems[1]).toMatchObject({ found: "[secret]", fix: "Ask the operator." });
  });

  test.each(["__proto__", "constructor", "toString"])("%s is an unknown option", (name) => {
    const values = JSON.parse(`{"${name}": {"port": 1}}`) as Record<string, unknown>;
    expect(problemsOf(layer("file", values))[0]).toMatchObject({ path: name, layer: "file" });
    expect(({} as Record<string, unknown>)["port"]).toBeUndefined();
  });

  test("problems found while reading a layer are listed with the others", () => {
    const early = {
      path: "port",
      layer: "environment",
      expected: "a number",
      found: '"x"',
      fix: "f",
    };
    const problems = problemsOf({ ...layer("environment", { nonsense: 1 }), problems: [early] });
    expect(problems).toHaveLength(2);
    expect(problems[0]).toEqual(early);
  });

  test("a flood of problems is cut and counted", () => {
    const values = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`zz${i}qq`, 1]));
    expect(() => resolve(layer("file", values))).toThrow(/500 problems[^]*and 450 more/);
  });
});

describe("explain", () => {
  test("shows every effective value with its layer, origin and evidence", () => {
    const config = resolve(
      { ...layer("defaults", { cluster: "local" }), evidence: { cluster: "no service host" } },
      { ...layer("environment", { roles: ["a"] }), origins: { roles: "FOUNDATION_ROLES" } },
      layer("options", { processes: { supervisor: { within: "5s" } } }),
    );
    expect(config.explain()).toEqual([
      { path: "cluster", value: "local", layer: "defaults", evidence: "no service host" },
      { path: "port", value: 0, layer: "defaults" },
      { path: "roles", value: ["a"], layer: "environment", origin: "FOUNDATION_ROLES" },
      { path: "processes.supervisor.maxRestarts", value: 3, layer: "defaults" },
      { path: "processes.supervisor.within", value: "5s", layer: "options" },
    ]);
  });

  test("evidence of a layer is not claimed for a value of another one", () => {
    const config = resolve(
      { ...layer("defaults", { cluster: "local" }), evidence: { cluster: "detected" } },
      layer("options", { cluster: "static" }),
    );
    expect(config.explain()[0]).toEqual({ path: "cluster", value: "static", layer: "options" });
  });

  test("secrets are redacted, instances shown by name", () => {
    const strategy = { name: "mine", discover: () => undefined };
    const config = resolve(
      layer("options", { security: { secret: "hunter2hunter2", key: "k" }, discovery: [strategy] }),
    );
    const text = formatExplanation(config.explain());
    expect(text).not.toContain("hunter2");
    expect(text).toContain('discovery = ["[mine]"]');
    expect(text).toContain('security.key = "[secret]"');
    expect(text).toMatch(/^port = 0 .*\(defaults\)$/m);
  });
});

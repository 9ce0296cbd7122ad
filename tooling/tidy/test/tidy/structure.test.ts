/** Layers, package shape, names, reachability: proven on planted violations, then on the checkout. */
import { describe, expect, test } from "@jest/globals";
import { checkLayers } from "../../src/layers.js";
import { checkReachable } from "../../src/reachable.js";
import { checkout, explain, planted } from "../../src/repository.js";
import { root } from "../../src/root.js";
import { checkFocus, checkNames, checkShape } from "../../src/shape.js";
import { oversize } from "../../src/sizes.js";
import { checkTestKinds } from "../../src/test-kinds.js";

const repository = checkout(root);
const manifest = (fields: object): string => JSON.stringify(fields);

describe("layers", () => {
  test("imports of the packages point downwards only", () => {
    expect(explain(checkLayers(repository))).toBe("");
  });

  test("a sideways dependency is found", () => {
    const found = checkLayers(
      planted({
        "packages/crdt/package.json": manifest({ dependencies: { "@foundation/overlay": "1" } }),
      }),
    );
    expect(explain(found)).toContain("@foundation/overlay points sideways or upwards");
  });

  test("a devDependency that points upwards is found", () => {
    const found = checkLayers(
      planted({
        "packages/core/package.json": manifest({ devDependencies: { "@foundation/testkit": "1" } }),
      }),
    );
    expect(explain(found)).toContain(
      "devDependency @foundation/testkit points sideways or upwards",
    );
  });

  test("an import without a declared dependency is found, in sources and in tests", () => {
    const found = checkLayers(
      planted({
        "packages/pubsub/package.json": manifest({}),
        "packages/pubsub/src/index.ts": 'import { a } from "@foundation/discovery/x";',
        "packages/pubsub/test/unit/a.test.ts": 'import b from "left-pad";',
      }),
    );
    expect(explain(found)).toContain("src/index.ts:1 imports @foundation/discovery,");
    expect(explain(found)).toContain("a.test.ts:1 imports left-pad,");
  });

  test("a relative import into another package is found", () => {
    const found = checkLayers(
      planted({
        "packages/pubsub/package.json": manifest({}),
        "packages/pubsub/src/index.ts": 'export * from "../../crdt/src/index.js";',
      }),
    );
    expect(explain(found)).toContain("reaches into another package");
  });

  test("a cycle is found", () => {
    const found = checkLayers(
      planted({
        "packages/core/package.json": manifest({ dependencies: { "@foundation/crdt": "1" } }),
        "packages/crdt/package.json": manifest({ dependencies: { "@foundation/core": "1" } }),
      }),
    );
    expect(explain(found)).toContain("cycle core → crdt → core");
  });

  test("a dependency nobody imports and a package without a layer are found", () => {
    const found = checkLayers(
      planted({
        "packages/core/package.json": manifest({ dependencies: { pino: "1" } }),
        "packages/core/src/index.ts": "export const a = 1;",
        "packages/mystery/package.json": manifest({}),
      }),
    );
    expect(explain(found)).toContain("dependency pino is not imported by src/");
    expect(explain(found)).toContain("packages/mystery/package.json has no layer");
  });
});

describe("shape of a package", () => {
  test("every package has a README, tests and a manifest like its neighbours'", () => {
    expect(explain(checkShape(repository))).toBe("");
  });

  test("a package without README, tests and the agreed manifest is found", () => {
    const text = explain(checkShape(planted({ "packages/core/package.json": manifest({}) })));
    expect(text).toContain("packages/core has no README.md");
    expect(text).toContain("packages/core has no tests");
    expect(text).toContain("sideEffects is not false");
  });

  test("a published export that keeps the source condition is found", () => {
    const exports = {
      ".": { "@foundation/source": "./src/index.ts", types: "./d.ts", default: "./d.js" },
    };
    const text = explain(
      checkShape(
        planted({
          "packages/core/package.json": manifest({ exports, publishConfig: { exports } }),
        }),
      ),
    );
    expect(text).toContain("publishConfig.exports is not exports without the source condition");
  });

  test("names say what a file is about", () => {
    expect(explain(checkNames(repository))).toBe("");
  });

  test("names that say nothing are found", () => {
    const found = checkNames(
      planted({
        "packages/core/src/utils.ts": "",
        "packages/core/src/string-helpers.ts": "",
        "packages/core/src/fooBar.ts": "",
      }),
    );
    expect(found).toHaveLength(3);
  });

  test("no test is narrowed or silenced", () => {
    expect(explain(checkFocus(repository))).toBe("");
  });

  test("narrowed and silenced tests are found", () => {
    const found = checkFocus(
      planted({
        "packages/core/test/unit/a.test.ts":
          'test.only("a", f);\nfit("b", f);\ndescribe.skip("c", f);\ntest("test.only in a string", f);',
      }),
    );
    expect(found.map(({ line }) => line)).toEqual([1, 2, 3]);
  });
});

describe("reachability", () => {
  test("every source file is reached from an entry point", () => {
    expect(explain(checkReachable(repository))).toBe("");
  });

  test("a dead file is found, a file started by URL is not dead", () => {
    const found = checkReachable(
      planted({
        "packages/core/package.json": manifest({
          exports: { ".": { "@foundation/source": "./src/index.ts" } },
        }),
        "packages/core/src/index.ts": 'export * from "./alive.js";',
        "packages/core/src/alive.ts":
          'new URL("./child.js", import.meta.url); new URL(`./other.${e}`, import.meta.url);',
        "packages/core/src/other.ts": "",
        "packages/core/src/child.ts": "",
        "packages/core/src/dead.ts": 'import "./index.js";',
      }),
    );
    expect(found.map(({ path }) => path)).toEqual(["packages/core/src/dead.ts"]);
  });
});

describe("kinds of tests", () => {
  test("every test file is in exactly one jest project", async () => {
    const { default: jest } = (await import(`${root}/jest.config.mjs`)) as {
      default: { projects: { displayName: string; testMatch: string[] }[] };
    };
    const kinds = jest.projects.map(({ displayName, testMatch }) => {
      return [displayName, testMatch.map((glob) => glob.replace("<rootDir>/", ""))] as const;
    });
    expect(explain(checkTestKinds(repository, Object.fromEntries(kinds)))).toBe("");
  });

  test("a test in no project and one in two are found", () => {
    const files = {
      "a/test/unit/x.test.ts": "",
      "b/y.test.ts": "",
      "a/test/unit/deep/z.test.ts": "",
    };
    const found = checkTestKinds(planted(files), {
      unit: ["*/test/unit/**/*.test.ts"],
      deep: ["a/**/deep/*.test.ts"],
    });
    expect(found.map(({ path }) => path).sort()).toEqual([
      "a/test/unit/deep/z.test.ts",
      "b/y.test.ts",
    ]);
  });
});

describe("sizes", () => {
  test("long files, functions and lines are reported", () => {
    const body = "  f();\n".repeat(320);
    const found = oversize(
      planted({ "packages/core/src/a.ts": `function g() {\n${body}}\n// ${"x".repeat(120)}\n` }),
    );
    expect(found.map(({ what }) => what).sort()).toEqual(["file", "function g", "line 323"]);
  });
});

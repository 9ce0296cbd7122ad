import { expect, test } from "@jest/globals";
import fc from "fast-check";
import * as v from "valibot";
import { environmentLayer, resolveConfig, suggest } from "../../../src/config/index.js";

const option = v.optional(v.union([v.number(), v.string()]));
const group = v.optional(v.strictObject({ a: option, b: option }));
const schema = v.strictObject({ a: option, b: option, left: group, right: group });
const paths = ["a", "b", "left.a", "left.b", "right.a", "right.b"];

const value = fc.option(fc.oneof(fc.integer(), fc.string()), { nil: undefined });
const pair = fc.record({ a: value, b: value }, { requiredKeys: [] });
const values = fc.record({ a: value, b: value, left: pair, right: pair }, { requiredKeys: [] });

function at(tree: unknown, path: string): unknown {
  let found = tree;
  for (const key of path.split(".")) found = (found as Record<string, unknown> | undefined)?.[key];
  return found;
}

test("every option has the value and the name of the last layer that sets it", () => {
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 5 }), (trees) => {
      const layers = trees.map((tree, index) => ({ name: `layer ${index}`, values: tree }));
      const config = resolveConfig({ schema, layers });
      const explained = new Map(config.explain().map((each) => [each.path, each]));
      for (const path of paths) {
        const last = layers.findLast((layer) => at(layer.values, path) !== undefined);
        expect(at(config.values, path)).toEqual(last && at(last.values, path));
        expect(explained.get(path)?.layer).toBe(last?.name);
      }
    }),
  );
});

test("whatever a layer holds, the result is valid or the error lists problems", () => {
  const anything = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom("a", "left", "__proto__", "constructor")),
    fc.oneof(fc.anything(), pair),
  );
  fc.assert(
    fc.property(anything, (tree) => {
      try {
        resolveConfig({ schema, layers: [{ name: "file", values: tree }] });
      } catch (error) {
        expect(error).toMatchObject({ code: "ERR_CONFIG_INVALID" });
        const { problems } = (error as { details: { problems: { fix: string }[] } }).details;
        expect(problems.length).toBeGreaterThan(0);
        for (const { fix } of problems) expect(fix).not.toBe("");
      }
      expect(({} as Record<string, unknown>)["a"]).toBeUndefined();
    }),
  );
});

test("no text in a variable makes the environment layer throw", () => {
  const types = ["string", "secret", "number", "boolean", "list", "duration"] as const;
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...types), (text, type) => {
      const layer = environmentLayer({ FOUNDATION_X: text }, { FOUNDATION_X: { path: "x", type } });
      const isSet = "x" in layer.values;
      expect(isSet || text.trim() === "" || layer.problems?.length === 1).toBe(true);
    }),
  );
});

test("one slip of the finger in a name of at least four letters is found", () => {
  const name = fc.stringMatching(/^[a-z]{4,12}$/);
  fc.assert(
    fc.property(name, fc.nat(), fc.stringMatching(/^[a-z]$/), (known, position, letter) => {
      const i = position % known.length;
      const missing = known.slice(0, i) + known.slice(i + 1);
      const extra = known.slice(0, i) + letter + known.slice(i);
      const swapped = known.slice(0, i) + (known[i + 1] ?? "") + known[i] + known.slice(i + 2);
      for (const slip of [missing, extra, swapped]) expect(suggest(slip, [known])).toBe(known);
    }),
  );
});

/** The catalogue of mutants fits the code: a refactoring that moves an anchor fails here, in seconds. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { root } from "../../../tidy/src/root.js";
import { catalogue } from "../../src/catalogue/index.js";
import { plant } from "../../src/plant.mjs";

test.each(catalogue.map((mutant) => [mutant.name, mutant] as const))(
  "the anchors of %s occur exactly once in the code",
  (_name, mutant) => {
    const source = readFileSync(join(root, mutant.file), "utf8");
    expect(plant(source, mutant)).not.toBe(source);
  },
);

test("names are unique, in kebab case, and say what breaks", () => {
  const names = catalogue.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, bug, breaks } of catalogue) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(bug).toMatch(/^[A-Z].*\.$/);
    expect(breaks).toMatch(/^[`A-Z].*\.$/);
  }
});

test("an anchor that moved or is not unique is refused", () => {
  const mutant = { name: "m", file: "f.ts", edits: [{ find: "b", replace: "c" }] };
  expect(() => plant("a", mutant)).toThrow("occurs 0 times in f.ts");
  expect(() => plant("bb", mutant)).toThrow("occurs 2 times in f.ts");
  expect(plant("abd", mutant)).toContain("acd\n");
});

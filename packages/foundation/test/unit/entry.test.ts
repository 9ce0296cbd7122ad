import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "@jest/globals";

const src = resolve(import.meta.dirname, "../../src");

/** Every module that an entry of this package leads to, and what those import from other packages. */
function importsFrom(entry: string): { readonly files: Set<string>; readonly names: Set<string> } {
  const files = new Set([join(src, entry)]);
  const names = new Set<string>();
  for (const file of files) {
    const source = readFileSync(file, "utf8").replace(/^(import|export) type [^;]*;/gm, "");
    for (const [, specifier = ""] of source.matchAll(/(?:from|import) "([^"]+)"/g)) {
      if (!specifier.startsWith(".")) names.add(specifier);
      else files.add(join(dirname(file), specifier.replace(/\.js$/, ".ts")));
    }
  }
  return { files, names };
}

test("an application loads nothing of the test kit, only its tests do", () => {
  const [main, testing] = [importsFrom("index.ts"), importsFrom("testing/index.ts")];
  const ofTests = /testkit|\/testing$/;
  expect([...main.names].filter((name) => ofTests.test(name))).toEqual([]);
  expect(testing.names).toContain("@foundation/testkit");
  expect([...main.files, ...testing.files].every((file) => existsSync(file))).toBe(true);
  expect(main.files.size).toBeGreaterThan(20);
});

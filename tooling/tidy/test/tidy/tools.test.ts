/** The tools are set up so that they catch what they are there for: each gets a planted mistake. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../src/root.js";

const bin = (path: string): string => join(root, "node_modules", path);
let folder = "";

beforeAll(() => {
  // Below a package, so that the workspace's packages are found; in a folder that git, lint, format
  // and the other checks ignore, so that no other run ever sees the mistakes.
  const base = join(root, "tooling/acceptance/.cache");
  mkdirSync(base, { recursive: true });
  folder = mkdtempSync(join(base, "tools-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const settings = {
    extends: join(root, "tooling/tsconfig/base.json"),
    compilerOptions: { typeRoots: [bin("@types")] },
    include: ["*.ts"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("lint", () => {
  const lint = (code: string): string => {
    const file = join(folder, "planted.ts");
    writeFileSync(file, code);
    const { ignorePatterns: _, ...rules } = JSON.parse(
      readFileSync(join(root, ".oxlintrc.json"), "utf8"),
    ) as { ignorePatterns: unknown };
    writeFileSync(join(folder, "oxlint.json"), JSON.stringify(rules));
    const args = ["--type-aware", "--no-ignore", "-c", "oxlint.json", file];
    return spawnSync(bin("oxlint/bin/oxlint"), args, { cwd: folder, encoding: "utf8" }).stdout;
  };

  test("a floating promise is found, one of another package included", () => {
    const found = lint(`
      import type { Clock } from "@foundation/core/ports";
      async function go(): Promise<void> { await Promise.resolve(); }
      export function f(clock: Clock): void {
        go();
        clock.sleep(1);
      }
    `);
    expect(found.match(/no-floating-promises/g)).toHaveLength(2);
  });

  test("a promise where a boolean is expected, any and console are found", () => {
    expect(lint("export const f = (p: Promise<number>) => (p ? 1 : 2);")).toContain("no-misused");
    expect(lint("export const f = (x: any): unknown => x;")).toContain("no-explicit-any");
  });

  test("correct code is not complained about", () => {
    expect(lint("export const f = (x: number): number => x + 1;\n")).toContain("0 errors");
  });
});

describe("types", () => {
  const check = (code: string): string => {
    writeFileSync(join(folder, "planted.ts"), code);
    const args = [bin("typescript7/bin/tsc"), "-p", folder, "--pretty", "false"];
    return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" }).stdout;
  };

  test("the strict settings are on", () => {
    expect(check("export const f = (list: string[]): string => list[0];")).toContain("TS2322");
    expect(check("export const o: { a?: number } = { a: undefined };")).toContain("TS2375");
    expect(check('import { Clock } from "@foundation/core/ports"; export let c: Clock;')).toContain(
      "TS1484",
    );
    expect(check('import "./other";')).toContain("TS2834");
  });

  test("packages resolve to their sources, without a build", () => {
    const found = check(
      'import type { Clock } from "@foundation/core/ports"; export const c: Clock = 1;',
    );
    expect(found).toContain("TS2322");
    expect(import.meta.resolve("@foundation/core/ports")).toMatch(/core\/src\/ports\/index\.ts$/);
  });
});

/** Purity, the outside world, ports and contracts, machine paths: planted first, then the checkout. */
import { describe, expect, test } from "@jest/globals";
import { checkMachinePaths } from "../../src/machine-paths.js";
import { adapters, checkContracts, checkPortSizes } from "../../src/ports.js";
import { checkPurity } from "../../src/purity.js";
import { checkout, explain, planted } from "../../src/repository.js";
import { root } from "../../src/root.js";
import { checkSleeps, checkWorld } from "../../src/world.js";

const repository = checkout(root);

describe("protocol cores", () => {
  test("nothing below protocol/ touches the world", () => {
    expect(explain(checkPurity(repository))).toBe("");
  });

  test.each([
    ["a clock", "const t = Date.now();"],
    ["a monotonic clock", "const t = performance.now();"],
    ["a timer", "setTimeout(f, 1);"],
    ["randomness", "const r = Math.random();"],
    ["a Node module", 'import { readFileSync } from "node:fs";'],
    ["a Node module without its prefix", 'import crypto from "crypto";'],
    ["the global crypto", "const id = crypto.randomUUID();"],
    ["a log line", 'console.log("x");'],
    ["an async function", "async function f() {}"],
    ["an await", "const f = async () => { await 1; };"],
    ["a promise", "const p = Promise.resolve();"],
    ["a promise type", "function f(): Promise<void> { return g(); }"],
    ["its own shell", 'import { shell } from "../runtime/shell.js";'],
  ])("%s in protocol/ is found", (_what, code) => {
    expect(checkPurity(planted({ "packages/crdt/src/protocol/a.ts": code }))).not.toEqual([]);
  });

  test("words in comments, strings, property names and types of our own are no breach", () => {
    const code = `
      // setTimeout, Date and await are words here
      const text = "Math.random";
      interface Input { readonly process: string; Date: number }
      function handle(process: string, input: Input) { return input.process + process + text; }
    `;
    expect(explain(checkPurity(planted({ "packages/crdt/src/protocol/a.ts": code })))).toBe("");
  });
});

describe("time and randomness", () => {
  test("the real clock, timers and randomness are used only in the named adapters", () => {
    expect(explain(checkWorld(repository))).toBe("");
  });

  test.each([
    ["const t = Date.now();"],
    ["const t = new Date();"],
    ["setTimeout(f, 1);"],
    ["globalThis.crypto.randomUUID();"],
    ["const r = Math.random();"],
    ['import { setTimeout as sleep } from "node:timers/promises";'],
    ['import { randomBytes } from "node:crypto";'],
  ])("%s outside an adapter is found", (code) => {
    expect(checkWorld(planted({ "packages/registry/src/a.ts": code }))).not.toEqual([]);
    expect(checkWorld(planted({ "packages/core/src/runtime/a.ts": code }))).toEqual([]);
  });

  test("dates as data are not a clock", () => {
    const code = "export const d = (x: unknown) => x instanceof Date ? x : new Date(5);";
    expect(explain(checkWorld(planted({ "packages/core/src/codec/a.ts": code })))).toBe("");
  });

  test("unit and property tests never wait on the real clock", () => {
    expect(explain(checkSleeps(repository))).toBe("");
  });

  test("a sleep in a unit test is found", () => {
    const found = checkSleeps(
      planted({
        "packages/core/test/unit/a.test.ts": "await new Promise((r) => setTimeout(r, 10));",
        "packages/core/test/property/b.test.ts":
          'import { setTimeout as sleep } from "node:timers/promises";',
        "packages/core/test/integration/c.test.ts": "setTimeout(f, 1);",
      }),
    );
    expect(found).toHaveLength(2);
  });
});

describe("ports", () => {
  const port = "packages/core/src/ports/storage.ts";
  const factory = `
    import type { Storage } from "@foundation/core/ports";
    export function diskStorage(): Storage { return open(); }
    function hidden(): Storage { return open(); }
  `;

  const manifest = JSON.stringify({
    exports: { ".": { "@foundation/source": "./src/index.ts" } },
  });

  test("no port has more methods than a newcomer can implement", () => {
    expect(explain(checkPortSizes(repository))).toBe("");
  });

  test("a port with nine methods is found", () => {
    const methods = Array.from({ length: 9 }, (_, index) => `m${index}(): void;`).join(" ");
    const found = checkPortSizes(planted({ [port]: `export interface Storage { ${methods} }` }));
    expect(explain(found)).toContain("port Storage has 9 methods");
  });

  test("every adapter of a port has a contract test", () => {
    expect(adapters(repository).length).toBeGreaterThan(0);
    expect(explain(checkContracts(repository))).toBe("");
  });

  test("an adapter without a contract test is found, one with it is not", () => {
    const files = {
      [port]: "export interface Storage { read(): void }",
      "packages/crdt/package.json": manifest,
      "packages/crdt/src/index.ts": 'export { diskStorage } from "./disk.js";',
      "packages/crdt/src/disk.ts": factory,
    };
    expect(explain(checkContracts(planted(files)))).toContain("diskStorage makes a Storage");
    const contract = 'import { diskStorage } from "../../src/disk.js";';
    const complete = { ...files, "packages/crdt/test/contract/storage.test.ts": contract };
    expect(explain(checkContracts(planted(complete)))).toBe("");
  });

  test("an adapter that offers more than its port is one too", () => {
    const files = {
      [port]: "export interface Storage { read(): void }",
      "packages/crdt/package.json": manifest,
      "packages/crdt/src/index.ts": 'export { diskStorage } from "./disk.js";',
      "packages/crdt/src/disk.ts":
        'import type { Storage } from "@foundation/core/ports";\n' +
        "export interface Disk extends Storage { size(): number }\n" +
        "export function diskStorage(): Disk { return open(); }",
    };
    expect(explain(checkContracts(planted(files)))).toContain("diskStorage makes a Storage");
  });

  test("a factory for the package's own use is no adapter", () => {
    const files = {
      [port]: "export interface Storage { read(): void }",
      "packages/crdt/package.json": manifest,
      "packages/crdt/src/index.ts": "export const a = 1;",
      "packages/crdt/src/disk.ts": factory,
    };
    expect(adapters(planted(files))).toEqual([]);
  });

  test("the adapters of this checkout are found", () => {
    const found = adapters(repository).map(({ factory: name }) => name);
    const some = ["nodeClock", "memoryTransport", "websocketTransport", "virtualClock", "local"];
    expect(found).toEqual(expect.arrayContaining(some));
  });
});

describe("machine paths", () => {
  test("no file names a machine or a registry", () => {
    expect(explain(checkMachinePaths(repository))).toBe("");
  });

  test.each([
    ["docs/a.md", `see ${["", "home", "ann", "x"].join("/")}`],
    ["docs/a.md", `cd ${["", "root", "foundation"].join("/")}`],
    ["tooling/x/a.mjs", `const x = "${["", "work", "main", "packages"].join("/")}";`],
    ["pnpm-lock.yaml", "    resolution: {integrity: x, tarball: https://host/x.tgz}"],
    ["pnpm-lock.yaml", "# https://registry.npmjs.org/x"],
    [".npmrc", "registry=http://localhost:4873"],
  ])("a planted one in %s is found", (path, line) => {
    expect(checkMachinePaths(planted({ [path]: line }))).toHaveLength(1);
  });
});

/** Error codes, links and examples in documents: planted first, then the checkout. */
import { describe, expect, test } from "@jest/globals";
import {
  checkErrorCodes,
  checkErrorDocs,
  declaredErrors,
  documentPath,
  errorDocument,
} from "../../src/error-docs.js";
import { checkLinks } from "../../src/links.js";
import { blocks, checkBlocks } from "../../src/readme-blocks.js";
import { checkDecisions, checkPackageTable } from "../../src/registers.js";
import { checkout, explain, planted } from "../../src/repository.js";
import { root } from "../../src/root.js";

const repository = checkout(root);

describe("error codes", () => {
  const source = "packages/core/src/errors/errors.ts";
  const declaration = `
    export const coreErrors = defineErrors({
      ERR_LOST: error<{ readonly node: string }>({
        summary: "It " + "is lost.", fix: "Look again.", retryable: true,
      }),
    });
  `;

  test("every code is declared once, with a summary and a fix", () => {
    expect(declaredErrors(repository).length).toBeGreaterThan(0);
    expect(explain(checkErrorCodes(repository))).toBe("");
  });

  test("docs/errors.md says what the declarations say", () => {
    expect(explain(checkErrorDocs(repository))).toBe("");
  });

  test("an undocumented, a vanished and an outdated code are found", () => {
    const documented = errorDocument(planted({ [source]: declaration }));
    expect(documented).toContain("It is lost.");
    const check = (text: string) =>
      explain(checkErrorDocs(planted({ [source]: declaration, [documentPath]: text })));
    expect(check(documented)).toBe("");
    expect(check("# Error codes\n")).toContain("lacks ERR_LOST");
    expect(check(`${documented}\n### ERR_GONE\n`)).toContain("documents ERR_GONE, which is gone");
    expect(check(documented.replace("lost.", "found."))).toContain("is out of date");
  });

  test("a code used but declared nowhere and a code declared twice are found", () => {
    const found = checkErrorCodes(
      planted({
        [source]: declaration,
        "packages/crdt/src/errors.ts": declaration,
        "packages/crdt/src/a.ts": 'if (e.code === "ERR_NEVER") throw crdtErrors.ERR_LOST("x", {});',
      }),
    );
    expect(explain(found)).toContain("ERR_NEVER is declared nowhere");
    expect(explain(found)).toContain("ERR_LOST is declared in");
  });
});

describe("registers", () => {
  test("the README's table lists every package, and every decision has a number of its own", () => {
    expect(explain(checkPackageTable(repository))).toBe("");
    expect(explain(checkDecisions(repository))).toBe("");
  });

  test("a package that is not listed and one that is gone are found", () => {
    const found = checkPackageTable(
      planted({
        "README.md": "| [`@foundation/core`](packages/core) | a |\n| [`x`](packages/gone) | b |\n",
        "packages/core/package.json": "{}",
        "packages/crdt/package.json": "{}",
      }),
    );
    expect(explain(found)).toBe(
      "README.md the table of packages lacks packages/crdt\n" +
        "README.md the table of packages lists packages/gone, which is gone",
    );
    expect(checkPackageTable(planted({ "packages/core/package.json": "{}" }))).toHaveLength(1);
  });

  test("a number used twice and a decision without one are found", () => {
    const found = checkDecisions(
      planted({
        "docs/decisions/0001-a.md": "",
        "docs/decisions/0001-b.md": "",
        "docs/decisions/later.md": "",
      }),
    );
    expect(explain(found)).toBe(
      "docs/decisions/0001-b.md has the number of docs/decisions/0001-a.md\n" +
        "docs/decisions/later.md is not named NNNN-title.md",
    );
  });
});

describe("links", () => {
  test("relative links lead somewhere", () => {
    expect(explain(checkLinks(repository))).toBe("");
  });

  test("a dead link is found", () => {
    const found = checkLinks(
      planted({
        "docs/a.md": "[b](b.md) [c](../README.md#x) [d](https://example.org)\n```\n[e](no.md)\n```",
        "README.md": "[docs](docs/)",
      }),
    );
    expect(explain(found)).toBe("docs/a.md:1 links to b.md, which is not there");
  });
});

describe("examples", () => {
  test("every ts and js block of READMEs, guides and TSDoc comments compiles", () => {
    expect(explain(checkBlocks(blocks(repository)))).toBe("");
  }, 60_000);

  test("a wrong example is found at its line in the document", () => {
    const markdown =
      "# X\n\n```ts\nconst n: number = 1;\nconst s: string = n;\n```\n\n```sh\nls\n```\n";
    const found = checkBlocks(blocks(planted({ "README.md": markdown })));
    expect(found).toHaveLength(1);
    expect(explain(found)).toMatch(/^README\.md:5 .*TS2322/);
  }, 60_000);

  test("a wrong example in a TSDoc comment is found at its line", () => {
    const source =
      "/**\n * Adds.\n *\n * @example\n * ```ts\n * const s: string = 1;\n * ```\n */\nexport const a = 1;\n";
    const found = checkBlocks(blocks(planted({ "packages/core/src/a.ts": source })));
    expect(explain(found)).toMatch(/^packages\/core\/src\/a\.ts:6 .*TS2322/);
  }, 60_000);

  test("an example may import one above it by the name in its first line, and only that", () => {
    const named = "```ts\n// counter.ts: it counts\nexport const count = 1;\n```\n";
    const using = '```ts\nimport { count } from "./counter.js";\nconst s: string = count;\n```\n';
    const found = checkBlocks(
      blocks(planted({ "docs/guides/a.md": named + using, "docs/guides/b.md": using })),
    );
    expect(explain(found)).toMatch(
      /^docs\/guides\/a\.md:7 .*TS2322.*\ndocs\/guides\/b\.md:2 .*TS2307/,
    );
  }, 60_000);

  test("an example that imports a name a package lacks is found", () => {
    const markdown = '```ts\nimport { nonsense } from "@foundation/core";\nnonsense();\n```\n';
    const found = checkBlocks(blocks(planted({ "packages/core/README.md": markdown })));
    expect(explain(found)).toContain("nonsense");
  }, 60_000);
});

/**
 * The examples compile. Every ```ts and ```js block of the root README, the packages' READMEs, the
 * guides and the TSDoc comments becomes a module that is type-checked against the sources; an error
 * is reported at its line in the document. A block that begins with a comment naming it (`// likes.ts`) can be imported by
 * the blocks below it, as `./likes.js`.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sources, type Finding, type Repository } from "./repository.js";
import { root } from "./root.js";

export interface Block {
  readonly path: string;
  /** The line of the document before the first line of code. */
  readonly line: number;
  readonly language: "ts" | "js";
  readonly code: string;
}

const documents =
  /^(README\.md|packages\/[^/]+\/README\.md|apps\/[^/]+\/README\.md|docs\/guides\/.*\.md)$/;

/** The code blocks of the documents whose examples must compile. */
export function blocks(repository: Repository): readonly Block[] {
  const written = repository.files.filter((path) => documents.test(path));
  const found = written.flatMap((path) => blocksOf(path, repository.read(path)));
  for (const path of sources(repository)) {
    if (path.startsWith("packages/"))
      found.push(...blocksOf(path, comments(repository.read(path))));
  }
  return found;
}

/** The text of the comments, each line at its place; code becomes empty lines. */
function comments(source: string): string {
  return source
    .split("\n")
    .map((line) => /^\s*\* ?(?!\/)(.*)$/.exec(line)?.[1] ?? "")
    .join("\n");
}

function blocksOf(path: string, markdown: string): readonly Block[] {
  const found: Block[] = [];
  let open: { language: string; line: number; code: string[] } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^```(\S*)\s*$/.exec(line);
    if (fence && open === undefined) {
      open = { language: fence[1] ?? "", line: index + 1, code: [] };
    } else if (fence && open !== undefined) {
      const { language, line: start, code } = open;
      if (language === "ts" || language === "js") {
        found.push({ path, line: start, language, code: code.join("\n") });
      }
      open = undefined;
    } else {
      open?.code.push(line);
    }
  }
  return found;
}

/** Type-checks the blocks as a user's `tsc --strict` would, resolving packages to their sources. */
export function checkBlocks(all: readonly Block[]): readonly Finding[] {
  // Inside the acceptance package, because its node_modules holds every package of the workspace.
  const base = join(root, "tooling/acceptance/node_modules/.cache");
  mkdirSync(base, { recursive: true });
  const folder = mkdtempSync(join(base, "blocks-"));
  try {
    const names = all.map((_, index) => write(folder, all, index));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings(names)));
    const tsc = join(root, "node_modules/typescript7/bin/tsc");
    const args = [tsc, "-p", folder, "--pretty", "false"];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, {
      cwd: folder,
      encoding: "utf8",
    });
    const findings = locate(`${stdout}${stderr}`, names, all);
    if (status !== 0 && findings.length === 0) {
      findings.push({ path: "README.md", problem: `the type check failed: ${stdout}${stderr}` });
    }
    return findings;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(folder: string, all: readonly Block[], index: number): string {
  const block = all[index] as Block;
  const name = `block-${index}.${block.language}`;
  const code = block.code.replace(/"\.\/([\w.-]+)\.js"/g, (written, stem: string) => {
    const above = all.findLastIndex(
      (each, at) => at < index && each.path === block.path && nameOf(each) === stem,
    );
    return above < 0 ? written : `"./block-${above}.js"`;
  });
  // Blank lines in front keep the document's line numbers; `export {}` makes it a module.
  writeFileSync(join(folder, name), `${"\n".repeat(block.line)}${code}\nexport {};\n`);
  return name;
}

/** `likes` of a block that begins with `// likes.ts`. */
function nameOf({ code }: Block): string | undefined {
  return /^\/\/ ([\w.-]+)\.[tj]s\b/.exec(code)?.[1];
}

function settings(names: readonly string[]): object {
  return {
    extends: join(root, "tooling/tsconfig/base.json"),
    compilerOptions: {
      allowJs: true,
      checkJs: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
      lib: ["es2023", "esnext.disposable"],
      typeRoots: [join(root, "node_modules/@types")],
    },
    files: names,
  };
}

function locate(output: string, names: readonly string[], all: readonly Block[]): Finding[] {
  const findings: Finding[] = [];
  for (const line of output.split("\n")) {
    const match = /^(?:.*\/)?(block-\d+\.[tj]s)\((\d+),\d+\): (.*)$/.exec(line);
    const block = match && all[names.indexOf(match[1] ?? "")];
    if (!match || !block) continue;
    findings.push({ path: block.path, line: Number(match[2]), problem: match[3] ?? "" });
  }
  return findings;
}

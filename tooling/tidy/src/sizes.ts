/**
 * Sizes are reported, never failed: a long file or function is a question to its author, not a rule
 * to game.
 */
import ts from "typescript";
import type { Repository } from "./repository.js";
import { sources } from "./repository.js";
import { lineOf, tree, walk } from "./syntax.js";

/** The aims of the style guide, in lines. */
export const aims = { file: 300, function: 70, line: 100 };

export interface Oversize {
  readonly path: string;
  readonly what: string;
  readonly size: number;
  readonly aim: number;
}

/** Files, functions and lines above the aims, largest first within each kind. */
export function oversize(repository: Repository): readonly Oversize[] {
  const found: Oversize[] = [];
  for (const path of sources(repository)) {
    const lines = repository.read(path).trimEnd().split("\n");
    if (lines.length > aims.file)
      found.push({ path, what: "file", size: lines.length, aim: aims.file });
    for (const [index, line] of lines.entries()) {
      if (line.length > aims.line) {
        found.push({ path, what: `line ${index + 1}`, size: line.length, aim: aims.line });
      }
    }
    found.push(...longFunctions(repository, path));
  }
  return found.sort((a, b) => b.size / b.aim - a.size / a.aim);
}

function longFunctions(repository: Repository, path: string): readonly Oversize[] {
  const file = tree(repository, path);
  const found: Oversize[] = [];
  walk(file, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || !node.body) return;
    const end = file.getLineAndCharacterOfPosition(node.end).line + 1;
    const size = end - lineOf(file, node) + 1;
    const name = node.name?.getText(file) ?? "anonymous";
    if (size > aims.function)
      found.push({ path, what: `function ${name}`, size, aim: aims.function });
  });
  return found;
}

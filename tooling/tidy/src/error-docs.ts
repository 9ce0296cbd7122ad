/**
 * docs/errors.md, generated from the packages' own declarations (`defineErrors({ … })`), so that a
 * code exists in the sources exactly when it is documented.
 */
import ts from "typescript";
import type { Finding, Repository } from "./repository.js";
import { packageOf, sources } from "./repository.js";
import { lineOf, tree, walk } from "./syntax.js";

export const documentPath = "docs/errors.md";

export interface DeclaredError {
  readonly code: string;
  readonly package: string;
  readonly path: string;
  readonly line: number;
  readonly summary: string;
  readonly fix: string;
  readonly retryable: boolean;
  /** The type of `details` as written. */
  readonly details: string;
}

/** Every declared error of every package, by package and code. */
export function declaredErrors(repository: Repository): readonly DeclaredError[] {
  const found: DeclaredError[] = [];
  for (const path of sources(repository)) {
    const name = packageOf(path);
    if (name === undefined) continue;
    const file = tree(repository, path);
    walk(file, (node) => {
      if (!ts.isCallExpression(node) || node.expression.getText(file) !== "defineErrors") return;
      const [record] = node.arguments;
      if (!record || !ts.isObjectLiteralExpression(record)) return;
      for (const property of record.properties) {
        if (ts.isPropertyAssignment(property)) found.push(declared(file, path, name, property));
      }
    });
  }
  return found.sort((a, b) => order(a).localeCompare(order(b)));
}

/** Codes declared twice, declared without a text, or thrown as a literal nobody declared. */
export function checkErrorCodes(repository: Repository): readonly Finding[] {
  const findings: Finding[] = [];
  const owners = new Map<string, string>();
  const all = declaredErrors(repository);
  for (const { code, path, line, summary, fix } of all) {
    const other = owners.get(code);
    if (other !== undefined)
      findings.push({ path, line, problem: `${code} is declared in ${other} too` });
    owners.set(code, path);
    if (summary === "" || fix === "")
      findings.push({ path, line, problem: `${code} lacks summary or fix` });
  }
  for (const path of sources(repository)) {
    const file = tree(repository, path);
    walk(file, (node) => {
      const code = mentioned(node, file);
      if (code !== undefined && !owners.has(code)) {
        findings.push({ path, line: lineOf(file, node), problem: `${code} is declared nowhere` });
      }
    });
  }
  return findings;
}

/** The document differs from what the declarations say. */
export function checkErrorDocs(repository: Repository): readonly Finding[] {
  const written = repository.files.includes(documentPath) ? repository.read(documentPath) : "";
  const documented = new Set(written.match(/(?<=^### )ERR_[A-Z0-9_]+/gm) ?? []);
  const codes = new Set(declaredErrors(repository).map(({ code }) => code));
  const findings: Finding[] = [];
  for (const code of codes) {
    if (!documented.has(code)) findings.push({ path: documentPath, problem: `lacks ${code}` });
  }
  for (const code of documented) {
    if (!codes.has(code))
      findings.push({ path: documentPath, problem: `documents ${code}, which is gone` });
  }
  if (findings.length === 0 && written !== errorDocument(repository)) {
    findings.push({ path: documentPath, problem: "is out of date; run npm run errors:docs" });
  }
  return findings;
}

/** The text of docs/errors.md. */
export function errorDocument(repository: Repository): string {
  const parts = [
    "# Error codes",
    "",
    "Every failure is a `FoundationError` with one of these codes. Compare `error.code`, not the",
    "message and not the class. Generated from the packages' declarations by `npm run errors:docs`.",
  ];
  let current = "";
  for (const each of declaredErrors(repository)) {
    if (each.package !== current) {
      current = each.package;
      parts.push("", `## @foundation/${current}`);
    }
    parts.push("", `### ${each.code}`, "", each.summary, "", `- What to do: ${each.fix}`);
    parts.push(`- Safe to send again: ${each.retryable ? "yes" : "no"}`);
    if (each.details !== "") parts.push(`- Details: \`${each.details}\``);
  }
  return `${parts.join("\n")}\n`;
}

function order({ package: name, code }: DeclaredError): string {
  return `${name === "core" ? "" : name} ${code}`;
}

function declared(
  file: ts.SourceFile,
  path: string,
  name: string,
  property: ts.PropertyAssignment,
): DeclaredError {
  const call = property.initializer;
  const [argument] = ts.isCallExpression(call) ? call.arguments : [];
  const text = (key: string): string => {
    const value =
      argument && ts.isObjectLiteralExpression(argument) ? valueOf(argument, key) : undefined;
    return value === undefined ? "" : literal(value);
  };
  const [details] = ts.isCallExpression(call) ? (call.typeArguments ?? []) : [];
  return {
    code: property.name.getText(file).replaceAll(/["']/g, ""),
    package: name,
    path,
    line: lineOf(file, property),
    summary: text("summary"),
    fix: text("fix"),
    retryable: text("retryable") === "true",
    details: details?.getText(file).replaceAll(/\s+/g, " ").replaceAll("readonly ", "") ?? "",
  };
}

function valueOf(object: ts.ObjectLiteralExpression, key: string): ts.Expression | undefined {
  for (const each of object.properties) {
    if (ts.isPropertyAssignment(each) && each.name.getText() === key) return each.initializer;
  }
  return undefined;
}

/** A string, a sum of strings, or a keyword. */
function literal(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isBinaryExpression(node)) return literal(node.left) + literal(node.right);
  return node.getText();
}

function mentioned(node: ts.Node, file: ts.SourceFile): string | undefined {
  const text = ts.isStringLiteralLike(node)
    ? node.text
    : ts.isPropertyAccessExpression(node)
      ? node.name.getText(file)
      : "";
  // Node's own codes are ERR_ too (`ERR_STREAM_…`, `ERR_MODULE_NOT_FOUND`).
  return /^ERR_[A-Z0-9_]+$/.test(text) && !nodeCodes.test(text) ? text : undefined;
}

const nodeCodes =
  /^ERR_(MODULE|STREAM|SOCKET|SERVER|TLS|SSL|UNKNOWN_FILE|INVALID_ARG|INVALID_URL|IPC|REQUIRE)_?/;

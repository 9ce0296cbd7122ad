/**
 * The few questions the checks ask of a source file, answered from its syntax tree, so that words
 * in comments and strings never count.
 */
import ts from "typescript";
import type { Repository } from "./repository.js";

/** One module specifier in a file. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** True for `import type` and `export type … from`: gone at run time. */
  readonly typeOnly: boolean;
  /** The names imported, as the other module calls them. */
  readonly names: readonly string[];
}

const trees = new WeakMap<Repository, Map<string, ts.SourceFile>>();

/** The syntax tree of a file, parsed once. */
export function tree(repository: Repository, path: string): ts.SourceFile {
  let known = trees.get(repository);
  if (known === undefined) {
    known = new Map();
    trees.set(repository, known);
  }
  let file = known.get(path);
  if (file === undefined) {
    file = ts.createSourceFile(path, repository.read(path), ts.ScriptTarget.ES2022, true);
    known.set(path, file);
  }
  return file;
}

/** Calls `visit` for every node of the file, parents first. */
export function walk(file: ts.Node, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, step);
  };
  step(file);
}

/** The line of a node, counted from 1. */
export function lineOf(file: ts.SourceFile, node: ts.Node): number {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
}

/** Every import, re-export and dynamic import of a file. */
export function imports(repository: Repository, path: string): readonly Import[] {
  const file = tree(repository, path);
  const found: Import[] = [];
  const add = (
    node: ts.Node,
    specifier: ts.Node | undefined,
    rest: Omit<Import, "specifier" | "line">,
  ) => {
    if (specifier && ts.isStringLiteralLike(specifier)) {
      found.push({ specifier: specifier.text, line: lineOf(file, node), ...rest });
    }
  };
  walk(file, (node) => {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, describeClause(node.importClause));
    } else if (ts.isExportDeclaration(node)) {
      const names =
        node.exportClause && ts.isNamedExports(node.exportClause)
          ? node.exportClause.elements.map((each) => (each.propertyName ?? each.name).text)
          : [];
      add(node, node.moduleSpecifier, { typeOnly: node.isTypeOnly, names });
    } else if (isDynamicImport(node)) {
      add(node, node.arguments[0], { typeOnly: false, names: [] });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal, { typeOnly: true, names: [] });
    }
  });
  return found;
}

/**
 * Files named by `new URL("./x.js", import.meta.url)`: how a program names the file of a child
 * process or worker.
 */
export function urlReferences(repository: Repository, path: string): readonly string[] {
  const found: string[] = [];
  walk(tree(repository, path), (node) => {
    if (!ts.isNewExpression(node) || node.expression.getText() !== "URL") return;
    const [first, second] = node.arguments ?? [];
    if (first === undefined || second?.getText() !== "import.meta.url") return;
    if (ts.isStringLiteralLike(first)) found.push(first.text);
    // `./child.${extension}`: the file is .ts from source and .js when built.
    if (ts.isTemplateExpression(first)) found.push(`${first.head.text}js`);
  });
  return found;
}

/** True when the identifier is used as a value: not a property, a declared name or a type. */
export function isFreeReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  if (ts.isQualifiedName(parent) || ts.isTypeReferenceNode(parent)) return false;
  if (ts.isTypeNode(parent) || ts.isTypeParameterDeclaration(parent)) return false;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  const named = parent as { readonly name?: ts.Node };
  if (named.name === node && !ts.isShorthandPropertyAssignment(parent)) return false;
  if (ts.isPropertyAssignment(parent) && parent.name === node) return false;
  return true;
}

/**
 * `x instanceof Date` and `new Date(value)` are about data; `new Date()` and `Date.now` ask for the
 * time.
 */
export function isDateOfData(node: ts.Identifier): boolean {
  if (node.text !== "Date") return false;
  const { parent } = node;
  if (ts.isBinaryExpression(parent)) {
    return parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword;
  }
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text === "prototype";
  return ts.isNewExpression(parent) && (parent.arguments?.length ?? 0) > 0;
}

/** Names declared in the file (imports, parameters, variables, functions): they hide globals. */
export function declaredNames(file: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  walk(file, (node) => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node) ||
      ts.isNamespaceImport(node);
    if (declares && node.name && ts.isIdentifier(node.name)) names.add(node.name.text);
  });
  return names;
}

function describeClause(clause: ts.ImportClause | undefined): Pick<Import, "typeOnly" | "names"> {
  const bindings = clause?.namedBindings;
  const names =
    bindings && ts.isNamedImports(bindings)
      ? bindings.elements.map((each) => (each.propertyName ?? each.name).text)
      : [];
  return { typeOnly: clause?.isTypeOnly ?? false, names };
}

function isDynamicImport(node: ts.Node): node is ts.CallExpression {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

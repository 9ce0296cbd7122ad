/**
 * Paths: how a nested map lies flat in one causal state.
 *
 * A map of maps is a dot store of dot stores; to join it is to join the leaves. So a nested map is
 * kept as its leaves alone, each under a key that spells the way to it: the fields, what kind of leaf
 * it is, and for a member of a set or a row of a counter which one. Removing a field removes the
 * leaves below it that are known here, and what is written below it at the same time survives.
 *
 * Invariant: `pathOf(leafKey(path, …))` is the path; a field may hold any text.
 */

/** Fields from the outermost to the innermost. */
export type Path = readonly string[];

export type LeafKind = "register" | "values" | "set" | "counter" | "flag";

const KINDS: Readonly<Record<LeafKind, string>> = {
  register: "r",
  values: "v",
  set: "s",
  counter: "c",
  flag: "f",
};

/** The key of a leaf; `item` is a set's member or a counter's row. */
export function leafKey(path: Path, kind: LeafKind, item = ""): string {
  return `${prefixOf(path)}\u0001${KINDS[kind]}${item}`;
}

/** What the keys of all leaves at or below a path begin with, when one of \u0000 or \u0001 follows. */
export function prefixOf(path: Path): string {
  return path.map(escaped).join("\u0000");
}

/** The way to a leaf, its kind and which one; undefined for a key that is none. */
export function parseLeaf(
  key: string,
): { readonly path: Path; readonly kind: LeafKind; readonly item: string } | undefined {
  const end = key.indexOf("\u0001");
  if (end < 0) return undefined;
  const letter = key[end + 1];
  const kind = (Object.keys(KINDS) as LeafKind[]).find((each) => KINDS[each] === letter);
  if (kind === undefined) return undefined;
  const path = key.slice(0, end).split("\u0000").map(unescaped);
  return { path, kind, item: key.slice(end + 2) };
}

/** U+0000 and U+0001 divide, U+0002 escapes. */
const MARKS = ["\u0002", "\u0000", "\u0001"] as const;

function escaped(field: string): string {
  let text = field;
  for (const mark of MARKS) text = text.replaceAll(mark, `\u0002${mark.charCodeAt(0)}`);
  return text;
}

function unescaped(text: string): string {
  let field = text;
  for (const mark of MARKS.toReversed()) {
    field = field.replaceAll(`\u0002${mark.charCodeAt(0)}`, mark);
  }
  return field;
}

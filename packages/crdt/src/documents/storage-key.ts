/**
 * The file of a storage key, and back. Pure.
 *
 * Keys are lists of texts in which case matters (automerge-repo's document ids are base58); a Storage has names of
 * `[a-z0-9.-_]`, and may lie on a file system that does not tell cases apart. Letters that are not plain are written as
 * `_` and two digits of hexadecimal UTF-8. A value ends in `.v`, so that `["a"]` and `["a", "b"]` do not want one name.
 * Invariant: two keys never have one file, and a key's files begin with what its prefix' files begin with.
 */
import { coreErrors } from "@foundation/core";
import { documentLimits } from "./limits.js";

const VALUE = ".v";

/** The file that holds the value of this key. @throws {ERR_INVALID_ARGUMENT} for no key, or one that is too long. */
export function fileOf(folder: string, key: readonly string[]): string {
  if (key.length === 0) throw invalid("a list of one text or more", "an empty list");
  return `${folder}/${key.map(encode).join("/")}${VALUE}`;
}

/** What the names of all files begin with whose keys begin with this one and go on. */
export function prefixOf(folder: string, key: readonly string[]): string {
  return [folder, ...key.map(encode), ""].join("/");
}

/** The key of a file; undefined for one that this did not name. */
export function keyOf(folder: string, file: string): string[] | undefined {
  if (!file.startsWith(`${folder}/`) || !file.endsWith(VALUE)) return undefined;
  const parts = file.slice(folder.length + 1, -VALUE.length).split("/");
  const key = parts.map(decode);
  return key.some((part) => part === undefined) ? undefined : (key as string[]);
}

function encode(part: string): string {
  let text = "";
  for (const byte of new TextEncoder().encode(part)) {
    const character = String.fromCharCode(byte);
    text += /[a-z0-9-]/.test(character) ? character : `_${byte.toString(16).padStart(2, "0")}`;
  }
  // An empty part, and one that a file system would take for a folder of its own, has a name too.
  if (text === "") return "_";
  if (text.length > documentLimits.keyPartCharsMax) {
    throw invalid(
      `parts of at most ${documentLimits.keyPartCharsMax} characters`,
      `one of ${text.length}`,
    );
  }
  return text;
}

function decode(text: string): string | undefined {
  if (text === "_") return "";
  if (!/^(?:[a-z0-9-]|_[0-9a-f]{2})+$/.test(text)) return undefined;
  const bytes = text.match(/_[0-9a-f]{2}|./g) ?? [];
  const codes = bytes.map((each) =>
    each.length === 3 ? Number.parseInt(each.slice(1), 16) : each.charCodeAt(0),
  );
  return new TextDecoder().decode(Uint8Array.from(codes));
}

function invalid(expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(`A storage key must be ${expected}, found ${found}`, {
    argument: "key",
    expected,
    found,
  });
}

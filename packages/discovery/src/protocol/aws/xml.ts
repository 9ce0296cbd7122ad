/**
 * Reading the XML that AWS answers with, within limits.
 *
 * Pure. The parser (`@rgrove/parse-xml`) knows no entities but XML's own five and loads nothing; here are the limits of
 * depth, and the three questions that are asked of a tree. The size is limited where the answer is received.
 */
import { parseXml, XmlElement } from "@rgrove/parse-xml";
import { discoveryLimits } from "../../limits.js";

/** The root element; `undefined` for what is no XML document, or nests deeper than any answer does. */
export function readXml(text: string): XmlElement | undefined {
  if (isTooDeep(text)) return undefined;
  try {
    return parseXml(text).root ?? undefined;
  } catch {
    return undefined;
  }
}

/** The elements at the end of a path of names. */
export function elements(from: XmlElement, ...path: readonly string[]): readonly XmlElement[] {
  return path.reduce<readonly XmlElement[]>(
    (level, name) => level.flatMap((each) => children(each).filter((child) => child.name === name)),
    [from],
  );
}

/** The text at the end of a path; `undefined` when there is none. */
export function textAt(from: XmlElement, ...path: readonly string[]): string | undefined {
  const text = elements(from, ...path)[0]?.text.trim();
  return text === undefined || text === "" ? undefined : text;
}

function children(element: XmlElement): readonly XmlElement[] {
  return element.children.filter((child): child is XmlElement => child instanceof XmlElement);
}

/** Counts tags before the parser descends: a document of a million opening tags must not end the stack. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const [, close, , selfClosing] of text.matchAll(/<(\/?)([A-Za-z_][^\s/>]*)[^>]*?(\/?)>/g)) {
    if (close === "/") depth -= 1;
    else if (selfClosing !== "/") depth += 1;
    if (depth > discoveryLimits.xmlDepthMax) return true;
  }
  return false;
}

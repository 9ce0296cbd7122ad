/**
 * Topic names and patterns.
 *
 * A topic is segments split by ".", such as "orders.eu.placed". In a pattern a segment may be `*`
 * (exactly one segment) and the last one `>` (one or more). Names are limited, because they travel
 * with every message and every interest.
 */
import { pubsubErrors } from "../errors.js";
import { TOPIC_BYTES_MAX, TOPIC_SEGMENTS_MAX } from "../limits.js";

export const ANY = "*";
export const REST = ">";

/** Blank or control characters, and lone surrogates: nothing one could read in a log. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const UNREADABLE = /[\s\u0000-\u001f\u007f]|\p{Surrogate}/u;

/** The segments of a topic. @throws {ERR_TOPIC_INVALID} */
export function parseTopic(topic: unknown): readonly string[] {
  return parse(topic, false);
}

/** The segments of a pattern; a topic is one, too. @throws {ERR_TOPIC_INVALID} */
export function parsePattern(pattern: unknown): readonly string[] {
  return parse(pattern, true);
}

/** True when the pattern stands for other topics than the one of its own name. */
export function hasWildcards(segments: readonly string[]): boolean {
  return segments.includes(ANY) || segments.includes(REST);
}

function parse(text: unknown, isPattern: boolean): readonly string[] {
  if (typeof text !== "string") throw invalid(String(text), `it is ${typeof text}, not a text`);
  if (text === "") throw invalid(text, "it is empty");
  // UTF-8 takes at most three bytes for each unit of a text, so short names need no encoding.
  if (text.length * 3 > TOPIC_BYTES_MAX && sizeOf(text) > TOPIC_BYTES_MAX) {
    throw invalid(text, `it is longer than ${TOPIC_BYTES_MAX} bytes`);
  }
  if (UNREADABLE.test(text)) throw invalid(text, "it has blanks or control characters");
  const segments = text.split(".");
  if (segments.length > TOPIC_SEGMENTS_MAX) {
    throw invalid(text, `it has more than ${TOPIC_SEGMENTS_MAX} segments`);
  }
  segments.forEach((segment, index) => {
    const problem = problemOf(segment, isPattern, index === segments.length - 1);
    if (problem !== undefined) throw invalid(text, problem);
  });
  return segments;
}

function problemOf(segment: string, isPattern: boolean, isLast: boolean): string | undefined {
  if (segment === "") return "it has an empty segment";
  if (!segment.includes(ANY) && !segment.includes(REST)) return undefined;
  if (!isPattern) return '"*" and ">" are for patterns only';
  if (segment === ANY || (segment === REST && isLast)) return undefined;
  if (segment === REST) return '">" may only be the last segment';
  return '"*" and ">" must be a segment of their own';
}

function sizeOf(text: string): number {
  let size = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    size += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return size;
}

function invalid(topic: string, problem: string): Error {
  const shown = topic.length > 80 ? `${topic.slice(0, 80)}…` : topic;
  return pubsubErrors.ERR_TOPIC_INVALID(
    `"${shown}" is no topic: ${problem}; use segments such as "orders.placed"`,
    { topic: shown, problem },
  );
}

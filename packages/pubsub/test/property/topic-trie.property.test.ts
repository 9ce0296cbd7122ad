import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { TopicTrie } from "../../src/protocol/topic-trie.js";

// A machine that does other things too must not fail a law.
jest.setTimeout(60_000);

/** The rule as one would write it down. */
function matches(pattern: readonly string[], topic: readonly string[]): boolean {
  const [first, ...restOfPattern] = pattern;
  const [segment, ...restOfTopic] = topic;
  if (first === ">") return topic.length > 0;
  if (first === undefined || segment === undefined) return first === segment;
  return (first === "*" || first === segment) && matches(restOfPattern, restOfTopic);
}

const name = fc.constantFrom("a", "b", "c", "__proto__");
const topic = fc.array(name, { minLength: 1, maxLength: 5 });
const pattern = fc
  .tuple(
    fc.array(fc.oneof({ weight: 2, arbitrary: name }, { weight: 1, arbitrary: fc.constant("*") }), {
      minLength: 1,
      maxLength: 5,
    }),
    fc.boolean(),
  )
  .map(([segments, open]) => (open ? [...segments.slice(1), ">"] : segments));
const change = fc.tuple(fc.boolean(), pattern, fc.nat(3));

describe("a topic trie", () => {
  test("matches what a naive matcher matches, after any additions and removals", () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 40 }),
        fc.array(topic, { minLength: 1, maxLength: 10 }),
        (changes, topics) => {
          const trie = new TopicTrie<number>();
          const naive = new Map<string, { pattern: string[]; value: number }>();
          for (const [adds, segments, value] of changes) {
            const id = `${segments.join(".")} ${value}`;
            if (adds) {
              expect(trie.add(segments, value)).toBe(!naive.has(id));
              naive.set(id, { pattern: segments, value });
            } else expect(trie.remove(segments, value)).toBe(naive.delete(id));
          }
          expect(trie.size).toBe(naive.size);
          for (const segments of topics) {
            const wanted = [...naive.values()].filter((entry) => matches(entry.pattern, segments));
            expect(trie.match(segments)).toEqual(new Set(wanted.map(({ value }) => value)));
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

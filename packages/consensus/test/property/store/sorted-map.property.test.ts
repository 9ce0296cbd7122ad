/** The sorted map beside a plain one, over many pages; copies stand still. */
import { expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { isBound, orderOf, utf8Bytes } from "../../../src/protocol/store/key-order.js";
import { SortedMap } from "../../../src/protocol/store/sorted-map.js";
import { Drawing } from "./drawing.js";

const RUNS = Number(process.env["STORE_RUNS"] ?? 60) / 20;
const KEYS = 6_000;

const keyOf = (n: number) => `key-${String(n).padStart(5, "0")}`;
const sortedEntries = (plain: ReadonlyMap<string, number>) =>
  [...plain].sort(([a], [b]) => (a < b ? -1 : 1));

/** As `expect`, for what is asked tens of thousands of times. */
function check(found: number | undefined, expected: number | undefined): void {
  if (found !== expected) throw new Error(`found ${found}, expected ${expected}`);
}

test("a sorted map is a map whose keys are in order, and a copy of it stands still", () => {
  for (let run = 0; run < RUNS; run += 1) {
    const draw = new Drawing(seededRandom(`map-${run}`));
    const map = new SortedMap<number>();
    const plain = new Map<string, number>();
    const copies: { copy: SortedMap<number>; entries: (readonly [string, number])[] }[] = [];
    // Grows, then shrinks: pages are split and joined.
    for (let i = 0; i < 12_000; i += 1) {
      const key = run === 0 && i < KEYS ? keyOf(i) : keyOf(draw.below(KEYS));
      if (draw.chance(i < 7_000 ? 0.1 : 0.8)) {
        check(map.delete(key), plain.get(key));
        plain.delete(key);
      } else {
        check(map.set(key, i), plain.get(key));
        plain.set(key, i);
      }
      check(map.get(key), plain.get(key));
      if (i % 3_000 === 1_500) copies.push({ copy: map.copy(), entries: sortedEntries(plain) });
      if (i % 500 !== 0) continue;
      const entries = sortedEntries(plain);
      const [from, to] = [keyOf(draw.below(KEYS)), keyOf(draw.below(KEYS))];
      const inside = entries.filter(([each]) => each >= from && each < to).map(([, n]) => n);
      expect(map.count(from, to)).toBe(inside.length);
      expect(map.collect(from, to, 50)).toEqual(inside.slice(0, 50));
      expect([...map.entries(from, to)].map(([, n]) => n)).toEqual(inside);
    }
    expect([...map.entries()]).toEqual(sortedEntries(plain));
    expect(map.size).toBe(plain.size);
    for (const { copy, entries } of copies) expect([...copy.entries()]).toEqual(entries);
  }
});

test("the order of a text is that of its UTF-8 bytes, and its size is theirs", () => {
  const draw = new Drawing(seededRandom("order"));
  const points = [0, 0x41, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];
  const text = () =>
    String.fromCodePoint(...draw.some(4, () => Math.max(0, draw.one(points) - draw.below(2))));
  for (let run = 0; run < RUNS * 1_000; run += 1) {
    const [a, b] = [text(), text()].filter(isBound);
    if (a === undefined || b === undefined) continue;
    const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
    const [x, y] = [orderOf(a), orderOf(b)];
    check(x < y ? -1 : x > y ? 1 : 0, bytes);
    check(utf8Bytes(a), Buffer.byteLength(a));
  }
});

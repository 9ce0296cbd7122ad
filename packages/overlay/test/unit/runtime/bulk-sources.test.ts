import { describe, expect, test } from "@jest/globals";
import { BulkSources, type BulkSource } from "../../../src/runtime/bulk-sources.js";

/** So many pieces of one source, by its name. */
function sourceOf(name: string, pieces: number, posted: string[]): BulkSource {
  let left = pieces;
  const pull = () => {
    if (left === 0) return false;
    left -= 1;
    posted.push(name);
    return true;
  };
  return { pull };
}

describe("what sends a lot over one link", () => {
  test("is asked in turn, a piece at a time, until it has nothing", () => {
    const posted: string[] = [];
    const sources = new BulkSources();
    expect(sources.pull()).toBe(false);
    const a = sourceOf("a", 2, posted);
    for (const each of [a, sourceOf("b", 3, posted), a]) sources.wake(each);
    while (sources.pull());
    expect(posted).toEqual(["a", "b", "a", "b", "b"]);
    expect(sources.pull()).toBe(false);
  });

  test("may end another one while it is asked, and nobody else's turn is lost", () => {
    const posted: string[] = [];
    const sources = new BulkSources();
    const [b, c] = [sourceOf("b", 1, posted), sourceOf("c", 1, posted)];
    const a: BulkSource = {
      pull: () => {
        sources.remove(b);
        return false;
      },
    };
    for (const each of [a, b, c]) sources.wake(each);
    while (sources.pull());
    expect(posted).toEqual(["c"]);
    sources.wake(b);
    while (sources.pull());
    expect(posted).toEqual(["c", "b"]);
  });
});

import { describe, expect, test } from "@jest/globals";
import { balance } from "../../src/books.js";
import type { CallEnded } from "../../src/messages.js";

const ended = (id: string, outcome: CallEnded["outcome"]): CallEnded => ({
  type: "called",
  id,
  outcome,
});

describe("the books of the demonstration", () => {
  test("a call reported successful that is not in the journal is lost", () => {
    const books = balance([ended("a#1", "ok"), ended("a#2", "ok")], "a#1 10\n");
    expect(books).toMatchObject({ calls: 2, ok: 2, lost: 1, duplicated: 0 });
  });

  test("an order that stands in the journal twice ran twice, whatever its caller was told", () => {
    const books = balance([ended("a#1", "unknown")], "a#1 10\na#1 11\n");
    expect(books).toMatchObject({ unknown: 1, lost: 0, duplicated: 1 });
  });

  test("a refused call that ran is misreported, and an unknown one that ran is honest", () => {
    const books = balance([ended("a#1", "refused"), ended("a#2", "unknown")], "a#1 10\na#2 10\n");
    expect(books).toMatchObject({ refused: 1, misreported: 1, unknown: 1, lost: 0 });
  });

  test("names with spaces keep their identity, since the pid is what follows the last space", () => {
    expect(balance([ended("my node#1", "ok")], "my node#1 10\n")).toMatchObject({ lost: 0 });
  });
});

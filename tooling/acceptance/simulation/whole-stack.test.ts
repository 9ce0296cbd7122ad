/** The whole stack in virtual time, under faults that seeds decide. `npm run sim` plays more of them. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { balanceBooks } from "./checks.js";
import { newJournal, type Journal } from "./journal.js";
import { playSeed, type PlayOptions } from "./play-seed.js";
import type { Outcome, Workload } from "./workload.js";

/** A seed that failed once, and what it found. */
interface KeptSeed extends PlayOptions {
  readonly found: string;
}

const kept = JSON.parse(
  readFileSync(new URL("../../sim/seeds.json", import.meta.url), "utf8"),
) as readonly KeptSeed[];

const FRESH_SEEDS = 4;
const DETERMINISM_SEEDS = 20;
const small = { nodesMin: 3, nodesMax: 5 };

describe("the whole stack under faults", () => {
  test.each(kept)(
    "seed $seed, which once found: $found",
    async (options) => {
      expect((await playSeed(options)).violation).toBeUndefined();
    },
    60_000,
  );

  test.each(Array.from({ length: FRESH_SEEDS }, (_, index) => `default-${index}`))(
    "keeps its promises and comes to rest, seed %s",
    async (seed) => {
      const played = await playSeed({ seed, ...small, forMs: 20_000 });
      expect(played.violation).toBeUndefined();
      expect(played.calls).toBeGreaterThan(0);
    },
    60_000,
  );

  test(`${DETERMINISM_SEEDS} seeds played twice give equal traces`, async () => {
    const hashes = new Set<string>();
    for (let index = 0; index < DETERMINISM_SEEDS; index++) {
      const options = { seed: `equal-${index}`, ...small, forMs: 3_000 };
      const [first, second] = [await playSeed(options), await playSeed(options)];
      expect({ seed: options.seed, hash: second.hash }).toEqual({
        seed: options.seed,
        hash: first.hash,
      });
      hashes.add(first.hash);
    }
    expect(hashes.size).toBe(DETERMINISM_SEEDS);
  }, 60_000);
});

describe("the books", () => {
  const booksOf = (journal: Journal, ...outcomes: Outcome[]) =>
    balanceBooks({ outcomes } as unknown as Workload, journal);
  const outcome = (id: string, code: string, retryable = false): Outcome => ({
    id,
    code,
    retryable,
    message: "",
  });

  test("balance when what was reported is what happened", () => {
    const journal = newJournal();
    for (const id of ["a", "b"]) journal.note(id, "n/1/1");
    const outcomes = [
      outcome("a", "ok"),
      outcome("b", "ERR_OUTCOME_UNKNOWN"),
      outcome("c", "ERR_OUTCOME_UNKNOWN"),
      outcome("d", "ERR_TIMEOUT", true),
    ];
    expect(booksOf(journal, ...outcomes)).toEqual([]);
  });

  test("show a call that was reported done and did not run", () => {
    expect(booksOf(newJournal(), outcome("a", "ok"))).toHaveLength(1);
  });

  test("show a call that ran although its caller may send it again", () => {
    const journal = newJournal();
    journal.note("a", "n/1/1");
    expect(booksOf(journal, outcome("a", "ERR_NODE_UNREACHABLE", true))).toHaveLength(1);
  });

  test("show what ran twice, and casts out of order", () => {
    const journal = newJournal();
    journal.note("a", "n/1/1");
    journal.note("a", "m/1/1");
    journal.noteCast({ id: "b", sender: "s", sequence: 2 }, "n/1/1");
    journal.noteCast({ id: "c", sender: "s", sequence: 1 }, "n/1/1");
    expect(booksOf(journal)).toHaveLength(2);
  });
});

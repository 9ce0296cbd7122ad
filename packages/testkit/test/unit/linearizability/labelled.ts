/**
 * What histories labelled by hand are written in: lines of who did what, from when to when.
 *
 * An operation without an end had no answer.
 */
import { expect, test } from "@jest/globals";
import {
  checkLinearizable,
  type HistoryOperation,
  type SequentialModel,
} from "../../../src/index.js";

export type Call<I, O> = readonly [input: I, output?: O | undefined];
type Line<I, O> = readonly [
  process: string,
  call: Call<I, O>,
  startedAt: number,
  endedAt?: number,
  key?: string,
];
type Label<I, O> = readonly [why: string, lines: readonly Line<I, O>[]];

const history = <I, O>(lines: readonly Line<I, O>[]): HistoryOperation<I, O>[] =>
  lines.map(([process, [input, output], startedAt, endedAt, key]) => ({
    process,
    key: key ?? "x",
    input,
    output,
    startedAt,
    endedAt: endedAt ?? Number.POSITIVE_INFINITY,
  }));

/** A test for each history: the checker must agree with its label, whose reason is the test's name. */
export function labelled<S, I, O>(
  model: SequentialModel<S, I, O>,
  good: readonly Label<I, O>[],
  bad: readonly Label<I, O>[],
): void {
  test.each(good)("right: %s", async (_why, lines) => {
    expect(await checkLinearizable(history(lines), model)).toMatchObject({ ok: true });
  });
  test.each(bad)("wrong: %s", async (_why, lines) => {
    expect(await checkLinearizable(history(lines), model)).toMatchObject({ ok: false });
  });
}

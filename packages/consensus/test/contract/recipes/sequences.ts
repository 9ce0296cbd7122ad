/** The contract of recipes: sequences. */
import { expect } from "@jest/globals";
import type { Test } from "./bench.js";

export function sequenceTests(run: Test): void {
  run("numbers come once and in order, whoever asks", async ({ a, b, settle }) => {
    expect(await settle(a.sequences.current("s"))).toBe(0);
    expect(await settle(a.sequences.next("s"))).toBe(1);
    expect(await settle(b.sequences.next("s"))).toBe(2);
    expect(await settle(b.sequences.take("s", 10))).toEqual({ first: 3, last: 12 });
    expect(await settle(a.sequences.next("s"))).toBe(13);
    expect(await settle(a.sequences.next("other"))).toBe(1);
    expect(await settle(b.sequences.current("s"))).toBe(13);
  });

  run("many calls at once get all numbers, none twice", async ({ a, b, settle }) => {
    const calls = Array.from({ length: 60 }, (_, i) => (i % 3 ? a : b).sequences.next("s"));
    const numbers = await settle(Promise.all(calls));
    expect([...numbers].sort((x, y) => x - y)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  });

  run("what cannot be counted is refused", async ({ a, settle, code }) => {
    expect(await code(a.sequences.take("s", 0))).toBe("ERR_INVALID_ARGUMENT");
    await settle(a.sequences.close());
    expect(await code(a.sequences.next("s"))).toBe("ERR_CLOSED");
  });
}

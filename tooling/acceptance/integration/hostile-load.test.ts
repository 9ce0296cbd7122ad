/** Too much at once: what is refused or dropped is only what may be, and others go on undisturbed. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { isFoundationError } from "@foundation/foundation";
import { publishToSlow, tally } from "../support/floods.js";
import { counter } from "../support/definitions.js";
import { pairUnderLoad } from "../support/undisturbed.js";

const MiB = 1024 * 1024;

describe("too much at once", () => {
  test("100,000 casts in one turn arrive in order or are dropped, and the process still answers", async () => {
    const pair = await pairUnderLoad();
    const { cluster } = pair.a;
    for (const host of [cluster, pair.b.cluster]) {
      const options = {
        name: `tally-${host.self.name}`,
        on: host.self.id,
        wait: "visible",
      } as const;
      const ref = await cluster.startProcess(tally, undefined, options);
      for (let n = 0; n < 100_000; n += 1) ref.cast("note", n);
      // Its mailbox is full of casts: until they are worked off a call is refused, and may be retried.
      const read = await whenTaken(() => ref.call("read", undefined, { timeout: "10s" }));
      expect(read.inOrder).toBe(true);
      // The mailbox takes 10,000 of them; the rest may be dropped, none may be doubled.
      expect(read.count).toBeGreaterThanOrEqual(10_000);
      expect(read.count).toBeLessThanOrEqual(100_000);
    }
    await pair.undisturbed();
  }, 30_000);

  test("20,000 calls in one turn each end with a value or a refusal that allows a retry", async () => {
    const pair = await pairUnderLoad();
    const { cluster } = pair.a;
    const on = pair.b.cluster.self.id;
    const ref = await cluster.startProcess(
      counter,
      { from: 0 },
      { name: "many", on, wait: "visible" },
    );
    const ends = new Map<string, number>();
    const note = (end: string) => void ends.set(end, (ends.get(end) ?? 0) + 1);
    const calls = Array.from({ length: 20_000 }, () => ref.call("add", 1, { timeout: "20s" }));
    const ended = calls.map((call) =>
      call.then(
        () => note("ok"),
        (error: { code: string; retryable: boolean }) => note(`${error.code} ${error.retryable}`),
      ),
    );
    await Promise.all(ended);
    const ok = ends.get("ok") ?? 0;
    expect(ok).toBeGreaterThan(1_000);
    const refused = [...ends.keys()].filter((end) => end !== "ok");
    expect(refused.filter((end) => !/^ERR_(QUEUE|MAILBOX)_FULL true$/.test(end))).toEqual([]);
    // What was refused did not run.
    expect(await ref.call("total")).toBe(ok);
  }, 30_000);

  test("100,000 messages cost a subscriber who never reads its buffer, and others nothing", async () => {
    const pair = await pairUnderLoad();
    const flood = await publishToSlow(pair.a.cluster, pair.b.cluster, 100_000);
    expect(flood).toMatchObject({ received: 100_000, inOrder: true, dropped: 99_000 });
    expect(flood.grownBytes).toBeLessThan(150 * MiB);
    const advice = (await pair.b.cluster.health()).recommendations.join("\n");
    expect(advice).toContain("too slow");
    await pair.undisturbed();
  }, 30_000);
});

/** Makes a call again that was refused because a queue was full: it did not run. */
async function whenTaken<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isFoundationError(error, "ERR_MAILBOX_FULL")) throw error;
      await nextTurn();
    }
  }
}

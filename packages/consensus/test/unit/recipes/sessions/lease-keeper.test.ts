/** How long a holder believes in its lease. */
import { expect, test } from "@jest/globals";
import { coreErrors, silentLogger } from "@foundation/core";
import { type VirtualClock, virtualClock } from "@foundation/core/testing";
import type { Engine, Lease } from "../../../../src/engine/engine.js";
import { consensusErrors } from "../../../../src/errors.js";
import { LeaseKeeper } from "../../../../src/recipes/sessions/lease-keeper.js";

const TTL_MS = 3_000;

interface Rig {
  readonly clock: VirtualClock;
  readonly keeper: LeaseKeeper;
  /** When renewals were sent, and how to answer them. */
  readonly sent: { readonly atMs: number; answer(outcome?: Error): void }[];
}

function rig(sentAtMs = 0): Rig {
  const clock = virtualClock();
  const sent: Rig["sent"] = [];
  const keepLease = () =>
    new Promise<Lease>((resolve, reject) => {
      const answer = (error?: Error) =>
        error ? reject(error) : resolve({ id: "1", ttlMs: TTL_MS });
      sent.push({ atMs: clock.now(), answer });
    });
  const engine = { keepLease } as unknown as Engine;
  const logger = silentLogger();
  const keeper = new LeaseKeeper({ engine, clock, logger }, { id: "1", ttlMs: TTL_MS }, sentAtMs);
  return { clock, keeper, sent };
}

test("a lease is renewed at a third of its time to live, again and again", async () => {
  const { clock, keeper, sent } = rig();
  keeper.start();
  for (let i = 0; i < 5; i += 1) {
    await clock.advance(1_000);
    sent.at(-1)?.answer();
    await clock.settle();
  }
  expect(sent).toHaveLength(5);
  for (const [i, { atMs }] of sent.entries()) {
    const sinceMs = atMs - (sent[i - 1]?.atMs ?? 0);
    expect(sinceMs).toBeLessThanOrEqual(TTL_MS / 3);
    expect(sinceMs).toBeGreaterThan(TTL_MS * 0.3);
  }
  expect(keeper.isAlive).toBe(true);
});

test("it is believed from when the answered renewal was sent, not from when the answer came", async () => {
  const { clock, keeper, sent } = rig();
  keeper.start();
  await clock.advance(1_900);
  sent[0]?.answer();
  await clock.settle();
  const sentAtMs = sent[0]?.atMs ?? 0;
  expect(keeper.remainingMs).toBeCloseTo(sentAtMs + TTL_MS * 0.99 - 1_900);
});

test("without an answer it is lost before its time to live is over, and says why", async () => {
  const { clock, keeper } = rig();
  keeper.start();
  await clock.advance(TTL_MS * 0.99 - 1);
  expect(keeper.isAlive).toBe(true);
  await clock.advance(2);
  expect([keeper.isAlive, keeper.signal.aborted]).toEqual([false, true]);
  expect(coreErrors.ERR_LEASE_LOST.is(keeper.signal.reason)).toBe(true);
});

test("an answer that comes after the end does not bring it back", async () => {
  const { clock, keeper, sent } = rig();
  keeper.start();
  await clock.advance(TTL_MS);
  sent[0]?.answer();
  await clock.advance(10);
  expect([keeper.isAlive, keeper.remainingMs]).toEqual([false, 0]);
});

test("a process whose timers could not run finds it lost, also if an answer is handled first", async () => {
  const { clock, keeper, sent } = rig();
  // No timers: as after a pause, the answer is the first thing that runs.
  const renewing = keeper.renew();
  await clock.advance(TTL_MS + 1);
  expect(keeper.signal.aborted).toBe(false);
  expect(keeper.isAlive).toBe(false);
  sent[0]?.answer();
  await renewing;
  expect(keeper.signal.aborted).toBe(true);
});

test("a renewal that failed is tried again soon; one that says the lease is gone ends it at once", async () => {
  const { clock, keeper, sent } = rig();
  keeper.start();
  await clock.advance(1_000);
  sent[0]?.answer(consensusErrors.ERR_NO_QUORUM("away", { group: "g", waitedMs: 1 }));
  await clock.advance(TTL_MS / 12 + 1);
  expect(sent).toHaveLength(2);
  expect(keeper.isAlive).toBe(true);
  sent[1]?.answer(coreErrors.ERR_LEASE_LOST("gone", { lease: "1" }));
  await clock.settle();
  expect([keeper.isAlive, keeper.signal.aborted]).toEqual([false, true]);
  await clock.advance(10_000);
  expect(sent).toHaveLength(2);
});

test("without users it is renewed no more", async () => {
  const { clock, keeper, sent } = rig();
  keeper.start();
  keeper.stop();
  await clock.advance(2_000);
  expect(sent).toHaveLength(0);
  expect(keeper.isAlive).toBe(true);
});

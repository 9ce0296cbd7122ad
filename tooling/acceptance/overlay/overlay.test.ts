/** Hundreds of HyParView and Plumtree cores: what `npm run sim -- overlay` shows of thousands, at a size for every day. */
import { describe, expect, test } from "@jest/globals";
import { playChurn, playCrash, playSteady, playStorm } from "./index.js";

describe.each([100, 300])("an overlay of %d nodes", (nodes) => {
  test("is one, symmetric and even, misses nothing, and sends little twice", () => {
    const counts = { shuffleCycles: 6, singleSource: 10, multiSource: 5, restMs: 10_000 };
    // Views change often at first, and each new link carries a payload too many: so that ends early here.
    const settings = { view: { times: { restlessMs: 30_000 } } };
    const played = playSteady({ seed: `steady-${nodes}`, nodes, settings, ...counts });
    expect(played.findings).toEqual([]);
    const { joined, shape, first, single, multi, rest } = played;
    expect(joined.oneComponentMs).toBeLessThanOrEqual(5_000);
    expect(shape).toMatchObject({ components: 1, oneSided: 0 });
    expect(shape.inDegree.least).toBeGreaterThanOrEqual(3);
    expect(first.missed + single.missed + multi.missed).toBe(0);
    expect(single.redundancy).toBeLessThanOrEqual(0.1);
    expect(single.lastHop).toBeLessThanOrEqual(10);
    expect(rest.bytesPerNodeSecond).toBeLessThanOrEqual(1_024);
    expect(rest.bytesPerNodeSecond).toBeGreaterThan(0);
  });

  test("is one soon after all of it joined at once through five seeds", () => {
    const { joined, findings } = playStorm({ seed: `storm-${nodes}`, nodes, mixMs: 20_000 });
    expect(findings).toEqual([]);
    expect(joined.oneComponentMs).toBeLessThanOrEqual(5_000);
  });

  test.each([0.5, 0.8, 0.9])("is one again after %d of it crashed at once", (share) => {
    const order = { seed: `crash-${nodes}`, nodes, share, settleMs: 20_000 };
    const { components, oneComponentMs, afterRepair, findings } = playCrash(order);
    expect(findings).toEqual([]);
    expect({ components, missed: afterRepair.missed }).toEqual({ components: 1, missed: 0 });
    expect(oneComponentMs).toBeLessThanOrEqual(30_000);
  });

  test("reaches whom it owes a broadcast while a tenth of it changes in a minute", () => {
    const how = { minutes: 1, perMinute: 0.1, settleMs: 20_000, broadcastEveryMs: 1_000 };
    const order = { seed: `churn-${nodes}`, nodes, ...how };
    const { firstPass, afterRepair, shape, findings } = playChurn(order);
    expect(findings).toEqual([]);
    expect(firstPass.expected).toBeGreaterThan(nodes * 30);
    expect(firstPass.reliability).toBeGreaterThanOrEqual(0.999);
    expect(afterRepair.missed).toBe(0);
    expect(shape.components).toBe(1);
  });
});

test("a seed played twice gives the same run, and another one another", () => {
  const play = (seed: string) => {
    return playCrash({ seed, nodes: 60, share: 0.5, settleMs: 15_000 });
  };
  const once = play("equal");
  expect(play("equal")).toEqual(once);
  expect(play("other").sent).not.toEqual(once.sent);
});

/** Whole overlays at a size for every day: what `npm run sim -- overlay --nodes 1000` shows of a thousand. */
import { describe, expect, jest, test } from "@jest/globals";
import { playWhole, type WholeOrder } from "./play-whole.js";

/** Some seconds of a processor, which may be busy. */
jest.setTimeout(240_000);

const order: WholeOrder = {
  seed: "every-day",
  nodes: 50,
  startEveryMs: 10,
  look: { mixMs: 10_000, restMs: 5_000, singleSource: 5, multiSource: 5 },
  churn: { forMs: 20_000, perMinute: 0.36, broadcastEveryMs: 1_000 },
  crashes: [0.5, 0.8],
  settleMs: 2_000,
};

describe("fifty whole overlays", () => {
  test("form, broadcast to all, and heal after churn and crashes", async () => {
    const { joined, looked, churn, crashes, findings } = await playWhole(order);
    expect(findings).toEqual([]);
    expect(joined.listedMs).toBeLessThanOrEqual(10_000);
    expect(looked?.shape).toMatchObject({ components: 1, oneSided: 0 });
    expect(looked?.shape.inDegree.least).toBeGreaterThanOrEqual(3);
    for (const rest of [looked?.restBefore, looked?.rest]) {
      expect(rest?.bytesPerNodeSecond).toBeGreaterThan(0);
      // Links that nobody wants are closed meanwhile, and nobody dies.
      expect(rest?.kinds).not.toHaveProperty("membership suspect");
    }
    const series = [looked?.first, looked?.single, looked?.multi];
    expect(series.map((each) => each?.missed)).toEqual([0, 0, 0]);
    expect(looked?.single.lastHop).toBeGreaterThan(1);
    expect(churn?.died).toBe(6);
    expect(churn?.firstPass.expected).toBeGreaterThan(500);
    expect(churn?.afterRepair.missed).toBe(0);
    expect(crashes.map(({ survivors }) => survivors)).toEqual([25, 10]);
    for (const crash of crashes) {
      expect(crash).toMatchObject({ components: 1, afterRepair: { missed: 0 } });
      expect(crash.listedMs).toBeLessThanOrEqual(60_000);
    }
  });

  test("play the same again from the same seed", async () => {
    const { look: _, churn: __, ...short } = order;
    const play = () => playWhole({ ...short, nodes: 20, crashes: [0.3] });
    expect(await play()).toEqual(await play());
  });
});

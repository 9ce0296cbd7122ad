import { afterEach, describe, expect, test } from "@jest/globals";
import { coreErrors } from "@foundation/core";
import { memoryMeter } from "@foundation/core/testing";
import type { Overlay } from "../../../../src/index.js";
import { VirtualOverlays, outcomeOf } from "../../../support/virtual-overlays.js";

let world: VirtualOverlays;
const channels = [{ name: "orders", delivery: "acked" as const }];
const meter = () => memoryMeter();
let meters: { a: ReturnType<typeof memoryMeter>; b: ReturnType<typeof memoryMeter> };

async function two(seed = 1): Promise<[Overlay, Overlay]> {
  world = new VirtualOverlays(seed);
  meters = { a: meter(), b: meter() };
  const a = await world.start("a", { channels, runtime: { meter: meters.a } });
  const b = await world.start("b", { peers: [a.address], runtime: { meter: meters.b } });
  await world.clock.advance(1_000);
  return [a, b];
}

const routeTo = (to: Overlay) => ({ to: to.self.id, channel: "orders", subject: "place" });

afterEach(() => world.close());

describe("an acked channel", () => {
  test("a send ends when the handler at the target has finished", async () => {
    const [a, b] = await two();
    let finished = false;
    b.messenger.handle("place", async ({ payload, kind }) => {
      expect([payload, kind]).toEqual([{ id: 1 }, "message"]);
      await world.clock.sleep(500);
      finished = true;
    });
    const sent = outcomeOf(a.messenger.send(routeTo(b), { id: 1 }));
    await world.clock.advance(400);
    expect([sent, finished]).toEqual([{}, false]);
    await world.clock.advance(200);
    expect([sent, finished]).toEqual([{ value: undefined }, true]);
  });

  test("a send ends with the error of the handler, or says that there is none", async () => {
    const [a, b] = await two();
    b.messenger.handle("place", async () => {
      await world.clock.sleep(10);
      throw coreErrors.ERR_ABORTED("out of stock", { target: "shelf" });
    });
    b.messenger.handle("refuse", () => {
      throw coreErrors.ERR_CLOSED("closed for today", { what: "shop" });
    });
    const failed = outcomeOf(a.messenger.send(routeTo(b), 1));
    const refused = outcomeOf(a.messenger.send({ ...routeTo(b), subject: "refuse" }, 1));
    const nobody = outcomeOf(a.messenger.send({ ...routeTo(b), subject: "nobody" }, 1));
    await world.clock.advance(1_000);
    expect([failed, refused, nobody]).toEqual([
      { code: "ERR_ABORTED" },
      { code: "ERR_CLOSED" },
      { code: "ERR_UNKNOWN_SUBJECT" },
    ]);
  });

  test("retransmits and is deduplicated: a handler that takes seconds runs once", async () => {
    const [a, b] = await two();
    let runs = 0;
    b.messenger.handle("place", async () => {
      runs += 1;
      await world.clock.sleep(5_000);
    });
    const sent = outcomeOf(a.messenger.send(routeTo(b), 1));
    await world.clock.advance(4_900);
    expect(meters.a.value("overlay_acked_repeats_total")).toBeGreaterThanOrEqual(2);
    expect(sent).toEqual({});
    await world.clock.advance(1_000);
    expect([sent, runs]).toEqual([{ value: undefined }, 1]);
    const repeated = meters.b.value('overlay_dropped_total{reason="repeated"}');
    expect(repeated).toBe(meters.a.value("overlay_acked_repeats_total"));
  });

  test("the outcome is unknown when no answer comes after the last repetition", async () => {
    const [a, b] = await two();
    b.messenger.handle("place", () => new Promise(() => {}));
    const sent = outcomeOf(a.messenger.send(routeTo(b), 1));
    expect(a.messenger.trySend(routeTo(b), 2)).toBe("accepted");
    await world.clock.advance(20_000);
    expect(sent).toEqual({ code: "ERR_OUTCOME_UNKNOWN" });
    expect(meters.a.value('overlay_dropped_total{reason="not-acked"}')).toBe(1);
    expect(meters.a.value("overlay_acked_repeats_total")).toBe(6);
  });

  test("each message is handled exactly once while connections break again and again", async () => {
    for (let seed = 1; seed <= 4; seed += 1) {
      if (seed > 1) await world.close();
      const [a, b] = await two(seed);
      const handled = new Map<number, number>();
      b.messenger.handle("place", async ({ payload }) => {
        const number = payload as number;
        handled.set(number, (handled.get(number) ?? 0) + 1);
        await world.clock.sleep((number * 37) % 400);
      });
      const sent = [];
      for (let number = 0; number < 100; number += 1) {
        sent.push(outcomeOf(a.messenger.send(routeTo(b), number)));
        if (number % (3 + seed) === 0) world.network.sever("a", "b");
        await world.clock.advance((number * 13) % 90);
      }
      await world.clock.advance(30_000);
      expect({ seed, bad: sent.filter((one) => !("value" in one)) }).toEqual({ seed, bad: [] });
      expect([...handled.values()].filter((times) => times !== 1)).toEqual([]);
      expect(handled.size).toBe(100);
    }
  }, 120_000);

  test("no message is handled twice, and none is called a success that was not handled, through cuts and false deaths", async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= 3; seed += 1) {
      if (seed > 1) await world.close();
      const [a, b] = await two(seed);
      const handled = new Map<number, number>();
      b.messenger.handle("place", async ({ payload }) => {
        const number = payload as number;
        handled.set(number, (handled.get(number) ?? 0) + 1);
        await world.clock.sleep((number * 53) % 3_000);
      });
      const sent: { value?: unknown; code?: string }[] = [];
      for (let number = 0; number < 75; number += 1) {
        sent.push(outcomeOf(a.messenger.send(routeTo(b), number)));
        const step = (number + seed) % 30;
        if (step === 10) world.network.cut("a", "b", { oneWay: seed % 2 === 0 });
        if (step === 20) world.network.heal();
        if (step === 25) world.network.sever("a", "b");
        await world.clock.advance((number * 97 * seed) % 1_500);
      }
      world.network.heal();
      await world.clock.advance(60_000);
      for (const [number, outcome] of sent.entries()) {
        const times = handled.get(number) ?? 0;
        const how = "value" in outcome ? "done" : String(outcome.code);
        outcomes.set(how, (outcomes.get(how) ?? 0) + 1);
        const where = { seed, number, how };
        if (how === "done") expect({ ...where, times }).toEqual({ ...where, times: 1 });
        else if (how === "ERR_NODE_UNREACHABLE")
          expect({ ...where, times }).toEqual({ ...where, times: 0 });
        else {
          expect(where).toEqual({ ...where, how: "ERR_OUTCOME_UNKNOWN" });
          expect(times).toBeLessThanOrEqual(1);
        }
      }
    }
    expect([...outcomes.keys()].toSorted()).toContain("ERR_NODE_UNREACHABLE");
    expect([...outcomes.keys()].toSorted()).toContain("ERR_OUTCOME_UNKNOWN");
    expect(outcomes.get("done")).toBeGreaterThan(100);
  }, 120_000);

  test("nothing was written: unreachable; written, and the node is gone: unknown", async () => {
    const [a, b] = await two();
    b.messenger.handle("place", () => new Promise(() => {}));
    const written = outcomeOf(a.messenger.send(routeTo(b), 1));
    await world.clock.advance(500);
    const closing = b.close();
    world.network.crash("b");
    const unwritten = outcomeOf(a.messenger.send(routeTo(b), 2));
    await world.clock.run(closing);
    await world.clock.advance(60_000);
    expect(written).toEqual({ code: "ERR_OUTCOME_UNKNOWN" });
    expect(unwritten).toEqual({ code: "ERR_NODE_UNREACHABLE" });
    const later = outcomeOf(a.messenger.send(routeTo(b), 3));
    await world.clock.advance(10);
    expect(later).toEqual({ code: "ERR_NODE_UNREACHABLE" });
  });

  test("an aborted send says whether it may have run, and is not repeated", async () => {
    const [a, b] = await two();
    let runs = 0;
    b.messenger.handle("place", () => {
      runs += 1;
      return new Promise(() => {});
    });
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const written = outcomeOf(a.messenger.send(routeTo(b), 1, options));
    await world.clock.advance(500);
    abort.abort();
    await world.clock.advance(20_000);
    expect([written, runs]).toEqual([{ code: "ERR_OUTCOME_UNKNOWN" }, 1]);
    expect(meters.a.value("overlay_acked_repeats_total")).toBe(0);
    const early = new AbortController();
    const unwritten = outcomeOf(a.messenger.send(routeTo(b), 2, { signal: early.signal }));
    early.abort();
    await world.clock.advance(1_000);
    expect([unwritten, runs]).toEqual([{ code: "ERR_ABORTED" }, 1]);
  });

  test("a node sends acked messages to itself too", async () => {
    const [a] = await two();
    const received: unknown[] = [];
    a.messenger.handle("place", ({ payload }) => void received.push(payload));
    const sent = outcomeOf(a.messenger.send(routeTo(a), { id: 1 }));
    await world.clock.advance(100);
    expect([sent, received]).toEqual([{ value: undefined }, [{ id: 1 }]]);
  });
});

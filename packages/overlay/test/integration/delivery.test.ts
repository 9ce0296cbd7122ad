/** What channels promise beyond order, over real sockets. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import { memoryMeter } from "@foundation/core/testing";
import { realTime, until } from "@foundation/testkit";
import type { ChannelOptions, Overlay } from "../../src/index.js";
import { OverlayCluster } from "../support/overlay-cluster.js";

const clock = nodeClock();
const time = realTime(clock);
const open: OverlayCluster[] = [];
const two = async (channels: readonly ChannelOptions[], runtime = {}) => {
  const cluster = await OverlayCluster.of(2, { channels, runtime });
  open.push(cluster);
  return cluster.nodes as [Overlay, Overlay];
};

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe("channels over real sockets", () => {
  test("monotonic drops only what is stale and always delivers the last", async () => {
    const meter = memoryMeter();
    const channels = [{ name: "telemetry", monotonic: true, windowBytes: 64 * 1024 }];
    const [a, b] = await two(channels, { meter });
    const received = new Map<string, number[]>();
    let work: Promise<void> = Promise.resolve();
    b.messenger.handle("load", ({ payload }) => {
      const { key, number } = payload as { key: string; number: number };
      received.set(key, [...(received.get(key) ?? []), number]);
      work = work.then(() => clock.sleep(5));
      return work;
    });
    const keys = ["x", "y", "z"];
    const filler = "x".repeat(8_000);
    const rounds = 500;
    for (let number = 1; number <= rounds; number += 1) {
      for (const key of keys) {
        const route = { to: b.self.id, channel: "telemetry", subject: "load", key };
        expect(a.messenger.trySend(route, { key, number, filler })).toBe("accepted");
      }
      if (number % 10 === 0) await clock.sleep(1);
    }
    const isComplete = () => keys.every((key) => received.get(key)?.at(-1) === rounds);
    await until(time, "the last value of each key is there", isComplete);
    const all = [...received.values()];
    for (const numbers of all) expect(numbers).toEqual(numbers.toSorted((n, m) => n - m));
    const delivered = all.reduce((sum, numbers) => sum + numbers.length, 0);
    expect(meter.value('overlay_dropped_total{reason="stale"}')).toBe(rounds * 3 - delivered);
  });

  test("acked retransmits and is deduplicated", async () => {
    const meter = memoryMeter();
    const [a, b] = await two([{ name: "orders", delivery: "acked" }], { meter });
    const handled: unknown[] = [];
    b.messenger.handle("place", async ({ payload }) => {
      handled.push(payload);
      if (payload === "slow") await clock.sleep(2_000);
    });
    const route = { to: b.self.id, channel: "orders", subject: "place" };
    await Promise.all(["slow", 1, 2, 3].map((payload) => a.messenger.send(route, payload)));
    expect(handled).toEqual(["slow", 1, 2, 3]);
    expect(meter.value("overlay_acked_repeats_total")).toBeGreaterThan(0);
    expect(meter.value('overlay_dropped_total{reason="repeated"}')).toBeGreaterThan(0);
  });

  test("refused sends are not queued and recover after drain", async () => {
    const [a, b] = await two([{ name: "bulk", overflow: "error", windowBytes: 64 * 1024 }]);
    const received: number[] = [];
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    b.messenger.handle("n", async ({ payload }) => {
      received.push((payload as { number: number }).number);
      await released;
    });
    const route = { to: b.self.id, channel: "bulk", subject: "n" };
    const filler = "x".repeat(8_000);
    let taken = 0;
    const send = () => a.messenger.send(route, { number: taken, filler }).then(() => (taken += 1));
    const full = await (async () => {
      for (;;) await send();
    })().catch((error: { code: string }) => error.code);
    expect(full).toBe("ERR_QUEUE_FULL");
    release();
    await until(time, "everything accepted is there", () => received.length === taken);
    expect(received).toEqual([...Array(taken).keys()]);
    await until(time, "there is room again", () => {
      const outcome = a.messenger.trySend(route, { number: taken, filler });
      if (outcome === "accepted") taken += 1;
      return outcome === "accepted";
    });
    await until(time, "the next one is there", () => received.length === taken);
  });

  test("order within a lane under any number of lanes, and a fenced message after all of them", async () => {
    const [a, b] = await two([{ name: "lots", parallelism: 4 }]);
    const last = new Map<string, number>();
    const order: string[] = [];
    b.messenger.handle("n", ({ payload }) => {
      const { key, number } = payload as { key: string; number: number };
      expect(number).toBe((last.get(key) ?? 0) + 1);
      last.set(key, number);
      order.push(key);
    });
    b.messenger.handle("down", () => order.length);
    const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
    const route = { to: b.self.id, channel: "lots" };
    const heavy = "x".repeat(60_000);
    for (let number = 1; number <= 50; number += 1) {
      for (const [i, key] of keys.entries()) {
        // Some lanes have much more to carry than the one of the message that is fenced.
        const filler = i < 5 ? heavy : "";
        await a.messenger.send({ ...route, subject: "n", key }, { key, number, filler });
      }
    }
    const told = await a.messenger.request({ ...route, subject: "down", fence: true }, undefined);
    expect(told).toBe(keys.length * 50);
  });

  test("compresses what gets smaller, in messages and in chunks, and gives back what was sent", async () => {
    const [a, b] = await two([{ name: "data", compression: true }]);
    b.messenger.handle("echo", ({ payload }) => payload);
    const route = { to: b.self.id, channel: "data", subject: "echo" };
    for (const value of ["short", "words ".repeat(5_000), { text: "words ".repeat(500_000) }]) {
      expect(await a.messenger.request(route, value)).toEqual(value);
    }
    const link = a.links().find(({ channel }) => channel === "data");
    expect(link?.bytesOut).toBeLessThan(200_000);
  });
});

import { afterEach, describe, expect, test } from "@jest/globals";
import { memoryMeter } from "@foundation/core/testing";
import { VirtualOverlays, outcomeOf } from "../../../support/virtual-overlays.js";

let world: VirtualOverlays;
const STALE = 'overlay_dropped_total{reason="stale"}';
const big = "x".repeat(10_000);

afterEach(() => world.close());

describe("a monotonic channel", () => {
  test("sends the newest value of each key, however many were written in one turn", async () => {
    world = new VirtualOverlays();
    const meter = memoryMeter();
    const a = await world.start("a", { runtime: { meter } });
    const b = await world.start("b", { peers: [a.address] });
    await world.clock.advance(1_000);
    const received: string[] = [];
    b.messenger.handle("load", ({ payload }) => void received.push(String(payload)));
    const route = { to: b.self.id, channel: "telemetry", subject: "load" };
    for (let i = 0; i < 100; i += 1) {
      expect(a.messenger.trySend({ ...route, key: "cpu" }, `cpu ${i}`)).toBe("accepted");
      await a.messenger.send(route, `all ${i}`);
    }
    await world.clock.advance(1_000);
    expect(received).toEqual(["cpu 99", "all 99"]);
    expect(meter.value(STALE)).toBe(198);
  });

  test("drops only what is stale and always delivers the last, to a reader that is slow", async () => {
    world = new VirtualOverlays();
    const meter = memoryMeter();
    const channels = [{ name: "telemetry", monotonic: true, windowBytes: 64 * 1024 }];
    const a = await world.start("a", { channels, runtime: { meter } });
    const b = await world.start("b", { channels, peers: [a.address] });
    await world.clock.advance(1_000);
    const received = new Map<string, number[]>();
    const times = new Map<string, number[]>();
    let work: Promise<void> = Promise.resolve();
    b.messenger.handle("load", ({ payload }) => {
      const { key, number } = payload as { key: string; number: number };
      received.set(key, [...(received.get(key) ?? []), number]);
      times.set(key, [...(times.get(key) ?? []), world.clock.now()]);
      work = work.then(() => world.clock.sleep(20));
      return work;
    });
    const keys = Array.from({ length: 5 }, (_, i) => `key-${i}`);
    const rounds = 2_000;
    for (let number = 1; number <= rounds; number += 1) {
      for (const key of keys) {
        const route = { to: b.self.id, channel: "telemetry", subject: "load", key };
        expect(a.messenger.trySend(route, { key, number, big })).toBe("accepted");
      }
      await world.clock.advance(5);
    }
    await world.clock.advance(10_000);
    let delivered = 0;
    for (const key of keys) {
      const numbers = received.get(key) as number[];
      delivered += numbers.length;
      expect(numbers.at(-1)).toBe(rounds);
      expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
      const at = times.get(key) as number[];
      const gaps = at.slice(1).map((time, i) => time - (at[i] as number));
      expect(Math.max(...gaps)).toBeLessThan(1_000);
    }
    // Under pressure, and nothing is missing but what was replaced.
    expect(delivered).toBeLessThan((rounds * keys.length) / 2);
    expect(meter.value(STALE)).toBe(rounds * keys.length - delivered);
  });

  test("keeps what waits, and sends what was under way again, when a connection breaks", async () => {
    world = new VirtualOverlays(3);
    const [a, b] = (await world.form(2)) as [
      Awaited<ReturnType<typeof world.start>>,
      Awaited<ReturnType<typeof world.start>>,
    ];
    const last = new Map<string, number>();
    b.messenger.handle("load", ({ payload }) => {
      const { key, number } = payload as { key: string; number: number };
      expect(number).toBeGreaterThan(last.get(key) ?? 0);
      last.set(key, number);
    });
    for (let number = 1; number <= 300; number += 1) {
      for (const key of ["x", "y", "z"]) {
        const route = { to: b.self.id, channel: "telemetry", subject: "load", key };
        a.messenger.trySend(route, { key, number });
      }
      if (number % 20 === 0) world.network.sever("a", "b");
      await world.clock.advance(7);
    }
    world.network.sever("a", "b");
    await world.clock.advance(10_000);
    expect([...last]).toEqual([
      ["x", 300],
      ["y", 300],
      ["z", 300],
    ]);
  });

  test("refuses a further key when too many wait, and takes it when one has left", async () => {
    world = new VirtualOverlays();
    const [a, b] = (await world.form(2)) as [
      Awaited<ReturnType<typeof world.start>>,
      Awaited<ReturnType<typeof world.start>>,
    ];
    let received = 0;
    b.messenger.handle("load", () => void (received += 1));
    const send = (key: string) =>
      a.messenger.trySend({ to: b.self.id, channel: "telemetry", subject: "load", key }, key);
    for (let i = 0; i < 10_000; i += 1) expect(send(`key ${i}`)).toBe("accepted");
    expect(send("one more")).toBe("full");
    expect(send("key 7")).toBe("accepted");
    const route = { to: b.self.id, channel: "telemetry", subject: "load", key: "waiting" };
    const waiting = outcomeOf(a.messenger.send(route, "waiting"));
    await world.clock.advance(5_000);
    expect(waiting).toEqual({ value: undefined });
    expect(received).toBe(10_001);
  });
});

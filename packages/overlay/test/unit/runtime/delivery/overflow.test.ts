import { afterEach, describe, expect, test } from "@jest/globals";
import { memoryMeter } from "@foundation/core/testing";
import type { Overlay } from "../../../../src/index.js";
import type { Overflow } from "../../../../src/index.js";
import { VirtualOverlays, outcomeOf } from "../../../support/virtual-overlays.js";

let world: VirtualOverlays;
const filler = "x".repeat(8_000);

interface Pair {
  readonly a: Overlay;
  readonly b: Overlay;
  readonly meter: ReturnType<typeof memoryMeter>;
  readonly received: number[];
  /** Lets the handlers at b finish, and so the credit flow. */
  open(): void;
}

/** b reads nothing, as far as credit goes, until it is opened. */
async function pair(overflow: Overflow): Promise<Pair> {
  world = new VirtualOverlays();
  const meter = memoryMeter();
  const channels = [{ name: "bulk", overflow, windowBytes: 64 * 1024 }];
  const a = await world.start("a", { channels, runtime: { meter } });
  const b = await world.start("b", { channels, peers: [a.address] });
  await world.clock.advance(1_000);
  const received: number[] = [];
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  b.messenger.handle("n", async ({ payload }) => {
    received.push((payload as { number: number }).number);
    await opened;
  });
  return { a, b, meter, received, open };
}

const routeTo = (to: Overlay) => ({ to: to.self.id, channel: "bulk", subject: "n" });
const refused = (overflow: Overflow) =>
  `overlay_overflow_total{channel="bulk",policy="${overflow}"}`;

/** Sends until the channel takes no more by `trySend`; answers how many it took. */
async function fill({ a, b }: Pair): Promise<number> {
  let number = 0;
  for (;;) {
    if (a.messenger.trySend(routeTo(b), { number, filler }) !== "accepted") return number;
    number += 1;
    if (number % 100 === 0) await world.clock.advance(10);
  }
}

afterEach(() => world.close());

describe("refused sends are not queued and recover after drain", () => {
  test("error: a full channel refuses, and takes messages again when its peer has read", async () => {
    const made = await pair("error");
    const { a, b, meter, received } = made;
    const taken = await fill(made);
    const failed = outcomeOf(a.messenger.send(routeTo(b), { number: -1, filler }));
    await world.clock.advance(10);
    expect(failed).toEqual({ code: "ERR_QUEUE_FULL" });
    expect(meter.value(refused("error"))).toBe(2);
    made.open();
    await world.clock.advance(60_000);
    expect(received).toEqual([...Array(taken).keys()]);
    await a.messenger.send(routeTo(b), { number: taken, filler });
    await world.clock.advance(1_000);
    expect(received.at(-1)).toBe(taken);
    expect(meter.value(refused("error"))).toBe(2);
  });

  test("block: trySend is refused, send waits its turn, and both recover", async () => {
    const made = await pair("block");
    const { a, b, meter, received } = made;
    const taken = await fill(made);
    const waiting = [1, 2, 3].map((i) =>
      outcomeOf(a.messenger.send(routeTo(b), { number: taken + i - 1, filler })),
    );
    await world.clock.advance(1_000);
    expect(waiting).toEqual([{}, {}, {}]);
    expect(a.messenger.trySend(routeTo(b), { number: -1, filler })).toBe("full");
    made.open();
    await world.clock.advance(60_000);
    expect(waiting.every((one) => "value" in one)).toBe(true);
    expect(received).toEqual([...Array(taken + 3).keys()]);
    expect(a.messenger.trySend(routeTo(b), { number: -1, filler })).toBe("accepted");
    expect(meter.value(refused("block"))).toBe(2);
  });

  test("drop-newest: what does not fit is dropped and counted, what was there arrives", async () => {
    const made = await pair("drop-newest");
    const { a, b, meter, received } = made;
    const taken = await fill(made);
    for (let i = 0; i < 5; i += 1) {
      const sent = outcomeOf(a.messenger.send(routeTo(b), { number: -1, filler }));
      await world.clock.advance(1);
      expect(sent).toEqual({ value: undefined });
    }
    expect(meter.value(refused("drop-newest"))).toBe(6);
    made.open();
    await world.clock.advance(60_000);
    expect(received).toEqual([...Array(taken).keys()]);
    await a.messenger.send(routeTo(b), { number: taken, filler });
    await world.clock.advance(1_000);
    expect(received.at(-1)).toBe(taken);
  });

  test("drop-oldest: the oldest unsent are dropped and counted, the newest arrive in order", async () => {
    const made = await pair("drop-oldest");
    const { a, b, meter, received } = made;
    const count = 4_000;
    for (let number = 0; number < count; number += 1) {
      expect(a.messenger.trySend(routeTo(b), { number, filler })).toBe("accepted");
      if (number % 100 === 0) await world.clock.advance(10);
    }
    await a.messenger.send(routeTo(b), { number: count, filler });
    const dropped = meter.value(refused("drop-oldest"));
    expect(dropped).toBeGreaterThan(1_000);
    made.open();
    await world.clock.advance(60_000);
    expect(received.length).toBe(count + 1 - dropped);
    expect(received).toEqual(received.toSorted((x, y) => x - y));
    expect(received.at(-1)).toBe(count);
    // What was written before it was full, and then the newest without a gap.
    const gaps = received.slice(1).filter((number, i) => number !== (received[i] as number) + 1);
    expect(gaps.length).toBe(1);
  });

  test("drop-oldest drops no request: somebody waits for its answer", async () => {
    const made = await pair("drop-oldest");
    const { a, b } = made;
    b.messenger.handle("ask", () => "answer");
    for (let i = 0; i < 12; i += 1) a.messenger.trySend(routeTo(b), { number: i, filler });
    await world.clock.advance(100);
    const asked = outcomeOf(
      a.messenger.request({ ...routeTo(b), subject: "ask" }, filler, { timeoutMs: 120_000 }),
    );
    for (let number = 100; number < 3_000; number += 1) {
      a.messenger.trySend(routeTo(b), { number, filler });
      if (number % 100 === 0) await world.clock.advance(10);
    }
    made.open();
    await world.clock.advance(60_000);
    expect(asked).toEqual({ value: "answer" });
  });
});

import { describe, expect, test } from "@jest/globals";
import { InboundStream } from "../../../../src/protocol/streams/inbound-stream.js";
import { WindowBudget, WindowTuner } from "../../../../src/protocol/streams/window-tuner.js";

const KIB = 1024;

function streamOf(windowBytes = 100, bytesMax = windowBytes) {
  const budget = new WindowBudget(1_000 * KIB);
  const options = { initialBytes: windowBytes, bytesMax, roundTripMsMin: 0.5 };
  return { budget, stream: new InboundStream(new WindowTuner(options, budget)) };
}

describe("an inbound stream", () => {
  test("gives small pieces that came together as one, in order", () => {
    const { stream } = streamOf();
    for (let i = 0; i < 10; i += 1) stream.receive(new Uint8Array([i, i]));
    expect([...(stream.take() ?? [])]).toEqual([
      0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9,
    ]);
    expect(stream.take()).toBeUndefined();
  });

  test("never writes again into what was taken", () => {
    const { stream } = streamOf();
    stream.receive(new Uint8Array([1]));
    const first = stream.take();
    stream.receive(new Uint8Array([2]));
    stream.take();
    expect([...(first ?? [])]).toEqual([1]);
  });

  test("keeps the order of large pieces between small ones", () => {
    const { stream } = streamOf(100 * KIB);
    stream.receive(new Uint8Array([1]));
    stream.receive(new Uint8Array(8 * KIB).fill(2));
    stream.receive(new Uint8Array([3]));
    expect([stream.take()?.[0], stream.take()?.[0], stream.take()?.[0]]).toEqual([1, 2, 3]);
  });

  test("holds no frame's memory for a piece that is a small part of it", () => {
    const { stream } = streamOf(100 * KIB);
    const frame = new Uint8Array(64 * KIB).fill(1);
    stream.receive(frame.subarray(0, 10));
    stream.receive(frame.subarray(0, 8 * KIB));
    stream.receive(frame.subarray(0, 40 * KIB));
    expect(stream.take()?.buffer.byteLength).toBeLessThanOrEqual(8 * KIB);
    expect(stream.take()?.buffer.byteLength).toBe(8 * KIB);
    expect(stream.take()?.buffer).toBe(frame.buffer);
  });

  test("holds a window of single bytes in little more memory than that", () => {
    const { stream } = streamOf(256 * KIB);
    const one = new Uint8Array(1);
    let kept = 0;
    while (stream.receive(one) === "kept") kept += 1;
    expect(kept).toBe(256 * KIB);
    let pieces = 0;
    while (stream.take() !== undefined) pieces += 1;
    expect(pieces).toBe(32);
  });

  test("is overdrawn by one byte above the window", () => {
    const { stream } = streamOf(100);
    expect(stream.receive(new Uint8Array(100))).toBe("kept");
    expect(stream.receive(new Uint8Array(1))).toBe("overdrawn");
    expect(stream.heldBytes).toBe(100);
  });

  test("grants when half of the window is free, and not before", () => {
    const { stream } = streamOf(100);
    stream.receive(new Uint8Array(49));
    stream.take();
    expect(stream.grant(49, 0, undefined)).toBeUndefined();
    stream.receive(new Uint8Array(1));
    stream.take();
    expect(stream.grant(1, 0, undefined)).toBe(150);
    expect(stream.receive(new Uint8Array(100))).toBe("kept");
    expect(stream.receive(new Uint8Array(1))).toBe("overdrawn");
  });

  test("grants nothing once everything has come, or nothing is wanted", () => {
    const { stream } = streamOf(100);
    stream.receive(new Uint8Array(80));
    expect(stream.end(80)).toBe(true);
    stream.take();
    expect(stream.grant(80, 0, undefined)).toBeUndefined();
    const { stream: other } = streamOf(100);
    other.discard();
    expect(other.grant(100, 0, undefined)).toBeUndefined();
  });

  test("gives what is held after the end, and knows whether all has come", () => {
    const { stream } = streamOf(100);
    stream.receive(new Uint8Array(10));
    expect(stream.end(11)).toBe(false);
    expect(stream.take()?.length).toBe(10);
    expect(stream.heldBytes).toBe(0);
  });

  test("drops what comes after it was discarded, and holds nothing", () => {
    const { stream } = streamOf(100);
    stream.receive(new Uint8Array(10));
    stream.discard();
    expect(stream.heldBytes).toBe(0);
    expect(stream.receive(new Uint8Array(1_000))).toBe("dropped");
    expect(stream.take()).toBeUndefined();
  });

  test("grows its window where the way is long, and gives the growth back when it is closed", () => {
    const { stream, budget } = streamOf(64 * KIB, 256 * KIB);
    let now = 0;
    let sentBytes = 0;
    let grantedBytes = 64 * KIB;
    for (let i = 0; i < 40; i += 1) {
      now += 50;
      // Everything that may be under way arrives in each round trip, and is taken at once.
      while (sentBytes < grantedBytes) {
        expect(stream.receive(new Uint8Array(16 * KIB))).toBe("kept");
        sentBytes += 16 * KIB;
        stream.take();
        grantedBytes = stream.grant(16 * KIB, now, 50) ?? grantedBytes;
        if (sentBytes % (256 * KIB) === 0) break;
      }
    }
    expect(grantedBytes - sentBytes).toBeGreaterThan(128 * KIB);
    expect(budget.takenBytes).toBe(192 * KIB);
    stream.close();
    expect(budget.takenBytes).toBe(0);
  });
});

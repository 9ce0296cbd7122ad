import { describe, expect, test } from "@jest/globals";
import { boundedStream } from "../../../src/stream/index.js";

async function rest<T>(iterator: AsyncIterableIterator<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of iterator) values.push(value);
  return values;
}

describe("a bounded stream", () => {
  test("hands over values in the order they were pushed, then ends", async () => {
    const stream = boundedStream<number>();
    for (let i = 0; i < 5; i += 1) expect(stream.push(i)).toBe(true);
    stream.end();
    expect(stream.push(5)).toBe(false);
    expect(await rest(stream.iterator)).toEqual([0, 1, 2, 3, 4]);
  });

  test("wakes waiting readers in the order they asked", async () => {
    const stream = boundedStream<string>();
    const reads = [stream.iterator.next(), stream.iterator.next(), stream.iterator.next()];
    stream.push("a");
    stream.push("b");
    stream.end();
    expect(await Promise.all(reads)).toEqual([
      { done: false, value: "a" },
      { done: false, value: "b" },
      { done: true, value: undefined },
    ]);
  });

  test("drop-oldest keeps the newest values and counts the others", async () => {
    let drops = 0;
    const stream = boundedStream<number>({ buffer: 3, onDrop: () => (drops += 1) });
    for (let i = 0; i < 5_000; i += 1) expect(stream.push(i)).toBe(true);
    expect([stream.size, stream.dropped, drops]).toEqual([3, 4_997, 4_997]);
    stream.end();
    expect(await rest(stream.iterator)).toEqual([4_997, 4_998, 4_999]);
  });

  test("drop-newest keeps the oldest values and says so to the producer", async () => {
    const stream = boundedStream<number>({ buffer: 2, overflow: "drop-newest" });
    expect([1, 2, 3, 4].map((value) => stream.push(value))).toEqual([true, true, false, false]);
    expect(stream.dropped).toBe(2);
    stream.end();
    expect(await rest(stream.iterator)).toEqual([1, 2]);
  });

  test("error fails the reader after what is buffered", async () => {
    const stream = boundedStream<number>({ buffer: 2, overflow: "error", name: "orders" });
    expect([1, 2, 3].map((value) => stream.push(value))).toEqual([true, true, false]);
    expect(stream.ended).toBe(true);
    expect((await stream.iterator.next()).value).toBe(1);
    expect((await stream.iterator.next()).value).toBe(2);
    await expect(stream.iterator.next()).rejects.toMatchObject({
      code: "ERR_QUEUE_FULL",
      details: { queue: "orders", limit: 2, unit: "messages" },
    });
    expect(await stream.iterator.next()).toEqual({ done: true, value: undefined });
  });

  test("fail rejects one waiting reader and ends the others", async () => {
    const stream = boundedStream<number>();
    const first = stream.iterator.next();
    const second = stream.iterator.next();
    stream.fail(new Error("the source broke"));
    await expect(first).rejects.toThrow("the source broke");
    expect(await second).toEqual({ done: true, value: undefined });
  });

  test("the signal ends the loop without an error and discards what is buffered", async () => {
    const abort = new AbortController();
    let ends = 0;
    const stream = boundedStream<number>({ signal: abort.signal, onEnd: () => (ends += 1) });
    stream.push(1);
    abort.abort();
    expect(await rest(stream.iterator)).toEqual([]);
    stream.close();
    expect(ends).toBe(1);
  });

  test("a signal that fired before makes a stream that has ended", async () => {
    const stream = boundedStream<number>({ signal: AbortSignal.abort() });
    expect(stream.push(1)).toBe(false);
    expect(await rest(stream.iterator)).toEqual([]);
  });

  test("leaving the loop closes the stream and tells the producer once", async () => {
    let ends = 0;
    const stream = boundedStream<number>({ onEnd: () => (ends += 1) });
    stream.push(1);
    stream.push(2);
    for await (const value of stream.iterator) {
      expect(value).toBe(1);
      break;
    }
    expect([stream.ended, stream.size, ends]).toEqual([true, 0, 1]);
  });

  test("an onDrop that closes the stream gets no further value in", () => {
    const stream = boundedStream<number>({ buffer: 1, onDrop: () => stream.close() });
    stream.push(1);
    expect(stream.push(2)).toBe(false);
    expect(stream.size).toBe(0);
  });

  test("refuses a buffer that is not a positive integer", () => {
    for (const buffer of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => boundedStream({ buffer })).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    }
  });
});

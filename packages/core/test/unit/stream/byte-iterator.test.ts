import { describe, expect, test } from "@jest/globals";
import { ByteIterator, STREAM_READS_MAX } from "../../../src/index.js";

function iteratorOf(...values: number[]) {
  const state = { left: 0, pieces: values.map((value) => new Uint8Array([value])) };
  const iterator = new ByteIterator({
    take: () => state.pieces.shift(),
    left: () => {
      state.left += 1;
    },
  });
  const put = (value: number) => {
    state.pieces.push(new Uint8Array([value]));
    iterator.wake();
  };
  return { iterator, put, state };
}

describe("a byte iterator", () => {
  test("hands out what is there, waits for what comes, and ends", async () => {
    const { iterator, put } = iteratorOf(1, 2);
    const all: number[] = [];
    const reading = (async () => {
      for await (const piece of iterator) all.push(...piece);
    })();
    await Promise.resolve();
    put(3);
    put(4);
    iterator.end();
    await reading;
    expect(all).toEqual([1, 2, 3, 4]);
  });

  test("serves reads at once in the order they were made", async () => {
    const { iterator, put } = iteratorOf();
    const reads = [iterator.next(), iterator.next(), iterator.next()];
    put(1);
    put(2);
    iterator.end();
    expect((await Promise.all(reads)).map(({ value }) => (value as Uint8Array)?.[0])).toEqual([
      1,
      2,
      undefined,
    ]);
  });

  test("throws its failure after what came before it, and again", async () => {
    const { iterator } = iteratorOf(1);
    iterator.fail(new Error("broken"));
    expect((await iterator.next()).value?.[0]).toBe(1);
    await expect(iterator.next()).rejects.toThrow("broken");
    await expect(iterator.next()).rejects.toThrow("broken");
  });

  test("gives a failure to every read that waits", async () => {
    const { iterator } = iteratorOf();
    const reads = [iterator.next(), iterator.next()];
    iterator.fail(new Error("broken"));
    for (const read of reads) await expect(read).rejects.toThrow("broken");
  });

  test("says once that its reader has left, and hands out nothing then", async () => {
    const { iterator, put, state } = iteratorOf(1, 2);
    for await (const piece of iterator) if (piece.length > 0) break;
    await iterator.return();
    put(3);
    expect(state.left).toBe(1);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test("does not say so after the end or a failure", async () => {
    for (const end of [
      (iterator: ByteIterator) => iterator.end(),
      (iterator: ByteIterator) => iterator.fail(new Error("broken")),
    ]) {
      const { iterator, state } = iteratorOf(1);
      end(iterator);
      await iterator.return();
      expect(state.left).toBe(0);
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    }
  });

  test("is one iterator, however often it is asked for", () => {
    const { iterator } = iteratorOf();
    expect(iterator[Symbol.asyncIterator]()).toBe(iterator);
  });

  test("refuses more reads than the limit", async () => {
    const { iterator } = iteratorOf();
    const reads = Array.from({ length: STREAM_READS_MAX }, () => iterator.next());
    await expect(iterator.next()).rejects.toMatchObject({ code: "ERR_QUEUE_FULL" });
    iterator.end();
    expect((await Promise.all(reads)).every(({ done }) => done)).toBe(true);
  });
});

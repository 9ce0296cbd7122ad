/** Batches between a stream and the loop that reads them. */
import { describe, expect, test } from "@jest/globals";
import { WatchQueue } from "../../../src/etcd/watch-queue.js";

const batch = (revision: number) => ({ revision, changes: [] });

function queueOf(max: number) {
  const told = { room: 0, left: 0 };
  const queue = new WatchQueue(
    max,
    () => (told.room += 1),
    () => (told.left += 1),
  );
  return { queue, told };
}

describe("the queue of a watch", () => {
  test("gives batches in order, to those who wait and to those who come later", async () => {
    const { queue } = queueOf(10);
    const waiting = [queue.next(), queue.next()];
    for (const revision of [1, 2, 3, 4]) queue.push(batch(revision));
    const all = await Promise.all([...waiting, queue.next(), queue.next()]);
    expect(all.map(({ value }) => value?.revision)).toEqual([1, 2, 3, 4]);
  });

  test("is full at its limit, and tells that there is room before it is empty", async () => {
    const { queue, told } = queueOf(4);
    for (let revision = 1; revision <= 9; revision += 1) queue.push(batch(revision));
    expect(queue.isFull).toBe(true);
    let read = 0;
    while (told.room === 0) {
      await queue.next();
      read += 1;
    }
    expect(queue.isFull).toBe(false);
    expect(read).toBeGreaterThan(5);
    expect(read).toBeLessThan(9);
  });

  test("gives what it has before a failure, the failure once, then the end", async () => {
    const { queue } = queueOf(4);
    queue.push(batch(1));
    queue.fail(new Error("gone"));
    queue.push(batch(2));
    expect((await queue.next()).value?.revision).toBe(1);
    await expect(queue.next()).rejects.toThrow("gone");
    expect((await queue.next()).done).toBe(true);
  });

  test("tells one of those who wait of a failure, and ends for the others", async () => {
    const { queue } = queueOf(4);
    const waiting = [queue.next(), queue.next()];
    queue.fail(new Error("gone"));
    await expect(waiting[0]).rejects.toThrow("gone");
    expect((await waiting[1])?.done).toBe(true);
  });

  test("gives nothing once it is closed, and tells when its reader has left", async () => {
    const { queue, told } = queueOf(4);
    queue.push(batch(1));
    const others = queueOf(4);
    const waiting = others.queue.next();
    others.queue.close();
    expect((await waiting).done).toBe(true);
    queue.close();
    expect((await queue.next()).done).toBe(true);
    await queue.return();
    expect(told.left).toBe(1);
  });
});

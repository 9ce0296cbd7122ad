import { describe, expect, test } from "@jest/globals";
import { LatestQueue } from "../../../../src/protocol/delivery/latest.js";

const limits = { keysMax: 3, bytesMax: 100 };

describe("what waits on a monotonic lane", () => {
  test("is the newest message of each key, in the place of the first", () => {
    const queue = new LatestQueue<string>();
    expect(queue.offer("cpu", "cpu 1", 10)).toBe("added");
    expect(queue.offer("disk", "disk 1", 10)).toBe("added");
    expect(queue.offer("cpu", "cpu 2", 30)).toBe("replaced");
    expect([queue.size, queue.sizeBytes]).toEqual([2, 40]);
    expect([queue.take(), queue.take(), queue.take()]).toEqual(["cpu 2", "disk 1", undefined]);
    expect([queue.size, queue.sizeBytes]).toEqual([0, 0]);
  });

  test("takes no further key when there are too many or too large, but any message of a waiting one", () => {
    const queue = new LatestQueue<number>(limits);
    for (const key of ["a", "b", "c"]) expect(queue.offer(key, 1, 1)).toBe("added");
    expect(queue.offer("d", 1, 1)).toBe("full");
    expect(queue.hasRoomFor("d")).toBe(false);
    expect(queue.hasRoomFor("b")).toBe(true);
    expect(queue.offer("b", 2, 500)).toBe("replaced");
    queue.take();
    expect(queue.offer("d", 1, 1)).toBe("full");
    expect(queue.take()).toBe(2);
    expect(queue.offer("d", 1, 1)).toBe("added");
  });

  test("goes on in order after it was empty, and after it was cleared", () => {
    const queue = new LatestQueue<number>();
    queue.offer("a", 1, 1);
    expect([queue.take(), queue.take()]).toEqual([1, undefined]);
    queue.offer("a", 2, 1);
    queue.offer("b", 3, 1);
    expect(queue.take()).toBe(2);
    queue.offer("a", 4, 1);
    expect([queue.take(), queue.take()]).toEqual([3, 4]);
    queue.offer("a", 5, 1);
    queue.offer("b", 6, 1);
    expect(queue.clear()).toBe(2);
    expect([queue.take(), queue.sizeBytes]).toEqual([undefined, 0]);
    queue.offer("c", 7, 1);
    expect(queue.take()).toBe(7);
  });

  test("a busy key cannot hold a quiet one up: a link that takes one message at a time serves each in turn", () => {
    const queue = new LatestQueue<string>();
    const keys = ["a", "b", "c", "d", "e"];
    const lastServed = new Map(keys.map((key) => [key, 0]));
    let longest = 0;
    for (let round = 1; round <= 1_000; round += 1) {
      // Every key is written ten times for each message that leaves, the first one a hundred times.
      for (const key of keys) {
        for (let i = 0; i < (key === "a" ? 100 : 10); i += 1)
          queue.offer(key, `${key} ${round}`, 1);
      }
      const [key, value] = (queue.take() as string).split(" ") as [string, string];
      expect(Number(value)).toBe(round);
      longest = Math.max(longest, round - (lastServed.get(key) as number));
      lastServed.set(key, round);
    }
    // So with a message leaving each 200 ms, five keys are each sent once a second.
    expect(longest).toBe(keys.length);
    expect([...lastServed.values()].every((round) => round > 1_000 - keys.length)).toBe(true);
  });
});

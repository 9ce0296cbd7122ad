import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "../../../src/testing/seeded-random.js";
import { TimerHeap, type HeapTimer } from "../../../src/testing/timer-heap.js";

describe("a heap of timers", () => {
  test("gives what was not cancelled in order of time and then of setting, however many were cancelled", () => {
    const random = seededRandom("timer heap");
    const heap = new TimerHeap();
    const set: { readonly timer: HeapTimer; readonly number: number }[] = [];
    const taken: number[] = [];
    for (let number = 0; number < 5_000; number += 1) {
      const timer = heap.add(Math.floor(random.next() * 50), () => taken.push(number));
      set.push({ timer, number });
    }
    const kept = set.filter(() => random.next() < 0.1);
    for (const each of set) if (!kept.includes(each)) each.timer.cancel();
    expect(heap.pending).toBe(kept.length);
    for (let next = heap.takeDue(50); next; next = heap.takeDue(50)) next.run();
    const expected = kept.toSorted((a, b) => a.timer.dueMs - b.timer.dueMs || a.number - b.number);
    expect(taken).toEqual(expected.map(({ number }) => number));
    expect(heap.pending).toBe(0);
  });

  test("a timer that was taken or cancelled before is not cancelled again", () => {
    const heap = new TimerHeap();
    const first = heap.add(1, () => {});
    const second = heap.add(2, () => {});
    expect(heap.takeDue(1)).toBe(first);
    first.cancel();
    second.cancel();
    second.cancel();
    expect(heap.pending).toBe(0);
    expect(heap.nextDueMs()).toBeUndefined();
  });

  test("what a cancelled timer would have run is not run, whoever asks for it", () => {
    const heap = new TimerHeap();
    let ran = 0;
    const timer = heap.add(1, () => (ran += 1));
    timer.run();
    timer.cancel();
    timer.run();
    expect(ran).toBe(1);
  });
});

import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { createNodeId } from "@foundation/core";
import { Broadcast, reachOf } from "./broadcast.js";
import { SharedDirectory } from "./shared-directory.js";

describe("Broadcast", () => {
  test("tells what is wrong with a delivery: twice, out of order, at its origin", () => {
    const first = new Broadcast(0, 100, 4);
    const second = new Broadcast(0, 200, 4);
    first.next = second;
    expect(first.deliveredAt(1, 1, 130)).toBeUndefined();
    expect(first.deliveredAt(1, 2, 140)).toBe("it was delivered twice");
    expect(second.deliveredAt(2, 1, 230)).toBeUndefined();
    expect(first.deliveredAt(2, 3, 240)).toBe("it was delivered after the next one of its origin");
    expect(first.deliveredAt(0, 2, 240)).toBe("its origin delivered it from somebody else");
    expect(first.deliveredAt(9, 2, 240)).toBeUndefined();
  });

  test("counts whom it reached, how far and how often too much", () => {
    const broadcast = new Broadcast(0, 100, 4);
    broadcast.payloadMessages = 3;
    broadcast.deliveredAt(1, 1, 130);
    broadcast.deliveredAt(2, 2, 165);
    expect(broadcast).toMatchObject({ lastHop: 2, lastMs: 65, redundancy: 0.5 });
    expect(reachOf([broadcast], [0, 1, 2, 3])).toEqual({
      expected: 3,
      missed: 1,
      reliability: 1 - 1 / 3,
    });
  });
});

describe("SharedDirectory", () => {
  const random = seededRandom("directory");
  const ids = Array.from({ length: 10 }, () => createNodeId(random));
  const [self, dead] = ids as [(typeof ids)[0], (typeof ids)[0]];

  test("picks different ones who live, never the asker, and no more than there are", () => {
    const directory = new SharedDirectory();
    for (const id of ids) directory.add(id);
    directory.remove(dead);
    expect(directory.isDead(dead)).toBe(true);
    for (const count of [1, 3, 6, 8, 50]) {
      const picked = directory.pick(count, random, self);
      expect(new Set(picked).size).toBe(Math.min(count, 8));
      expect(picked).not.toContain(self);
      expect(picked).not.toContain(dead);
    }
    expect(directory.pick(50, random).length).toBe(9);
  });
});

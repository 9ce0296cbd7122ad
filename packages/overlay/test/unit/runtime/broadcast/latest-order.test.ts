import { describe, expect, test } from "@jest/globals";
import { BROADCAST } from "../../../../src/limits.js";
import { LatestOrder } from "../../../../src/runtime/broadcast/latest-order.js";
import { bootOf, idOf } from "../../../support/membership-entries.js";

const origin = idOf(1);
const boot = bootOf(1);
const [SUBJECT, OTHER] = [11, 12];

describe("newest values of one origin", () => {
  test("are in order when copies and messages of the tree overtake each other", () => {
    const order = new LatestOrder();
    expect(order.isNewCopy(origin, boot, SUBJECT, 0)).toBe(true);
    expect(order.isNewMessage(origin, boot, SUBJECT, 2)).toBe(true);
    expect(order.isNewMessage(origin, boot, SUBJECT, 1)).toBe(false);
    // Sent after the first message of the tree, and before the second.
    expect(order.isNewCopy(origin, boot, SUBJECT, 1)).toBe(false);
    expect(order.isNewCopy(origin, boot, SUBJECT, 0)).toBe(false);
    expect(order.isNewCopy(origin, boot, SUBJECT, 2)).toBe(true);
    expect(order.isNewCopy(origin, boot, SUBJECT, 2)).toBe(true);
    expect(order.isNewMessage(origin, boot, SUBJECT, 2)).toBe(false);
    expect(order.isNewMessage(origin, boot, SUBJECT, 3)).toBe(true);
  });

  test("of another subject, or of another start, are other values", () => {
    const order = new LatestOrder();
    order.isNewMessage(origin, boot, SUBJECT, 5);
    expect(order.isNewMessage(origin, boot, OTHER, 1)).toBe(true);
    expect(order.isNewMessage(origin, bootOf(2), SUBJECT, 1)).toBe(true);
  });

  test("are forgotten with their origin, and beyond the limit", () => {
    const order = new LatestOrder();
    order.isNewMessage(origin, boot, SUBJECT, 5);
    order.ended(origin, bootOf(2));
    expect(order.isNewMessage(origin, boot, SUBJECT, 4)).toBe(false);
    order.ended(origin, boot);
    expect(order.isNewMessage(origin, boot, SUBJECT, 4)).toBe(true);
    for (let subject = 100; subject < 100 + BROADCAST.latestMax; subject += 1) {
      order.isNewMessage(origin, boot, subject, 9);
    }
    expect(order.isNewMessage(origin, boot, SUBJECT, 1)).toBe(true);
  });
});

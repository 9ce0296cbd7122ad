import { describe, expect, test } from "@jest/globals";
import { GATHER_BYTES, PieceGatherer } from "../../../../src/protocol/streams/piece-gatherer.js";

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);

describe("a piece gatherer", () => {
  test("puts small pieces together", () => {
    const gatherer = new PieceGatherer();
    for (let i = 1; i <= 5; i += 1) gatherer.add(bytes(2, i));
    expect(gatherer.sizeBytes).toBe(10);
    expect([...gatherer.next(64)]).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    expect(gatherer.sizeBytes).toBe(0);
  });

  test("has copied small pieces, so that the source may use their memory again", () => {
    const gatherer = new PieceGatherer();
    const memory = bytes(3, 1);
    gatherer.add(memory);
    memory.fill(2);
    gatherer.add(memory);
    memory.fill(9);
    expect([...gatherer.next(64)]).toEqual([1, 1, 1, 2, 2, 2]);
  });

  test("cuts a large piece without copying it, and wants no more before it has left", () => {
    const gatherer = new PieceGatherer();
    const piece = bytes(GATHER_BYTES * 3, 7);
    gatherer.add(piece);
    expect(gatherer.wantsMore).toBe(false);
    expect(gatherer.next(GATHER_BYTES).buffer).toBe(piece.buffer);
    expect(gatherer.wantsMore).toBe(false);
    gatherer.next(GATHER_BYTES * 2);
    expect(gatherer.wantsMore).toBe(true);
    expect(gatherer.sizeBytes).toBe(0);
  });

  test("keeps the order of a large piece after small ones", () => {
    const gatherer = new PieceGatherer();
    gatherer.add(bytes(10, 1));
    gatherer.add(bytes(GATHER_BYTES * 2, 2));
    expect(gatherer.wantsMore).toBe(false);
    const all: number[] = [];
    while (gatherer.sizeBytes > 0) all.push(...gatherer.next(5_000));
    expect(all).toEqual([...bytes(10, 1), ...bytes(GATHER_BYTES * 2, 2)]);
  });

  test("wants no more when it is full, and gathers again when it was emptied", () => {
    const gatherer = new PieceGatherer();
    while (gatherer.wantsMore) gatherer.add(bytes(1_000, 1));
    expect(gatherer.sizeBytes).toBeGreaterThanOrEqual(GATHER_BYTES);
    expect(gatherer.sizeBytes).toBeLessThan(GATHER_BYTES + 1_000);
    while (gatherer.sizeBytes > 0) gatherer.next(3_000);
    expect(gatherer.wantsMore).toBe(true);
    gatherer.add(bytes(1, 5));
    expect([...gatherer.next(10)]).toEqual([5]);
  });

  test("forgets everything when it is cleared", () => {
    const gatherer = new PieceGatherer();
    gatherer.add(bytes(10, 1));
    gatherer.clear();
    expect(gatherer.sizeBytes).toBe(0);
    expect(gatherer.wantsMore).toBe(true);
  });
});

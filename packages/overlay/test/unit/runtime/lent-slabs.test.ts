import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { FRAME } from "../../../src/limits.js";
import { BatchWriter } from "../../../src/protocol/batch.js";
import { FrameKind, FrameReader, MessageType } from "../../../src/protocol/frame.js";
import { LentSlabs } from "../../../src/runtime/lent-slabs.js";
import { MemoryPool } from "../../../src/runtime/memory-pool.js";

const SMALL = new Uint8Array(40);

function linkLike() {
  const clock = virtualClock();
  const slabs = new LentSlabs(clock, new MemoryPool());
  const frames: Uint8Array[] = [];
  const seal = (frame: Uint8Array) => frames.push(frame);
  const batch = new BatchWriter(FRAME.batchBytes, seal, FrameKind.data, slabs);
  return {
    clock,
    slabs,
    frames,
    batch,
    write: (payload: Uint8Array) => {
      batch.append(MessageType.message, 0, 7, 0, 0, undefined, payload);
      batch.seal();
    },
    /** Bytes of the memory that the latest frame is part of. */
    slabBytes: () => frames.at(-1)?.buffer.byteLength,
  };
}

describe("the memory in which a link gathers what it writes", () => {
  test("is large while the link is busy, and small again when it has rested", async () => {
    const { clock, batch, frames, write, slabBytes } = linkLike();
    for (let i = 0; i < 5; i += 1) write(new Uint8Array(20_000));
    expect(slabBytes()).toBeGreaterThanOrEqual(64 * 1024);
    await clock.advance(2 * FRAME.slabRestMs);
    // What a quiet link holds of it is nothing: no view of the slab is left.
    expect(batch.last.within.slab.length).toBe(0);
    write(SMALL);
    expect(slabBytes()).toBe(2 * 1024);
    const reader = new FrameReader();
    reader.begin(frames.at(-1) as Uint8Array);
    expect(reader.next()).toBe(true);
    expect(reader.payload()).toHaveLength(SMALL.length);
  });

  test("stays as it is while something is written between two looks", async () => {
    const { clock, write, slabBytes } = linkLike();
    for (let i = 0; i < 5; i += 1) write(new Uint8Array(2_000));
    const busyBytes = slabBytes();
    expect(busyBytes).toBeGreaterThan(2 * 1024);
    for (let i = 0; i < 3; i += 1) {
      write(SMALL);
      await clock.advance(FRAME.slabRestMs);
      expect(slabBytes()).toBe(busyBytes);
    }
  });

  test("is not taken from a frame that is being written", async () => {
    const { clock, batch, frames } = linkLike();
    batch.append(MessageType.message, 0, 7, 0, 0, undefined, new Uint8Array(20_000).fill(9));
    await clock.advance(3 * FRAME.slabRestMs);
    batch.append(MessageType.message, 0, 7, 0, 0, undefined, SMALL);
    batch.seal();
    expect(frames).toHaveLength(1);
    expect(frames[0]?.length).toBeGreaterThan(20_000 + SMALL.length);
    expect(frames[0]?.[1_000]).toBe(9);
  });

  test("costs no timer once nobody has any, nor after the end", async () => {
    const { clock, slabs, write } = linkLike();
    write(SMALL);
    expect(clock.pendingTimers).toBe(0);
    write(new Uint8Array(20_000));
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(3 * FRAME.slabRestMs);
    expect(clock.pendingTimers).toBe(0);
    write(new Uint8Array(20_000));
    slabs.close();
    expect(clock.pendingTimers).toBe(0);
    write(new Uint8Array(60_000));
    expect(clock.pendingTimers).toBe(0);
  });
});

import { describe, expect, test } from "@jest/globals";
import { BatchWriter, retract } from "../../../src/protocol/batch.js";
import { Flag, FrameKind, FrameReader, MessageType } from "../../../src/protocol/frame.js";

const bytes = (...values: number[]) => Uint8Array.from(values);
const EMPTY = bytes();
const trace = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", flags: 1 };

function writer(batchBytes = 64 * 1024): { batch: BatchWriter; frames: Uint8Array[] } {
  const frames: Uint8Array[] = [];
  return { batch: new BatchWriter(batchBytes, (frame) => frames.push(frame)), frames };
}

function read(frame: Uint8Array) {
  const reader = new FrameReader();
  reader.begin(frame);
  const messages = [];
  while (reader.next()) {
    const { type, flags, subject, requestId, deadlineMs } = reader;
    messages.push({
      type,
      flags,
      subject,
      requestId,
      deadlineMs,
      payload: [...reader.payload()],
      trace: reader.trace(),
    });
  }
  return { messages, reader };
}

describe("a frame", () => {
  test("carries messages of every type in order, with their fields, traces and payloads", () => {
    const { batch, frames } = writer();
    batch.append(MessageType.message, Flag.first, 0xfedcba98, 0, 0, trace, bytes(1, 2));
    batch.append(MessageType.request, 0, 7, 0xffffffff, 5_000, undefined, bytes(3));
    batch.append(MessageType.reply, 0, 0, 9, 0, undefined, EMPTY);
    batch.append(MessageType.membership, 0, 0, 0, 0, undefined, bytes(4));
    batch.seal();
    expect(frames).toHaveLength(1);
    const { messages } = read(frames[0] as Uint8Array);
    expect(messages).toMatchObject([
      {
        type: MessageType.message,
        flags: Flag.first | Flag.trace,
        subject: 0xfedcba98,
        trace,
        payload: [1, 2],
      },
      {
        type: MessageType.request,
        subject: 7,
        requestId: 0xffffffff,
        deadlineMs: 5_000,
        payload: [3],
      },
      { type: MessageType.reply, requestId: 9, payload: [] },
      { type: MessageType.membership, payload: [4] },
    ]);
    expect(messages[1]?.trace).toBeUndefined();
  });

  test("is sealed when it has gathered a batch, and a message larger than a batch has a frame of its own", () => {
    const { batch, frames } = writer(1_000);
    for (let i = 0; i < 20; i += 1)
      batch.append(MessageType.message, 0, i, 0, 0, undefined, new Uint8Array(100));
    batch.append(MessageType.message, 0, 99, 0, 0, undefined, new Uint8Array(50_000));
    batch.seal();
    const subjects = frames.flatMap((frame) => read(frame).messages.map(({ subject }) => subject));
    expect(subjects).toEqual([...Array(20).keys(), 99]);
    expect(Math.max(...frames.slice(0, -1).map(({ length }) => length))).toBeLessThan(1_200);
    expect(batch.frames).toBe(frames.length);
  });

  test("that was sealed is never written again by later messages", () => {
    const { batch, frames } = writer(1_000);
    batch.append(MessageType.message, 0, 1, 0, 0, undefined, bytes(1));
    batch.seal();
    const before = [...(frames[0] as Uint8Array)];
    for (let i = 0; i < 50; i += 1)
      batch.append(MessageType.message, 0, 2, 0, 0, undefined, new Uint8Array(99));
    expect([...(frames[0] as Uint8Array)]).toEqual(before);
  });

  test("skips a message that was taken back", () => {
    const { batch, frames } = writer();
    batch.append(MessageType.request, 0, 1, 1, 0, undefined, bytes(1));
    const taken = { ...batch.last };
    batch.append(MessageType.request, 0, 2, 2, 0, undefined, bytes(2));
    retract(taken);
    batch.seal();
    expect(read(frames[0] as Uint8Array).messages.map(({ requestId }) => requestId)).toEqual([2]);
  });

  test("skips a message that was taken back after its frame had moved to a larger slab", () => {
    const { batch, frames } = writer();
    batch.append(MessageType.message, 0, 1, 0, 0, undefined, bytes(1));
    batch.seal();
    batch.append(MessageType.request, 0, 2, 2, 0, undefined, bytes(2));
    const taken = { ...batch.last };
    batch.append(MessageType.request, 0, 3, 3, 0, undefined, new Uint8Array(20_000).fill(3));
    expect(taken.within.slab.length).toBeGreaterThan(20_000);
    retract(taken);
    batch.seal();
    const [first, second] = frames.map((frame) => read(frame).messages);
    expect(first).toMatchObject([{ type: MessageType.message, subject: 1 }]);
    expect(second).toMatchObject([{ type: MessageType.request, requestId: 3 }]);
  });

  test("takes up the messages of a turn whole, however small the frames before were", () => {
    const { batch, frames } = writer();
    for (const count of [1, 400]) {
      for (let i = 0; i < count; i += 1)
        batch.append(MessageType.message, 0, i, 0, 0, undefined, new Uint8Array(100));
      batch.seal();
    }
    expect(frames.map((frame) => read(frame).messages.length)).toEqual([1, 400]);
  });

  test("of a link that says little lies in a small slab, also after a burst", () => {
    const { batch, frames } = writer();
    const say = (sizeBytes: number) => {
      batch.append(MessageType.message, 0, 1, 0, 0, undefined, new Uint8Array(sizeBytes));
      batch.seal();
    };
    const slabBytes = () => frames.at(-1)?.buffer.byteLength;
    say(50);
    expect(slabBytes()).toBe(2 * 1024);
    say(60_000);
    expect(slabBytes()).toBeGreaterThan(60_000);
    for (let i = 0; i < 40; i += 1) say(50);
    expect(slabBytes()).toBeLessThanOrEqual(8 * 1024);
  });

  test("with a message of an unknown type is read on behind it, and the message is counted", () => {
    const frame = bytes(
      FrameKind.data,
      200,
      0,
      2,
      0,
      0,
      0,
      7,
      7,
      MessageType.reply,
      0,
      4,
      0,
      0,
      0,
      5,
      0,
      0,
      0,
    );
    const { messages, reader } = read(frame);
    expect(messages).toMatchObject([{ type: MessageType.reply, requestId: 5 }]);
    expect(reader.unknown).toBe(1);
  });

  test.each([
    ["nothing", EMPTY],
    ["another version", bytes(9)],
    ["half a header", bytes(FrameKind.data, MessageType.reply, 0, 4)],
    [
      "a length beyond its end",
      bytes(FrameKind.data, MessageType.reply, 0, 5, 0, 0, 0, 1, 2, 3, 4),
    ],
    [
      "a length of 4 GiB",
      bytes(FrameKind.data, MessageType.message, 0, 255, 255, 255, 255, 1, 2, 3, 4),
    ],
    [
      "fields that do not fit the length",
      bytes(FrameKind.data, MessageType.request, 0, 2, 0, 0, 0, 1, 2),
    ],
    [
      "a trace that does not fit",
      bytes(FrameKind.data, MessageType.message, 1, 4, 0, 0, 0, 1, 2, 3, 4),
    ],
  ])("of %s is refused with ERR_FRAME_MALFORMED", (_what, frame) => {
    expect(() => read(frame)).toThrow(expect.objectContaining({ code: "ERR_FRAME_MALFORMED" }));
  });

  test("with a trace of zeros gives the message without a trace", () => {
    const { batch, frames } = writer();
    const zero = { traceId: "0".repeat(32), spanId: "0".repeat(16), flags: 0 };
    batch.append(MessageType.message, 0, 1, 0, 0, zero, bytes(1));
    batch.seal();
    expect(read(frames[0] as Uint8Array).messages[0]).toMatchObject({
      payload: [1],
      trace: undefined,
    });
  });
});

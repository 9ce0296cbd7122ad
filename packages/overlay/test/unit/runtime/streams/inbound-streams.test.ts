import { createCodec, type InboundStream } from "@foundation/core";
import { memoryMeter, virtualClock } from "@foundation/core/testing";
import { describe, expect, test } from "@jest/globals";
import { FLOW } from "../../../../src/limits.js";
import { MessageType, readU48, writeU48 } from "../../../../src/protocol/frame.js";
import { WindowBudget } from "../../../../src/protocol/streams/window-tuner.js";
import { hashOf } from "../../../../src/protocol/subject.js";
import { OverlayMetrics } from "../../../../src/runtime/metrics.js";
import { InboundStreams } from "../../../../src/runtime/streams/inbound-streams.js";
import { FakeStreamLink, readerAt } from "../../../support/stream-link.js";

const KIB = 1024;
const SUBJECT = hashOf("test");
const codec = createCodec();
const NOTHING = codec.encode(undefined);

function streamsOf() {
  const meter = memoryMeter();
  const answers: { id: number; value?: unknown; code?: string }[] = [];
  const streams = new InboundStreams(
    {
      clock: virtualClock(),
      codec,
      metrics: new OverlayMetrics(meter),
      budget: new WindowBudget(FLOW.budgetBytesMax),
      preset: { windowGrowthMax: 16 },
      self: { id: "the receiver" },
    },
    {
      reply: (_, id, value) => void answers.push({ id, value }),
      fail: (_, id, thrown) => void answers.push({ id, code: (thrown as { code: string }).code }),
    },
  );
  const seen: InboundStream[] = [];
  const hanging = (stream: InboundStream) => {
    seen.push(stream);
    return new Promise(() => {});
  };
  const open = (link: FakeStreamLink, id: number) =>
    streams.onOpen(link, readerAt(MessageType.stream, id, NOTHING, SUBJECT));
  const piece = (link: FakeStreamLink, id: number, bytes: number) =>
    streams.onPiece(link, readerAt(MessageType.piece, id, new Uint8Array(bytes)));
  const end = (link: FakeStreamLink, id: number, totalBytes: number) => {
    const payload = new Uint8Array(6);
    writeU48(payload, 0, totalBytes);
    streams.onEnd(link, readerAt(MessageType.end, id, payload));
  };
  return { streams, meter, answers, seen, hanging, open, piece, end };
}

describe("inbound streams", () => {
  test("close the link of a peer that sends more than it was granted, and count that", () => {
    const { streams, hanging, open, piece, meter } = streamsOf();
    streams.handlers.add("test", hanging);
    const link = new FakeStreamLink();
    open(link, 1);
    for (let i = 0; i < 4; i += 1) piece(link, 1, 64 * KIB);
    expect(() => piece(link, 1, 1)).toThrow(/more bytes than were granted/);
    expect(meter.value("overlay_credit_overdrafts_total")).toBe(1);
  });

  test("close the link of a peer that opens one stream twice, or ends one without its length", () => {
    const { streams, hanging, open } = streamsOf();
    streams.handlers.add("test", hanging);
    const link = new FakeStreamLink();
    open(link, 1);
    expect(() => open(link, 1)).toThrow(/opened twice/);
    const reader = readerAt(MessageType.end, 1, new Uint8Array(5));
    expect(() => streams.onEnd(link, reader)).toThrow(/without its length/);
  });

  test("of one peer are at most streamsMax; who has given up counts no more", () => {
    const { streams, hanging, open, answers } = streamsOf();
    streams.handlers.add("test", hanging);
    const link = new FakeStreamLink();
    for (let id = 1; id <= FLOW.streamsMax; id += 1) open(link, id);
    expect(answers).toEqual([]);
    open(link, 5_000);
    expect(answers).toEqual([{ id: 5_000, code: "ERR_QUEUE_FULL" }]);
    expect(streams.onCancel(link.peer, 3, new Uint8Array(0))).toBe(true);
    open(link, 5_001);
    expect(answers).toHaveLength(1);
  });

  test("use up their lane's window once all of them hold too much, until they are read", async () => {
    const { streams, hanging, open, piece, seen } = streamsOf();
    streams.handlers.add("test", hanging);
    const link = new FakeStreamLink();
    const most = FLOW.streamsHeldBytesMax / FLOW.streamWindowBytes;
    for (let id = 1; id <= most + 2; id += 1) {
      open(link, id);
      for (let i = 0; i < 4; i += 1) piece(link, id, 64 * KIB);
    }
    // One piece goes beyond the limit before it is seen.
    expect(link.heldBytes).toBe(2 * FLOW.streamWindowBytes - 64 * KIB);
    expect(streams.heldBytes).toBe(FLOW.streamsHeldBytesMax + 2 * FLOW.streamWindowBytes);
    for (const stream of seen.slice(-2)) {
      const iterator = stream[Symbol.asyncIterator]();
      for (let i = 0; i < 4; i += 1) await iterator.next();
    }
    expect(link.heldBytes).toBe(0);
    streams.close();
    expect(streams.heldBytes).toBe(0);
  });

  test("hold nothing once they are over, however they ended", async () => {
    const { streams, open, piece, end, answers } = streamsOf();
    let finish: () => void = () => {};
    streams.handlers.add("test", () => new Promise<void>((resolve) => (finish = resolve)));
    const link = new FakeStreamLink();
    open(link, 1);
    piece(link, 1, 10 * KIB);
    end(link, 1, 10 * KIB);
    expect(streams.heldBytes).toBe(10 * KIB);
    finish();
    await Promise.resolve();
    await Promise.resolve();
    expect(streams.heldBytes).toBe(0);
    expect(answers).toEqual([{ id: 1, value: undefined }]);
    open(link, 2);
    piece(link, 2, 10 * KIB);
    streams.onCancel(link.peer, 2, new Uint8Array(0));
    expect(streams.heldBytes).toBe(0);
    open(link, 3);
    piece(link, 3, 10 * KIB);
    streams.onLost(link);
    expect(streams.heldBytes).toBe(0);
  });

  test("break when a part was lost on the way: never a silent end", async () => {
    const { streams, open, piece, end } = streamsOf();
    let outcome: unknown;
    streams.handlers.add("test", async (stream) => {
      try {
        for await (const bytes of stream) expect(bytes.length).toBeGreaterThan(0);
      } catch (error) {
        outcome = error;
      }
    });
    const link = new FakeStreamLink();
    open(link, 1);
    piece(link, 1, 10);
    end(link, 1, 11);
    for (let i = 0; i < 10; i += 1) await Promise.resolve();
    expect(outcome).toMatchObject({
      code: "ERR_STREAM_BROKEN",
      details: { reason: "connection-lost" },
    });
  });

  test("are read to their end when all of it is here and the opener gives up, or the link goes", async () => {
    for (const giveUp of ["cancel", "lost"] as const) {
      const { streams, seen, hanging, open, piece, end } = streamsOf();
      streams.handlers.add("test", hanging);
      const link = new FakeStreamLink();
      open(link, 1);
      for (let i = 0; i < 3; i += 1) piece(link, 1, 20 * KIB);
      end(link, 1, 60 * KIB);
      const [stream] = seen as [InboundStream];
      const reader = stream[Symbol.asyncIterator]();
      let readBytes = (await reader.next()).value?.length ?? 0;
      if (giveUp === "cancel") streams.onCancel(link.peer, 1, new Uint8Array(0));
      else streams.onLost(link);
      expect(stream.signal.aborted).toBe(true);
      for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
        readBytes += next.value.length;
      }
      expect([giveUp, readBytes, streams.heldBytes]).toEqual([giveUp, 60 * KIB, 0]);
    }
  });

  test("drop late pieces quietly; on a lane that retains the opener is told", () => {
    const { piece, end, answers, meter } = streamsOf();
    piece(new FakeStreamLink(), 9, 10);
    end(new FakeStreamLink(), 9, 10);
    expect(answers).toEqual([]);
    expect(meter.value('overlay_dropped_total{reason="late-piece"}')).toBe(2);
    piece(new FakeStreamLink(true), 9, 10);
    expect(answers).toEqual([{ id: 9, code: "ERR_STREAM_BROKEN" }]);
  });

  test("tell again what was granted, or that no more is wanted, when their link goes on", async () => {
    const { streams, hanging, open, piece, seen } = streamsOf();
    streams.handlers.add("test", hanging);
    const link = new FakeStreamLink(true);
    open(link, 1);
    open(link, 2);
    for (let i = 0; i < 2; i += 1) piece(link, 1, 64 * KIB);
    const [first, second] = seen.map((stream) => stream[Symbol.asyncIterator]());
    for (let i = 0; i < 2; i += 1) await first?.next();
    await second?.return?.();
    const told = link.controls.splice(0).map(({ id, payload }) => [id, readU48(payload, 0)]);
    expect(told).toEqual([
      [1, 384 * KIB],
      [2, 0],
    ]);
    streams.onResumed(link);
    const again = link.controls.map(({ id, payload }) => [id, readU48(payload, 0)]);
    expect(again).toEqual(told);
  });

  test("of a subject nobody handles, or with metadata that is none, fail at once", () => {
    const { streams, hanging, open, answers } = streamsOf();
    const link = new FakeStreamLink();
    open(link, 1);
    streams.handlers.add("test", hanging);
    streams.onOpen(link, readerAt(MessageType.stream, 2, new Uint8Array([0xc1]), SUBJECT));
    expect(answers).toEqual([
      { id: 1, code: "ERR_UNKNOWN_SUBJECT" },
      { id: 2, code: "ERR_NOT_DECODABLE" },
    ]);
  });
});

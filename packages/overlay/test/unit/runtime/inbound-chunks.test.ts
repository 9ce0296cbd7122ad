import { describe, expect, test } from "@jest/globals";
import {
  createBoot,
  createCodec,
  createNodeId,
  silentLogger,
  type ConnectionEnd,
} from "@foundation/core";
import { memoryMeter, seededRandom, virtualClock } from "@foundation/core/testing";
import { FLOW } from "../../../src/limits.js";
import { BatchWriter } from "../../../src/protocol/batch.js";
import { Assembly } from "../../../src/protocol/flow/chunked-message.js";
import {
  Flag,
  FRAME_HEAD_BYTES,
  FrameReader,
  MESSAGE_HEAD_BYTES,
  MessageType,
  writeU32,
} from "../../../src/protocol/frame.js";
import { Inbound } from "../../../src/runtime/inbound.js";
import type { Link } from "../../../src/runtime/link.js";
import { OverlayMetrics } from "../../../src/runtime/metrics.js";
import { Peer } from "../../../src/runtime/peer.js";
import type { World } from "../../../src/runtime/world.js";

/** One link as what arrives on it knows it. */
function arriving() {
  const random = seededRandom("chunks");
  const inbound = new Inbound({
    clock: virtualClock(),
    codec: createCodec(),
    logger: silentLogger(),
    metrics: new OverlayMetrics(memoryMeter()),
    self: { id: createNodeId(random) },
  } as unknown as World);
  const peer = new Peer(createNodeId(random), createBoot(1, random), "peer", "", 0);
  const ends: ConnectionEnd[] = [];
  const assembly = new Assembly();
  const link = {
    peer,
    channel: "data",
    counters: { messagesIn: 0 },
    inflow: {
      reader: new FrameReader(),
      assembly,
      received: () => true,
      begins: () => {},
      consumed: () => {},
      ends: () => {},
    },
    disconnect: (end: ConnectionEnd) => ends.push(end),
  } as unknown as Link;
  const chunk = (part: Uint8Array, totalBytes: number, flags = 0) => {
    const batch = new BatchWriter(FLOW.chunkBytes, (frame) => inbound.receive(link, frame));
    batch.append(MessageType.chunk, flags, 0, totalBytes, 0, undefined, part);
    batch.seal();
  };
  return { assembly, peer, ends, chunk };
}

describe("parts of a large message", () => {
  test("close the link when they are tiny: each costs memory that nobody counts", () => {
    const { assembly, peer, ends, chunk } = arriving();
    const total = 3 * FLOW.chunkBytesMin;
    chunk(new Uint8Array(FLOW.chunkBytesMin), total, Flag.first);
    expect(ends).toEqual([]);
    const bytes = FRAME_HEAD_BYTES + total;
    expect([assembly.sizeBytes, peer.assemblyBytes]).toEqual([bytes, bytes]);
    chunk(new Uint8Array(FLOW.chunkBytesMin - 1), total);
    expect(ends).toMatchObject([{ reason: "protocol" }]);
    expect(ends[0]?.detail).toContain("a chunk of 1023 bytes");
  });

  test("may be tiny when they are the last", () => {
    const { assembly, peer, ends, chunk } = arriving();
    const total = FLOW.chunkBytesMin + 1;
    const first = new Uint8Array(FLOW.chunkBytesMin);
    // A message that is skipped, of the length of the whole.
    writeU32(first, 2, total - MESSAGE_HEAD_BYTES);
    chunk(first, total, Flag.first);
    chunk(new Uint8Array(1), total);
    expect(ends).toEqual([]);
    expect([assembly.sizeBytes, peer.assemblyBytes]).toEqual([0, 0]);
  });

  test("keep nothing of the frames they came in", () => {
    const frame = new Uint8Array(64).fill(1);
    const assembly = new Assembly();
    assembly.add(frame.subarray(0, 8), 16, true, 16);
    frame.fill(2);
    const whole = assembly.add(new Uint8Array(8).fill(3), 16, false, 16) as Uint8Array;
    expect([...whole.subarray(FRAME_HEAD_BYTES)]).toEqual([
      ...new Uint8Array(8).fill(1),
      ...new Uint8Array(8).fill(3),
    ]);
  });

  test("cost a peer that claims much and sends little no more than 32 times what it sent", () => {
    const assembly = new Assembly();
    const total = FLOW.messageBytesMax;
    for (let sent = FLOW.chunkBytesMin; sent <= 4 * 1_024 * 1_024; sent += FLOW.chunkBytesMin) {
      const part = new Uint8Array(FLOW.chunkBytesMin);
      expect(assembly.add(part, total, sent === FLOW.chunkBytesMin, total)).toBeUndefined();
      if (assembly.sizeBytes > 32 * (sent + 1)) throw new Error(`${assembly.sizeBytes} of ${sent}`);
    }
    assembly.clear();
    expect(assembly.sizeBytes).toBe(0);
  });

  test("are the whole message whatever the sizes they come in", () => {
    const random = seededRandom("sizes");
    for (let run = 0; run < 50; run += 1) {
      const message = Uint8Array.from(
        { length: 1 + Math.floor(random.next() * 200_000) },
        (_, i) => i % 251,
      );
      const assembly = new Assembly();
      let whole: unknown;
      for (let at = 0; at < message.length; ) {
        const part = message.subarray(at, at + 1 + Math.floor(random.next() * 5_000));
        whole = assembly.add(part, message.length, at === 0, message.length);
        at += part.length;
      }
      expect(Buffer.compare((whole as Uint8Array).subarray(FRAME_HEAD_BYTES), message)).toBe(0);
    }
  });
});

import { afterEach, describe, expect, test } from "@jest/globals";
import type { Connection, Transport } from "@foundation/core";
import { memoryMeter } from "@foundation/core/testing";
import type { Overlay } from "../../../../src/index.js";
import {
  Flag,
  FRAME_HEAD_BYTES,
  FrameKind,
  MESSAGE_HEAD_BYTES,
  MessageType,
  readU32,
} from "../../../../src/protocol/frame.js";
import { VirtualOverlays, outcomeOf } from "../../../support/virtual-overlays.js";

let world: VirtualOverlays;
const channels = [{ name: "texts", compression: true }];
const words = (count: number) => "some words that repeat themselves ".repeat(count);

afterEach(() => world.close());

/** A transport that changes what is sent. */
function changing(transport: Transport, change: (frame: Uint8Array) => void): Transport {
  const wrap = (connection: Connection): Connection =>
    new Proxy(connection, {
      get(target, key) {
        if (key === "send") {
          return (frame: Uint8Array) => {
            const copy = frame.slice();
            change(copy);
            target.send(copy);
          };
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  return {
    frameBytesMax: transport.frameBytesMax,
    listen: (address, accept) =>
      transport.listen(address, (connection) => accept(wrap(connection))),
    dial: async (...given) => wrap(await transport.dial(...given)),
  };
}

/** Says of every compressed message of a frame that it was one byte longer. */
function lie(frame: Uint8Array): void {
  if (frame[0] !== FrameKind.data) return;
  for (let at = FRAME_HEAD_BYTES; at < frame.length; ) {
    const isCompressed = ((frame[at + 1] as number) & Flag.compressed) !== 0;
    const fieldsAt = at + MESSAGE_HEAD_BYTES;
    if (isCompressed && frame[at] === MessageType.message) {
      frame[fieldsAt + 4] = ((frame[fieldsAt + 4] as number) + 1) & 0xff;
    }
    at = fieldsAt + readU32(frame, at + 2);
  }
}

const bytesOf = (node: Overlay) =>
  node
    .links()
    .reduce((sum, { channel, bytesOut }) => sum + (channel === "texts" ? bytesOut : 0), 0);

describe("a compressed channel", () => {
  test("carries messages, requests, answers, large messages and streams in fewer bytes", async () => {
    world = new VirtualOverlays();
    const [a, b] = (await world.form(2, { channels })) as [Overlay, Overlay];
    const received: unknown[] = [];
    b.messenger.handle("echo", ({ payload }) => {
      received.push(payload);
      return payload;
    });
    b.messenger.handleStream("upload", async (stream) => {
      let bytes = 0;
      for await (const piece of stream) bytes += piece.length;
      return bytes;
    });
    const route = { to: b.self.id, channel: "texts", subject: "echo" };
    const values = ["short", words(100), { text: words(20_000) }];
    a.messenger.trySend(route, values[1]);
    const answers = values.map((value) => outcomeOf(a.messenger.request(route, value)));
    const file = new TextEncoder().encode(words(30_000));
    const stream = a.messenger.stream({ ...route, subject: "upload" }, [file]);
    const streamed = outcomeOf(stream);
    await world.clock.advance(5_000);
    expect(answers).toEqual(values.map((value) => ({ value })));
    expect(received).toEqual([values[1], ...values]);
    expect(streamed).toEqual({ value: file.length });
    expect(bytesOf(a)).toBeGreaterThan(1_000);
    expect(bytesOf(a)).toBeLessThan(file.length / 20);
    expect(bytesOf(b)).toBeLessThan(file.length / 20);
  });

  test("compresses a broadcast for all members alike, and a monotonic value", async () => {
    world = new VirtualOverlays();
    const options = { channels: [...channels, { name: "telemetry", compression: true }] };
    const nodes = await world.form(4, options);
    const received: string[] = [];
    for (const node of nodes) {
      const note = ({ payload }: { payload: unknown }) => void received.push(String(payload));
      node.broadcast.handle("news", note);
      node.messenger.handle("load", note);
    }
    const [a, b] = nodes as [Overlay, Overlay];
    a.broadcast.publish("news", words(500), { channel: "texts" });
    a.broadcast.publish("news", words(400), { channel: "telemetry" });
    a.broadcast.publish("news", words(300), { channel: "telemetry" });
    a.messenger.trySend({ to: b.self.id, channel: "telemetry", subject: "load" }, words(200));
    await world.clock.advance(1_000);
    const lengths = received.map((text) => text.length / words(1).length);
    expect(lengths.toSorted((x, y) => x - y)).toEqual([200, 300, 300, 300, 500, 500, 500]);
    expect(bytesOf(a)).toBeLessThan(3 * 1_000);
  });

  test("a message that lies about its length is dropped and counted, and the link goes on", async () => {
    world = new VirtualOverlays();
    const meter = memoryMeter();
    const transport = changing(world.network.transport("a"), lie);
    const a = await world.start("a", { channels, runtime: { transport } });
    const b = await world.start("b", { peers: [a.address], runtime: { meter } });
    await world.clock.advance(1_000);
    const received: unknown[] = [];
    b.messenger.handle("n", ({ payload }) => void received.push(payload));
    const route = { to: b.self.id, channel: "texts", subject: "n" };
    for (const value of [1, words(100), 2, words(200), 3]) a.messenger.trySend(route, value);
    await world.clock.advance(1_000);
    expect(received).toEqual([1, 2, 3]);
    expect(meter.value('overlay_dropped_total{reason="not-decodable"}')).toBe(2);
    const link = a.links().find(({ channel }) => channel === "texts");
    expect(link).toMatchObject({ up: true, reconnects: 0 });
  });
});

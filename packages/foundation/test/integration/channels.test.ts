/** Channels over real sockets: the call sites that a user types. */
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { describe, expect, test } from "@jest/globals";
import type { ByteSource } from "../../src/index.js";
import { eventually, startNodes } from "./real-nodes.js";

const MIB = 1024 * 1024;

describe("a channel over real sockets", () => {
  test("sends bytes, asks and streams", async () => {
    const [a, b] = await startNodes(2);
    const [node] = a!.nodes({}).filter(({ id }) => id === b!.self.id);
    const received: unknown[] = [];
    b!.channel("bulk").handle(({ payload, kind }) => {
      if (kind === "message") received.push(payload);
      return { got: payload };
    });
    b!.channel("bulk").handleStream(async (stream) => {
      let sizeBytes = 0;
      for await (const piece of stream) sizeBytes += piece.length;
      return sizeBytes;
    });

    const bulk = a!.channel("bulk", { parallelism: 4 });
    const bytes = randomBytes(3 * MIB);
    await bulk.send(node!, bytes);
    expect(await bulk.request(node!, { hello: 1 }, { timeout: "2s" })).toEqual({
      got: { hello: 1 },
    });
    const readable = Readable.from(Array.from({ length: 100 }, () => randomBytes(100_000)));
    expect(await bulk.stream(node!, readable)).toBe(10_000_000);
    await eventually(() => received.length === 1);
    expect(Buffer.compare(received[0] as Uint8Array, bytes)).toBe(0);
  });

  test("a web stream arrives in a web stream, and an echo comes back while it is sent", async () => {
    const [a, b] = await startNodes(2);
    const back = a!.channel("back");
    let echoed = 0;
    back.handleStream(async (stream) => {
      for await (const piece of stream) echoed += piece.length;
    });
    b!
      .channel("there")
      .handleStream((stream) =>
        b!.channel("back").stream(stream.from, ReadableStream.from(stream) as ByteSource),
      );
    let left = 200;
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        left -= 1;
        if (left < 0) controller.close();
        else controller.enqueue(new Uint8Array(50_000));
      },
    });
    await a!.channel("there").stream(b!.self, source as ByteSource);
    expect(echoed).toBe(10_000_000);
  });

  test("a handler that reads slowly slows the source down, and messages pass", async () => {
    const [a, b] = await startNodes(2);
    let readOn = () => {};
    const held = new Promise<void>((resolve) => {
      readOn = resolve;
    });
    b!.channel("bulk").handleStream(async (stream) => {
      let sizeBytes = 0;
      for await (const piece of stream) {
        sizeBytes += piece.length;
        await held;
      }
      return sizeBytes;
    });
    b!.channel("bulk").handle(({ payload }) => payload);
    let produced = 0;
    async function* source() {
      for (let i = 0; i < 400; i += 1) {
        produced += 64 * 1024;
        yield new Uint8Array(64 * 1024);
      }
    }
    const sent = a!.channel("bulk").stream(b!.self, source());
    let before = -1;
    await eventually(() => {
      const stands = produced > 0 && produced === before;
      before = produced;
      return stands;
    });
    // A window of the stream and one piece; far from the 25 MiB that there are.
    expect(produced).toBeLessThan(2 * MIB);
    expect(await a!.channel("bulk").request(b!.self, "hi", { timeout: "2s" })).toBe("hi");
    readOn();
    expect(await sent).toBe(400 * 64 * 1024);
  });

  test("while a peer takes nothing of one channel, another one answers at once", async () => {
    const [a, b] = await startNodes(2);
    b!.channel("stuck").handle(() => new Promise(() => {}));
    b!.channel("quick").handle(({ payload }) => payload);
    const stuck = a!.channel("stuck");
    const bytes = new Uint8Array(64 * 1024);
    while (stuck.trySend(b!.self, bytes) === "accepted") {
      await new Promise((resume) => setImmediate(resume));
    }
    const quick = a!.channel<number, number>("quick");
    const startedMs = performance.now();
    for (let i = 0; i < 20; i += 1) expect(await quick.request(b!.self, i)).toBe(i);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    const waiting = stuck.send(b!.self, bytes, { timeout: "100ms" });
    await expect(waiting).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
  });
});

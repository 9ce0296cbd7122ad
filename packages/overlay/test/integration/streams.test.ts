/** Byte streams over real sockets: Node's and the web's streams at both ends, and memory that stays flat. */
import { once } from "node:events";
import { PassThrough, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ReadableStream as NodeWebStream } from "node:stream/web";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { InboundStream } from "@foundation/core";
import { until } from "@foundation/testkit";
import type { Overlay } from "../../src/index.js";
import { OverlayCluster } from "../support/overlay-cluster.js";

const MIB = 1024 * 1024;
const SIZE_BYTES = 100 * MIB;
const RSS_GROWTH_BYTES_MAX = 32 * MIB;

let cluster: OverlayCluster;
let a: Overlay;
let b: Overlay;

const to = (node: Overlay) => ({ to: node.self.id, channel: "data", subject: "test" });

beforeEach(async () => {
  cluster = await OverlayCluster.of(2);
  [a, b] = cluster.nodes as [Overlay, Overlay];
});
afterEach(() => cluster.close());

/** So many bytes in pieces, one piece of memory used for all. */
function* pieces(sizeBytes: number, pieceBytes = 64 * 1024) {
  const piece = new Uint8Array(pieceBytes).fill(7);
  for (let left = sizeBytes; left > 0; left -= pieceBytes)
    yield left >= pieceBytes ? piece : piece.subarray(0, left);
}

/** The largest growth of resident memory while the work goes on. */
async function growthOf(work: () => Promise<unknown>): Promise<number> {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return most - before;
}

async function countBytes(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const piece of stream) sizeBytes += piece.length;
  return sizeBytes;
}

/** What the next stream's handler is given. */
function nextStream(node: Overlay, handle: (stream: InboundStream) => unknown) {
  return node.messenger.handleStream("test", handle);
}

describe("100 MB over real sockets in flat memory", () => {
  const receivers: Readonly<Record<string, (stream: InboundStream) => Promise<number>>> = {
    "a loop": countBytes,
    "a Node Readable": (stream) => countBytes(Readable.from(stream)),
    "a web ReadableStream": (stream) =>
      countBytes(NodeWebStream.from(stream) as AsyncIterable<Uint8Array>),
    "a pipeline into a Writable": async (stream) => {
      let sizeBytes = 0;
      const sink = new Writable({
        write: (piece: Buffer, _, done) => {
          sizeBytes += piece.length;
          setImmediate(done);
        },
      });
      await pipeline(stream, sink);
      return sizeBytes;
    },
  };
  const sources = {
    "an iterable": () => pieces(SIZE_BYTES),
    "a Node Readable": () => Readable.from(pieces(SIZE_BYTES), { objectMode: false }),
    "a web ReadableStream": () => {
      const generator = pieces(SIZE_BYTES);
      return new ReadableStream<Uint8Array>({
        pull: (controller) => {
          const { done, value } = generator.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      });
    },
  };
  const ways = [
    ["an iterable", "a loop"],
    ["a Node Readable", "a Node Readable"],
    ["a web ReadableStream", "a web ReadableStream"],
    ["an iterable", "a pipeline into a Writable"],
  ] as const;

  test.each(ways)("from %s into %s", async (from, into) => {
    nextStream(b, (stream) => receivers[into]?.(stream));
    // Once without looking: code is compiled, pools and the heap find their size.
    await a.messenger.stream(to(b), sources[from]());
    const work = async () => {
      expect(await a.messenger.stream(to(b), sources[from]())).toBe(SIZE_BYTES);
    };
    // Garbage of the process comes and goes; what streams kept would show each time.
    const growths: number[] = [];
    while (growths.length < 3 && !growths.some((growth) => growth < RSS_GROWTH_BYTES_MAX))
      growths.push(await growthOf(work));
    expect(Math.min(...growths)).toBeLessThan(RSS_GROWTH_BYTES_MAX);
  });
});

describe("an end of either side reaches the other", () => {
  test("a Node Readable that is destroyed breaks the stream of the consumer", async () => {
    const seen: { error?: { code: string; details: { reason: string } } } = {};
    nextStream(b, async (stream) => {
      await countBytes(Readable.from(stream)).catch((error: NonNullable<typeof seen.error>) => {
        seen.error = error;
      });
    });
    const source = new PassThrough();
    source.write(Buffer.alloc(100_000));
    const sending = a.messenger.stream(to(b), source).catch((error: Error) => error);
    await until(cluster.time, "it was read", () => source.readableLength === 0);
    source.destroy(new Error("the upload was cut off"));
    expect(await sending).toMatchObject({ message: "the upload was cut off" });
    await until(cluster.time, "the consumer sees it", () => seen.error !== undefined);
    expect(seen.error).toMatchObject({
      code: "ERR_STREAM_BROKEN",
      details: { reason: "source-failed" },
    });
  });

  test("a Readable that the consumer destroys destroys the Readable of the sender", async () => {
    nextStream(b, async (stream) => {
      const readable = Readable.from(stream);
      await once(readable, "data");
      readable.destroy();
      await once(readable, "close");
      return "enough";
    });
    const source = Readable.from(pieces(SIZE_BYTES), { objectMode: false });
    expect(await a.messenger.stream(to(b), source)).toBe("enough");
    expect(source.destroyed).toBe(true);
  });

  test("a web stream that the consumer cancels cancels the web stream of the sender", async () => {
    nextStream(b, async (stream) => {
      const reader = NodeWebStream.from(stream).getReader();
      await reader.read();
      await reader.cancel("seen enough");
      return "enough";
    });
    let cancelled = false;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
      cancel: () => {
        cancelled = true;
      },
    });
    expect(await a.messenger.stream(to(b), source)).toBe("enough");
    await until(cluster.time, "the source was cancelled", () => cancelled);
  });

  test("a pipeline that fails at the consumer fails the sender, and ends its source", async () => {
    nextStream(b, async (stream) => {
      const full = new Writable({ write: (_, __, done) => done(new Error("the disk is full")) });
      await pipeline(stream, full);
    });
    const source = Readable.from(pieces(SIZE_BYTES), { objectMode: false });
    const sending = a.messenger.stream(to(b), source);
    await expect(sending).rejects.toMatchObject({
      code: "ERR_HANDLER_FAILED",
      details: { thrown: "Error: the disk is full" },
    });
    expect(source.destroyed).toBe(true);
  });

  test("the sender's AbortSignal destroys its Readable and the pipeline of the consumer", async () => {
    const seen: { bytes: number; code?: string } = { bytes: 0 };
    nextStream(b, async (stream) => {
      const slow = new Writable({
        write: (piece: Buffer, _, done) => {
          seen.bytes += piece.length;
          setTimeout(done, 1);
        },
      });
      await pipeline(stream, slow).catch(({ code }: { code: string }) => (seen.code = code));
    });
    const source = Readable.from(pieces(SIZE_BYTES), { objectMode: false });
    const abort = new AbortController();
    const sending = a.messenger.stream(to(b), source, { signal: abort.signal });
    const failing = sending.catch(({ code }: { code: string }) => code);
    await until(cluster.time, "bytes arrive", () => seen.bytes > 0);
    abort.abort();
    expect(await failing).toBe("ERR_OUTCOME_UNKNOWN");
    expect(source.destroyed).toBe(true);
    await until(cluster.time, "the pipeline has ended", () => seen.code !== undefined);
    expect(seen.code).toBe("ERR_STREAM_BROKEN");
  });
});

describe("a slow pipeline", () => {
  test("stops the sender's Readable until it is read on", async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    nextStream(b, async (stream) => {
      const slow = new Writable({
        highWaterMark: 16 * 1024,
        write: (_, __, done) => void gate.then(() => done()),
      });
      await pipeline(stream, slow);
      return "written";
    });
    let readBytes = 0;
    function* counted() {
      for (const piece of pieces(20 * MIB)) {
        readBytes += piece.length;
        yield piece;
      }
    }
    const source = Readable.from(counted(), { objectMode: false });
    const sending = a.messenger.stream(to(b), source);
    await cluster.time.pass(300);
    const before = readBytes;
    await cluster.time.pass(200);
    expect(readBytes).toBe(before);
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(MIB);
    open();
    expect(await sending).toBe("written");
    expect(readBytes).toBe(20 * MIB);
  });
});

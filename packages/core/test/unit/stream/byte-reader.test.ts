import { Readable } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { byteReader, type ByteReader } from "../../../src/stream/byte-reader.js";
import type { ByteSource } from "../../../src/index.js";

const bytes = (...values: number[]) => new Uint8Array(values);

async function readAll(reader: ByteReader): Promise<number[]> {
  const all: number[] = [];
  for (let piece = await reader.read(); piece; piece = await reader.read()) all.push(...piece);
  return all;
}

async function* generated(onEnd: () => void = () => {}) {
  try {
    yield bytes(1, 2);
    yield bytes();
    yield bytes(3);
  } finally {
    onEnd();
  }
}

function web(onCancel: (reason: unknown) => void = () => {}): ReadableStream<Uint8Array> {
  const pieces = [bytes(1, 2), bytes(), bytes(3)];
  return new ReadableStream({
    pull: (controller) => {
      const piece = pieces.shift();
      if (piece) controller.enqueue(piece);
      else controller.close();
    },
    cancel: onCancel,
  });
}

describe("a byte reader", () => {
  const sources: Readonly<Record<string, () => ByteSource>> = {
    "an array": () => [bytes(1, 2), bytes(), bytes(3)],
    "an async generator": () => generated(),
    "a Node stream": () => Readable.from([bytes(1, 2), bytes(3)], { objectMode: false }),
    "a web stream": () => web(),
  };

  test.each(Object.entries(sources))(
    "reads %s to its end, and then the end again",
    async (_, of) => {
      const reader = byteReader(of());
      expect(await readAll(reader)).toEqual([1, 2, 3]);
      expect(await reader.read()).toBeUndefined();
    },
  );

  test("hears a file fail before anybody reads, and tells it to the first read", async () => {
    const source = new Readable({
      construct: (done) => done(new Error("no such file")),
      read: () => {},
    });
    const reader = byteReader(source);
    await new Promise((resolve) => source.once("close", resolve)); // an error unheard ends the test here
    expect(source.listenerCount("error")).toBe(1);
    await expect(reader.read()).rejects.toThrow("no such file");
  });

  test("says what a piece is that is not bytes, and what to do", async () => {
    const read = (piece: unknown) => byteReader([piece] as never).read();
    await expect(read("text")).rejects.toThrow(
      "source must be a source of Uint8Arrays only (set no encoding, or encode it); found a piece that is a string",
    );
    await expect(read(new Uint16Array(1))).rejects.toThrow("found a piece that is a Uint16Array");
    expect(() => byteReader(undefined as never)).toThrow("found undefined");
  });

  test("that is cancelled runs a generator's finally, once", async () => {
    let ends = 0;
    const reader = byteReader(generated(() => (ends += 1)));
    await reader.read();
    reader.cancel();
    reader.cancel();
    expect(await reader.read()).toBeUndefined();
    await Promise.resolve();
    expect(ends).toBe(1);
  });

  test("that is cancelled destroys a Node stream that waits for data, with the reason", async () => {
    const stream = new Readable({ read: () => {} });
    const reader = byteReader(stream);
    const reading = reader.read().catch((error: Error) => error);
    reader.cancel(new Error("no more is wanted"));
    expect(await reading).toMatchObject({ message: "no more is wanted" });
    expect(stream.destroyed).toBe(true);
  });

  test("that is cancelled cancels a web stream that waits for data, with the reason", async () => {
    let reason: unknown;
    const stream = new ReadableStream<Uint8Array>({ cancel: (why) => void (reason = why) });
    const reader = byteReader(stream);
    const reading = reader.read();
    reader.cancel("enough");
    expect(await reading).toBeUndefined();
    expect(reason).toBe("enough");
  });

  test("that has read everything ends nothing when it is cancelled", async () => {
    let cancelled = false;
    const reader = byteReader(web(() => (cancelled = true)));
    await readAll(reader);
    reader.cancel();
    expect(cancelled).toBe(false);
  });

  test("passes on what the source throws, also when a Node stream is destroyed before its end", async () => {
    async function* failing() {
      yield bytes(1);
      throw new Error("the disk is gone");
    }
    const reader = byteReader(failing());
    await reader.read();
    await expect(reader.read()).rejects.toThrow("the disk is gone");
    const stream = new Readable({ read: () => {} });
    const reading = byteReader(stream).read();
    stream.destroy();
    await expect(reading).rejects.toMatchObject({ code: "ERR_STREAM_PREMATURE_CLOSE" });
  });

  test("survives a source whose return throws", async () => {
    const source: Iterable<Uint8Array> = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: bytes(1) }),
        return: () => {
          throw new Error("a bad source");
        },
      }),
    };
    const reader = byteReader(source);
    expect(() => reader.cancel()).not.toThrow();
    expect(await reader.read()).toBeUndefined();
  });

  test("refuses what gives no bytes, and says what it found", async () => {
    const wrong: Readonly<Record<string, unknown>> = {
      "a string": "text",
      "bytes themselves: wrap them": bytes(1),
      "a number": 7,
      null: null,
      "a Date": new Date(0),
    };
    for (const [found, source] of Object.entries(wrong)) {
      expect(() => byteReader(source as ByteSource)).toThrow(`found ${found}`);
    }
    const strings = byteReader(["text"] as unknown as ByteSource);
    await expect(strings.read()).rejects.toThrow("set no encoding");
    const locked = web();
    locked.getReader();
    expect(() => byteReader(locked)).toThrow("locked");
  });
});

import { describe, expect, test } from "@jest/globals";
import { Duplex, PassThrough } from "node:stream";
import { FrameWriter } from "../../../src/websocket/frame-writer.js";

/** RFC 6455 §5.2: FIN and opcode 2, then the length as it must be written: as short as it can be. */
const heads: readonly (readonly [length: number, head: readonly number[]])[] = [
  [1, [0x82, 1]],
  [125, [0x82, 125]],
  [126, [0x82, 126, 0, 126]],
  [3_072, [0x82, 126, 0x0c, 0x00]],
  [3_073, [0x82, 126, 0x0c, 0x01]],
  [65_535, [0x82, 126, 0xff, 0xff]],
  [65_536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  [70_000, [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]],
];

function written(frames: readonly Uint8Array[], isMasked: boolean): Buffer {
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 });
  const writer = new FrameWriter(stream, isMasked);
  for (const frame of frames) writer.write(frame, () => {});
  return (stream.read() as Buffer | null) ?? Buffer.alloc(0);
}

describe("a frame writer", () => {
  test.each(heads)("puts the header of the RFC before %i bytes", (length, head) => {
    const frame = new Uint8Array(length).map((_, i) => i);
    expect(written([frame], false)).toEqual(Buffer.concat([Uint8Array.from(head), frame]));
  });

  test.each(heads)(
    "says of %i bytes that the mask is zero where it has dialled",
    (length, head) => {
      const frame = new Uint8Array(length).map((_, i) => i);
      const [first = 0, second = 0, ...rest] = head;
      const masked = Uint8Array.from([first, second | 0x80, ...rest, 0, 0, 0, 0]);
      expect(written([frame], true)).toEqual(Buffer.concat([masked, frame]));
    },
  );

  test("takes a frame as it is when it is given, and keeps the order of short and long ones", () => {
    const short = Uint8Array.of(1, 2, 3);
    const long = new Uint8Array(5_000).fill(7);
    const bytes = written([short, long, short], false);
    const head = Uint8Array.of(0x82, 126, 5_000 >> 8, 5_000 & 0xff);
    const one = Buffer.from([0x82, 3, 1, 2, 3]);
    expect(bytes).toEqual(Buffer.concat([one, head, long, one]));
  });

  test("tells when each frame is written, also where its stream ends before", async () => {
    const stream = new PassThrough();
    const told: number[] = [];
    const writer = new FrameWriter(stream, false);
    for (const [i, length] of [10, 5_000].entries()) {
      writer.write(new Uint8Array(length), () => told.push(i));
    }
    stream.resume();
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([0, 1]);
    stream.on("error", () => {});
    stream.destroy();
    writer.write(new Uint8Array(10), () => told.push(2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([0, 1, 2]);
  });

  test("tells of small frames in order, whether a stream takes them at once or later", () => {
    const takes: (() => void)[] = [];
    let isSlow = false;
    const stream = new Duplex({
      write(_chunk, _encoding, taken: () => void) {
        if (isSlow) takes.push(taken);
        else taken();
      },
    });
    const writer = new FrameWriter(stream, false);
    const told: string[] = [];
    const write = (name: string) => writer.write(Uint8Array.of(1), () => told.push(name));
    write("at once");
    expect(told).toEqual(["at once"]);
    isSlow = true;
    for (const name of ["first", "second", "third"]) write(name);
    expect(told).toEqual(["at once"]);
    while (takes.length > 0) takes.shift()?.();
    expect(told).toEqual(["at once", "first", "second", "third"]);
    isSlow = false;
    write("later");
    write("at once again");
    expect(told).toContain("at once again");
  });
});

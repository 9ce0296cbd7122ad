import { describe, expect, test } from "@jest/globals";
import { OutboundStream, STOP } from "../../../../src/protocol/streams/outbound-stream.js";

describe("an outbound stream", () => {
  test("sends pieces within the credit and not above the largest piece", () => {
    const stream = new OutboundStream(100, 64);
    expect(stream.pieceBytes(1_000)).toBe(64);
    stream.sent(64);
    expect(stream.pieceBytes(1_000)).toBe(36);
    expect(stream.pieceBytes(10)).toBe(10);
    stream.sent(36);
    expect(stream.pieceBytes(1_000)).toBe(0);
    expect(() => stream.sent(1)).toThrow(/within the credit/);
  });

  test("goes on with more credit, and ignores credit that is older", () => {
    const stream = new OutboundStream(100, 64);
    stream.sent(100);
    expect(stream.granted(180)).toBe("more");
    expect(stream.creditBytes).toBe(80);
    expect(stream.granted(150)).toBe("nothing");
    expect(stream.creditBytes).toBe(80);
  });

  test("sends nothing more once no more is wanted", () => {
    const stream = new OutboundStream(100, 64);
    expect(stream.granted(STOP)).toBe("stop");
    expect(stream.isOpen).toBe(false);
    expect(stream.pieceBytes(10)).toBe(0);
    expect(stream.granted(500)).toBe("nothing");
    expect(stream.pieceBytes(10)).toBe(0);
  });

  test("tells how much it has sent when it ends, and ends once", () => {
    const stream = new OutboundStream(100, 64);
    stream.sent(42);
    expect(stream.end()).toBe(42);
    expect(stream.pieceBytes(10)).toBe(0);
    expect(stream.granted(STOP)).toBe("nothing");
    expect(() => stream.end()).toThrow(/ends once/);
  });

  test("sends nothing after it was closed", () => {
    const stream = new OutboundStream(100, 64);
    stream.close();
    expect(stream.granted(500)).toBe("nothing");
    expect(stream.pieceBytes(10)).toBe(0);
  });
});

import { describe, expect, test } from "@jest/globals";
import { FrameSplitter } from "../../../src/websocket/frame-splitter.js";

const limits = { isMasked: false, frameBytesMax: 1_000, chunksMax: 3 };

/** A splitter with what it has cut. */
function splitting(options: Partial<typeof limits> = {}) {
  const frames: string[] = [];
  const splitter = new FrameSplitter({ ...limits, ...options }, (frame) => {
    frames.push(Buffer.from(frame).toString("latin1"));
  });
  return { splitter, frames };
}

const text = (value: string) => [...Buffer.from(value, "latin1")];
const restOf = (splitter: FrameSplitter) => Buffer.concat(splitter.rest()).toString("latin1");

describe("a frame splitter", () => {
  test("cuts whole frames out of one chunk, an empty one too", () => {
    const { splitter, frames } = splitting();
    expect(
      splitter.read(Buffer.from([0x82, 2, ...text("ab"), 0x82, 0, 0x82, 1, ...text("c")])),
    ).toBe(true);
    expect(frames).toEqual(["ab", "", "c"]);
  });

  test("waits for the rest of a frame, and for the rest of a header", () => {
    const { splitter, frames } = splitting({ isMasked: true });
    for (const chunk of [[0x82], [0x82, 0, 0], [0, 0, 97], [98, 0x82, 0x80]]) {
      expect(splitter.read(Buffer.from(chunk))).toBe(true);
    }
    expect(frames).toEqual(["ab"]);
    expect(splitter.read(Buffer.from([0, 0, 0, 0]))).toBe(true);
    expect(frames).toEqual(["ab", ""]);
  });

  test.each([
    ["a ping", [0x89, 0]],
    ["a close", [0x88, 0]],
    ["a text", [0x81, 1, 97]],
    ["a part of a message", [0x02, 1, 97]],
    ["reserved bits", [0xc2, 1, 97]],
    ["a mask where there is none", [0x82, 0x81, 0, 0, 0, 0, 97]],
    ["more than is allowed", [0x82, 126, 0x03, 0xe9]],
    ["far more than is allowed", [0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]],
  ])("leaves %s and what follows to ws, from where its frame begins", (_, bytes) => {
    const { splitter, frames } = splitting();
    const behind = [0x82, 1, ...text("z")];
    expect(splitter.read(Buffer.from([0x82, 1, ...text("a"), ...bytes, ...behind]))).toBe(false);
    expect(frames).toEqual(["a"]);
    expect(restOf(splitter)).toBe(Buffer.from([...bytes, ...behind]).toString("latin1"));
    expect(restOf(splitter)).toBe("");
  });

  test("leaves a frame with a mask of its own to ws, and one without where there must be one", () => {
    for (const bytes of [
      [0x82, 0x81, 0, 0, 1, 0, 97],
      [0x82, 1, 97],
    ]) {
      const { splitter, frames } = splitting({ isMasked: true });
      expect(splitter.read(Buffer.from(bytes))).toBe(false);
      expect(frames).toEqual([]);
      expect(splitter.rest()).toEqual([Buffer.from(bytes)]);
    }
  });

  test("keeps no more pieces of a frame than it may: then it is for ws to judge, from its beginning", () => {
    const { splitter, frames } = splitting();
    expect(splitter.read(Buffer.from([0x82, 9]))).toBe(true);
    expect(splitter.read(Buffer.from(text("a")))).toBe(true);
    expect(splitter.read(Buffer.from(text("b")))).toBe(false);
    expect(frames).toEqual([]);
    expect(restOf(splitter)).toBe(Buffer.from([0x82, 9, ...text("ab")]).toString("latin1"));
  });
});

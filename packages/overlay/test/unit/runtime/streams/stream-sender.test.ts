import { byteReader, type ByteSource } from "@foundation/core";
import { describe, expect, test } from "@jest/globals";
import { FLOW } from "../../../../src/limits.js";
import { MessageType, readU48 } from "../../../../src/protocol/frame.js";
import { STOP } from "../../../../src/protocol/streams/outbound-stream.js";
import { StreamSender } from "../../../../src/runtime/streams/stream-sender.js";
import { FakeStreamLink } from "../../../support/stream-link.js";

const KIB = 1024;

function senderOf(source: ByteSource) {
  const link = new FakeStreamLink();
  const failures: unknown[] = [];
  const sender = new StreamSender(link, byteReader(source), FLOW.chunkBytes, (thrown) =>
    failures.push(thrown),
  );
  return { link, failures, sender };
}

/** Lets the reads of the source settle. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
}

/** Pulls until nothing more is posted; answers the sizes of the pieces. */
async function drain(link: FakeStreamLink): Promise<number[]> {
  const before = link.posted.length;
  for (let idle = 0; idle < 3; ) {
    await settle();
    idle = link.pull() > 0 ? 0 : idle + 1;
  }
  return link.posted.slice(before).map(({ payload }) => payload.length);
}

function counted(pieceBytes: number) {
  const state = { read: 0, ended: false };
  function* generate() {
    try {
      for (;;) {
        state.read += 1;
        yield new Uint8Array(pieceBytes);
      }
    } finally {
      state.ended = true;
    }
  }
  return { state, pieces: generate() };
}

describe("a stream sender", () => {
  test("reads nothing of its source before the opening was posted", async () => {
    const { state, pieces } = counted(100);
    const { link, sender } = senderOf(pieces);
    await drain(link);
    expect(state.read).toBe(0);
    sender.begin(7);
    await drain(link);
    expect(state.read).toBeGreaterThan(0);
    expect(link.posted.every(({ id, type }) => id === 7 && type === MessageType.piece)).toBe(true);
  });

  test("posts one piece each time it is asked, so that others come between", async () => {
    const { link, sender } = senderOf([new Uint8Array(200 * KIB)]);
    sender.begin(1);
    link.pull();
    await settle();
    expect(link.pull(1)).toBe(1);
    expect(link.posted).toHaveLength(1);
    expect(link.pull(1)).toBe(1);
    expect(link.posted).toHaveLength(2);
    expect(link.posted.every(({ payload }) => payload.length === FLOW.chunkBytes)).toBe(true);
  });

  test("puts small pieces of one turn together", async () => {
    const { link, sender } = senderOf(Array.from({ length: 20 }, () => new Uint8Array(10)));
    sender.begin(1);
    const sizes = await drain(link);
    expect(sizes).toEqual([200, 6]);
  });

  test("stops reading at the window, and goes on with more credit", async () => {
    const { state, pieces } = counted(16 * KIB);
    const { link, sender } = senderOf(pieces);
    sender.begin(1);
    const sum = (sizes: number[]) => sizes.reduce((all, size) => all + size, 0);
    expect(sum(await drain(link))).toBe(FLOW.streamWindowBytes);
    expect(state.read).toBe(FLOW.streamWindowBytes / (16 * KIB));
    expect(await drain(link)).toEqual([]);
    sender.granted(FLOW.streamWindowBytes + 40 * KIB);
    expect(sum(await drain(link))).toBe(40 * KIB);
    expect(state.read * 16 * KIB - FLOW.streamWindowBytes).toBe(48 * KIB);
  });

  test("says at its end how many bytes there were, once", async () => {
    const { link, sender } = senderOf([new Uint8Array(70_000), new Uint8Array(1)]);
    sender.begin(1);
    await drain(link);
    const ends = link.posted.filter(({ type }) => type === MessageType.end);
    expect(ends.map(({ payload }) => readU48(payload, 0))).toEqual([70_001]);
    expect(link.posted.at(-1)?.type).toBe(MessageType.end);
  });

  test("ends its source and leaves the link when no more is wanted, and posts no end", async () => {
    const { state, pieces } = counted(10 * KIB);
    const { link, sender } = senderOf(pieces);
    sender.begin(1);
    link.pull();
    await settle();
    sender.granted(STOP);
    await drain(link);
    expect(state.ended).toBe(true);
    expect(link.sources).toBe(0);
    expect(link.posted).toEqual([]);
  });

  test("posts nothing after it was closed, also not what a late read gives", async () => {
    let give: (piece: Uint8Array) => void = () => {};
    const late = new Promise<Uint8Array>((resolve) => (give = resolve));
    async function* source() {
      yield await late;
    }
    const { link, failures, sender } = senderOf(source());
    sender.begin(1);
    await drain(link);
    sender.close(new Error("given up"));
    give(new Uint8Array(10));
    await drain(link);
    expect(link.posted).toEqual([]);
    expect(failures).toEqual([]);
  });

  test("closed before its opening was posted never joins the link", () => {
    const { link, sender } = senderOf([]);
    sender.close();
    sender.begin(1);
    expect(link.sources).toBe(0);
  });

  test("tells what its source threw, after what came before it", async () => {
    function* failing() {
      yield new Uint8Array(10 * KIB);
      throw new Error("the disk is gone");
    }
    const { link, failures, sender } = senderOf(failing());
    sender.begin(1);
    await drain(link);
    expect(failures).toMatchObject([{ message: "the disk is gone" }]);
  });
});

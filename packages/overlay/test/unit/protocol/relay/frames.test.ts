import { describe, expect, test } from "@jest/globals";
import { createNodeId, type ConnectionEnd } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import {
  acceptFrame,
  breakFrame,
  closeFrame,
  connectionOf,
  creditFrame,
  openFrame,
  PART_HEAD_BYTES,
  readAccept,
  readBreak,
  readClose,
  readCredit,
  readOpen,
  readPartTotal,
  RELAY_HEAD_BYTES,
  RelayType,
  relayTypeOf,
  writeDataHead,
  writePartHead,
  type RelayRefusal,
} from "../../../../src/protocol/relay/frames.js";

const random = seededRandom("ids");
const ids = Array.from({ length: 14 }, () => createNodeId(random));
const NUMBER = 2 ** 48 - 2;
const open = (count: number) => ({
  connection: NUMBER,
  windowBytes: 70_000,
  route: ids.slice(0, count),
});

describe("a relay frame", () => {
  test("says what was written into it, whatever its type", () => {
    expect(readOpen(openFrame(open(13)), 12)).toEqual(open(13));
    expect(readAccept(acceptFrame(NUMBER, 0xffff_ffff))).toBe(0xffff_ffff);
    expect(readCredit(creditFrame(NUMBER, 2 ** 47 + 5))).toBe(2 ** 47 + 5);
    const text = new TextEncoder().encode("it left");
    expect(readClose(closeFrame(NUMBER, "replaced", text), 120)).toEqual({
      reason: "replaced",
      text,
    });
    const reasons: ConnectionEnd["reason"][] = [
      "closed",
      "lost",
      "protocol",
      "replaced",
      "refused",
      "timeout",
    ];
    const refusals: (RelayRefusal | undefined)[] = [
      undefined,
      "no-link",
      "limits-differ",
      "overloaded",
    ];
    for (const reason of reasons)
      for (const refusal of refusals)
        expect(readBreak(breakFrame(NUMBER, { reason, refusal, index: 12 }))).toEqual({
          reason,
          refusal,
          index: 12,
        });
    const piece = new Uint8Array(PART_HEAD_BYTES + 1);
    writePartHead(piece, NUMBER, 131_072);
    expect([relayTypeOf(piece), readPartTotal(piece)]).toEqual([RelayType.part, 131_072]);
    writeDataHead(piece, NUMBER);
    expect([relayTypeOf(piece), connectionOf(piece)]).toEqual([RelayType.data, NUMBER]);
  });

  test("that is cut off anywhere is none", () => {
    const readers: readonly (readonly [Uint8Array, (frame: Uint8Array) => unknown])[] = [
      [openFrame(open(5)), (frame) => readOpen(frame, 12)],
      [acceptFrame(1, 5), readAccept],
      [creditFrame(1, 5), readCredit],
      [breakFrame(1, { reason: "lost", refusal: undefined, index: 1 }), readBreak],
      [closeFrame(1, "lost", new Uint8Array(0)), (frame) => readClose(frame, 120)],
    ];
    for (const [frame, read] of readers) {
      expect(read(frame)).toBeDefined();
      for (let end = RELAY_HEAD_BYTES; end < frame.length; end += 1)
        expect(read(frame.subarray(0, end))).toBeUndefined();
    }
    expect(relayTypeOf(new Uint8Array(7).fill(3))).toBe(0);
  });

  test("with a route that is none is malformed: too short, too long, twice over one node", () => {
    expect(readOpen(openFrame(open(1)), 12)).toBeUndefined();
    expect(readOpen(openFrame(open(14)), 12)).toBeUndefined();
    expect(readOpen(openFrame(open(5)), 3)).toBeUndefined();
    const [a, b] = ids;
    const loop = { ...open(2), route: [a, b, a].filter((id) => id !== undefined) };
    expect(readOpen(openFrame(loop), 12)).toBeUndefined();
    expect(readOpen(openFrame({ ...open(3), windowBytes: 0 }), 12)).toBeUndefined();
  });

  test("of a later version may have more fields, reasons and refusals", () => {
    const frame = openFrame(open(3));
    const longer = new Uint8Array(frame.length + 10);
    longer.set(frame);
    expect(readOpen(longer, 12)).toEqual(open(3));
    const broken = breakFrame(NUMBER, { reason: "timeout", refusal: "taken", index: 1 });
    broken[RELAY_HEAD_BYTES] = 200;
    broken[RELAY_HEAD_BYTES + 1] = 200;
    expect(readBreak(broken)).toEqual({ reason: "lost", refusal: undefined, index: 1 });
    const closed = closeFrame(NUMBER, "closed", new Uint8Array(0));
    closed[RELAY_HEAD_BYTES] = 77;
    expect(readClose(closed, 120)?.reason).toBe("lost");
  });

  test("that explains an end at length, or is a part of nothing, is malformed", () => {
    expect(readClose(closeFrame(1, "closed", new Uint8Array(121)), 120)).toBeUndefined();
    const piece = new Uint8Array(PART_HEAD_BYTES);
    writePartHead(piece, 1, 10);
    expect(readPartTotal(piece)).toBeUndefined();
    expect(readAccept(acceptFrame(1, 0))).toBeUndefined();
  });
});

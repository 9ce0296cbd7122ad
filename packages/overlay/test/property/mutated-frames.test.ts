import { describe, expect, test } from "@jest/globals";
import { createCodec, isFoundationError } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { FrameKind, FrameReader, MessageType } from "../../src/protocol/frame.js";
import { Assembly } from "../../src/protocol/flow/chunked-message.js";
import {
  readResume,
  readWindow,
  resumeBytes,
  windowBytes,
} from "../../src/protocol/flow/messages.js";
import { parseMembershipMessage } from "../../src/protocol/membership/messages.js";
import { parseOpenRequest } from "../../src/runtime/channel-opener.js";
import { mutated } from "../support/mutated-bytes.js";

const CASES = 4_000;
const ASSEMBLY_BYTES_MAX = 1_000_000;
/** Memory an assembly may take for each byte that came. */
const ASSEMBLY_GROWTH = 32;
const codec = createCodec();
const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

const u32 = (...values: number[]) => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, 4 * i);
  return bytes;
};
const message = (type: number, flags: number, ...body: Uint8Array[]) => {
  const bytes = Buffer.concat(body);
  return Buffer.concat([Buffer.from([type, flags]), u32(bytes.length), bytes]);
};
const frame = (kind: FrameKind, ...messages: Uint8Array[]) =>
  Buffer.concat([Buffer.from([kind]), ...messages]);

/** A frame of every type, with everything a value can be. */
function corpus(): Buffer[] {
  const value = codec.encode({
    a: [1, "two", { b: new Map([["k", new Set([1n])]]) }],
    at: new Date(0),
  });
  const claim = { id: "ab".repeat(16), boot: "00000000" + "cd".repeat(8), incarnation: 1 };
  const ping = codec.encode({ type: "ping", ...claim, seq: 1, status: "alive" });
  const open = codec.encode({ open: "events", lane: 0 });
  const trace = Buffer.alloc(25, 0x11);
  const { data, control } = FrameKind;
  const { request, stream, chunk } = MessageType;
  return [
    frame(data, message(MessageType.message, 0, u32(7), value)),
    frame(data, message(MessageType.message, 1, u32(7), trace, value)),
    frame(
      data,
      message(request, 4, u32(7, 9, 5_000), value),
      message(MessageType.cancel, 0, u32(9)),
    ),
    frame(data, message(MessageType.reply, 8, u32(9), u32(100), value)),
    frame(data, message(MessageType.failure, 0, u32(9), value)),
    frame(
      data,
      message(stream, 0, u32(7, 9, 5_000), value),
      message(MessageType.piece, 0, u32(9), value),
    ),
    frame(data, message(MessageType.end, 0, u32(9)), message(MessageType.skip, 0, value)),
    frame(data, message(MessageType.membership, 0, ping)),
    frame(data, message(MessageType.control, 0, open)),
    frame(
      data,
      message(chunk, 16, u32(40), Buffer.alloc(20)),
      message(chunk, 0, u32(40), Buffer.alloc(20)),
    ),
    frame(control, message(MessageType.resume, 0, resumeBytes(1, 2, 3, true))),
    frame(
      control,
      message(MessageType.window, 0, windowBytes(4, 5, false)),
      message(MessageType.ping, 0, u32(1)),
    ),
    frame(control, message(MessageType.streamWindow, 0, u32(9), Buffer.alloc(6, 1))),
  ];
}

/** Goes wherever a node would go with such a frame; answers how many messages it held. */
function readAll(bytes: Uint8Array): number {
  const reader = new FrameReader();
  const assembly = new Assembly();
  let messages = 0;
  reader.begin(bytes);
  while (reader.next()) {
    messages += 1;
    reader.trace();
    const payload = reader.payload();
    if (reader.type === MessageType.resume) readResume(payload);
    if (reader.type === MessageType.window) readWindow(payload);
    if (reader.type === MessageType.chunk) {
      assembly.add(payload, reader.requestId, (reader.flags & 16) !== 0, ASSEMBLY_BYTES_MAX);
      if (assembly.sizeBytes > ASSEMBLY_GROWTH * bytes.length)
        throw new Error("an assembly outgrew what came");
      continue;
    }
    const value: unknown = decoded(reader);
    parseMembershipMessage(value);
    parseOpenRequest(value);
  }
  return messages;
}

function decoded(reader: FrameReader): unknown {
  try {
    return reader.decode(codec);
  } catch (error) {
    if (isFoundationError(error, "ERR_NOT_DECODABLE")) return undefined;
    throw error;
  }
}

describe("mutated frames", () => {
  const specimens = corpus();

  test("every specimen is well formed before it is touched", () => {
    for (const bytes of specimens) expect(readAll(bytes)).toBeGreaterThan(0);
  });

  test("end in a typed refusal or are read to their end, and change no prototype", () => {
    const keys = Reflect.ownKeys(Object.prototype).length;
    let refused = 0;
    for (let i = 0; i < CASES; i += 1) {
      const random = seededRandom(`mutated-frame-${i}`);
      const bytes = mutated(at(specimens, random.uint32()), random, at(specimens, random.uint32()));
      try {
        readAll(bytes);
      } catch (error) {
        if (!isFoundationError(error, "ERR_FRAME_MALFORMED")) throw error;
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(CASES / 10);
    expect(Reflect.ownKeys(Object.prototype)).toHaveLength(keys);
  });
});

/** Corpus: one good specimen of everything a stranger and a member may send; mutations begin here. */
import {
  auth,
  compressed,
  CONTROL,
  DATA,
  ECHO,
  encode,
  frame,
  hello,
  message,
  proofOf,
  resume,
  subjectOf,
  TYPE,
  u32,
  u48,
} from "./wire.js";

const ID = "a1".repeat(16);
const BOOT = "00".repeat(5) + "b2".repeat(7);
const TRACE = Buffer.concat([Buffer.alloc(16, 0x11), Buffer.alloc(8, 0x22), Buffer.from([1])]);
const subject = subjectOf(ECHO);

/** Every message of the handshake, of both sides, from one honest run. */
export function handshakes(wallMs: number): Buffer[] {
  const claim = { id: ID, boot: BOOT, channel: "coordination" };
  const first = hello(claim, wallMs);
  const identity = { id: ID, boot: BOOT, name: "siege", address: "ws://127.0.0.1:9" };
  const nonce = "0a".repeat(32);
  const challenge = Buffer.from(
    JSON.stringify({ type: "challenge", version: 1, ...identity, wallMs, nonce }),
  );
  const welcome = { type: "welcome", proof: proofOf("acceptor", first, challenge) };
  return [
    first,
    hello({ ...claim, channel: "data" }, wallMs),
    challenge,
    auth(first, challenge),
    Buffer.from(JSON.stringify(welcome)),
    Buffer.from(JSON.stringify({ type: "reject", code: "ERR_WRONG_SECRET", versions: [1, 1] })),
  ];
}

/** What one application value may look like on the wire. */
function payloads(): Buffer[] {
  return [
    null,
    "text",
    -1.5,
    2n ** 60n,
    new Date(0),
    Uint8Array.of(1, 2, 3),
    [1, [2, [3, [4]]]],
    { a: { b: { c: ["d", 1, true, null] } } },
    new Map<unknown, unknown>([["k", new Set([1, 2])]]),
    { type: "order.placed", id: "o-1", cents: 1299, tags: ["new", "eu"], at: 1_700_000_000_000 },
    Array.from({ length: 200 }, (_, i) => i),
  ].map((value) => encode(value));
}

function membership(): unknown[] {
  const claim = { id: ID, boot: BOOT, incarnation: 3 };
  const entry = {
    ...claim,
    status: "alive",
    address: "ws://127.0.0.1:9",
    name: "siege",
    roles: ["web"],
    labels: { zone: "a" },
    ageMs: 0,
  };
  const buckets = Array.from({ length: 64 }, (_, i) => i * 77_777);
  return [
    {
      type: "updates",
      entries: [entry, { ...entry, id: "c3".repeat(16), status: "down", ageMs: 9 }],
    },
    { type: "suspect", ...claim, from: ID, refused: false },
    { type: "ping", ...claim, seq: 7, status: "alive" },
    { type: "ack", seq: 7 },
    { type: "ping-req", ...claim, seq: 8, status: "suspect" },
    { type: "ping-res", seq: 8, reached: true },
    { type: "digest", buckets },
    { type: "sync", buckets: [1, 2], entries: [entry] },
  ];
}

/** Frames of every message type, in data and in control frames, alone and several in one. */
export function frames(): Buffer[] {
  const requestShaped = u32(subject, 9, 5_000);
  const messages = payloads().flatMap((payload) => [
    message(TYPE.message, 0, Buffer.concat([u32(subject), payload])),
    message(TYPE.message, 1, Buffer.concat([u32(subject), TRACE, payload])),
    message(TYPE.message, 2, Buffer.concat([u32(subject), payload])),
    message(TYPE.message, 8, Buffer.concat([u32(subject), compressed(payload)])),
    message(TYPE.request, 0, Buffer.concat([requestShaped, payload])),
    message(TYPE.request, 1, Buffer.concat([requestShaped, TRACE, payload])),
    message(TYPE.request, 4, Buffer.concat([requestShaped, payload])),
    message(TYPE.request, 8, Buffer.concat([requestShaped, compressed(payload, 1 << 30)])),
    message(TYPE.reply, 0, Buffer.concat([u32(9), payload])),
    message(TYPE.stream, 0, Buffer.concat([requestShaped, payload])),
    message(TYPE.piece, 0, Buffer.concat([u32(9), payload])),
  ]);
  const whole = message(
    TYPE.request,
    0,
    Buffer.concat([requestShaped, encode("chunked".repeat(40))]),
  );
  const error = { code: "ERR_X", message: "no", retryable: false, details: { a: 1 } };
  messages.push(
    message(TYPE.skip, 0, Buffer.alloc(5)),
    message(TYPE.failure, 0, Buffer.concat([u32(9), encode(error)])),
    message(TYPE.cancel, 0, u32(9)),
    message(TYPE.end, 0, u32(9)),
    message(TYPE.control, 0, encode({ open: "events", lane: 0 })),
    message(TYPE.chunk, 16, Buffer.concat([u32(whole.length), whole.subarray(0, 100)])),
    message(TYPE.chunk, 0, Buffer.concat([u32(whole.length), whole.subarray(100)])),
    message(77, 0, Buffer.from("a type of tomorrow")),
    ...membership().map((each) => message(TYPE.membership, 0, encode(each))),
  );
  const controls = [
    message(TYPE.ping, 0, u32(3)),
    message(TYPE.pong, 0, u32(3)),
    message(TYPE.window, 0, Buffer.concat([u48(5), u48(1 << 20)])),
    message(TYPE.streamWindow, 0, Buffer.concat([u32(9), u48(1 << 20)])),
  ];
  return [
    ...messages.map((each) => frame(DATA, each)),
    ...controls.map((each) => frame(CONTROL, each)),
    resume(5, 1 << 20),
    frame(DATA, ...messages.slice(0, 12)),
    frame(CONTROL, ...controls),
  ];
}

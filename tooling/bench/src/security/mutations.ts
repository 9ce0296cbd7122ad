/**
 * Mutations: one good message made bad, by a seed. Bytes are flipped, cut, inserted, doubled and
 * spliced; numbers that look like lengths are replaced; JSON loses its structure, its types and its
 * innocence. The same seed and corpus give the same bytes.
 */
import type { Random } from "@foundation/core";

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

/** No specimen grows beyond what a member's frame may be by more than this. */
const GROWN_BYTES_MAX = 64 * 1024;
const below = (random: Random, bound: number) => random.uint32() % Math.max(1, bound);
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)] as T;

const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xc1, 0xdf, 0xdd, 0xc9, 0xd4, 0xc7];
const LENGTHS = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];

const onBytes: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = below(random, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
    return bytes;
  },
  function setByte(bytes, random) {
    bytes[below(random, bytes.length)] = pick(random, BYTES);
    return bytes;
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, below(random, bytes.length));
  },
  function insert(bytes, random) {
    const at = below(random, bytes.length + 1);
    const more = Buffer.from(random.fork("insert").secret(1 + below(random, 16)));
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  },
  function remove(bytes, random) {
    const at = below(random, bytes.length);
    const end = at + 1 + below(random, 8);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
  },
  function double(bytes, random) {
    const at = below(random, bytes.length);
    const part = bytes.subarray(at, at + below(random, bytes.length));
    const times = 1 + below(random, 20);
    return Buffer.concat([bytes, ...Array.from({ length: times }, () => part)]);
  },
  function splice(bytes, random, other) {
    const at = below(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(below(random, other.length))]);
  },
  function length32(bytes, random) {
    if (bytes.length < 4) return bytes;
    const at = below(random, bytes.length - 3);
    const value = pick(random, LENGTHS);
    if (random.next() < 0.5) bytes.writeUInt32LE(value, at);
    else bytes.writeUInt32BE(value, at);
    return bytes;
  },
  function lengthOfMessage(bytes, random) {
    if (bytes.length < 7) return bytes;
    bytes.writeUInt32LE(pick(random, [...LENGTHS, bytes.length, bytes.length - 7 + 1]), 3);
    return bytes;
  },
  /** MessagePack bombs: a header that promises much, or nesting without end. */
  function bomb(bytes, random) {
    const at = below(random, bytes.length);
    const bombs = [
      Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0xdf, 0x7f, 0xff, 0xff, 0xff]),
      Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff]),
      Buffer.alloc(2_000, 0x91),
      Buffer.alloc(2_000, Buffer.from([0x81, 0xa1, 0x61])),
      Buffer.from("81a95f5f70726f746f5f5f81a57065746572c3", "hex"),
      Buffer.from("d4720183", "hex"),
      Buffer.from("c70a7400000000000000000000", "hex"),
    ];
    return Buffer.concat([bytes.subarray(0, at), pick(random, bombs), bytes.subarray(at)]);
  },
];

/** On the text of a JSON object; what is no JSON comes back as it is. */
const onJson: readonly ((fields: [string, unknown][], random: Random) => string)[] = [
  function dropField(fields, random) {
    return textOf(fields.toSpliced(below(random, fields.length), 1));
  },
  function repeatKey(fields, random) {
    const [key] = pick(random, fields);
    return textOf([...fields, [key, pick(random, junk)]]);
  },
  function changeType(fields, random) {
    const at = below(random, fields.length);
    return textOf(fields.with(at, [fields[at]?.[0] ?? "x", pick(random, junk)]));
  },
  function hugeNumber(fields, random) {
    const at = below(random, fields.length);
    const key = fields[at]?.[0] ?? "x";
    const number = pick(random, [
      "1e400",
      "-1e400",
      "1e308",
      "9007199254740993",
      "-0",
      "0.1",
      "65536",
      "1".repeat(400),
    ]);
    return textOf(fields.toSpliced(at, 1)).replace(/^\{/, `{${JSON.stringify(key)}:${number},`);
  },
  function deepNesting(fields, random) {
    const at = below(random, fields.length);
    const key = JSON.stringify(fields[at]?.[0] ?? "x");
    const depth = pick(random, [64, 500, 2_000]);
    const nested =
      random.next() < 0.5
        ? "[".repeat(depth) + "]".repeat(depth)
        : '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
    return textOf(fields.toSpliced(at, 1)).replace(/^\{/, `{${key}:${nested},`);
  },
  function prototypeKey(fields, random) {
    const key = pick(random, [
      "__proto__",
      "constructor",
      "prototype",
      "toString",
      "hasOwnProperty",
    ]);
    const value = pick(random, [
      '{"isAdmin":true,"type":"auth"}',
      '{"prototype":{"x":1}}',
      "null",
      "[]",
    ]);
    return textOf(fields).replace(/^\{/, `{"${key}":${value},`);
  },
  function longText(fields, random) {
    const at = below(random, fields.length);
    const text = pick(random, ["x", "\u0000", "\ud800", "é", '"\\']).repeat(
      pick(random, [129, 256, 1_100, 4_100]),
    );
    return textOf(fields.with(at, [fields[at]?.[0] ?? "x", text]));
  },
  function renameKey(fields, random) {
    const at = below(random, fields.length);
    return textOf(
      fields.with(at, [pick(random, ["", "TYPE", "type ", "ty\u0000pe"]), fields[at]?.[1]]),
    );
  },
];

const junk: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  "",
  "hello",
  "auth",
  [],
  {},
  [1, 1],
  [65_536, 0],
  [null, null],
  "00".repeat(32),
  "ff".repeat(300),
  { length: 2 },
];

function textOf(fields: readonly (readonly [string, unknown])[]): string {
  const parts = fields.map(
    ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value) ?? "null"}`,
  );
  return `{${parts.join(",")}}`;
}

function mutateJson(bytes: Buffer, random: Random): Buffer {
  try {
    const fields = Object.entries(JSON.parse(bytes.toString("utf8")) as Record<string, unknown>);
    return Buffer.from(pick(random, onJson)(fields, random));
  } catch {
    return bytes;
  }
}

/** A specimen of the corpus with one to four mutations. */
export function mutate(corpus: readonly Buffer[], random: Random): Buffer {
  let bytes: Buffer = Buffer.from(pick(random, corpus));
  const isJson = bytes[0] === 0x7b;
  const times = 1 + below(random, 4);
  for (let i = 0; i < times; i += 1) {
    if (isJson && random.next() < 0.6) bytes = mutateJson(bytes, random);
    else bytes = Buffer.from(pick(random, onBytes)(bytes, random, pick(random, corpus)));
    if (bytes.length > GROWN_BYTES_MAX) bytes = bytes.subarray(0, GROWN_BYTES_MAX);
  }
  return bytes;
}

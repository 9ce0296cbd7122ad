/** A message made bad by a seed: bytes, lengths, and the structure of JSON. The same seed gives the same bytes. */
import type { Random } from "@foundation/core";

const below = (random: Random, bound: number) => random.uint32() % Math.max(1, bound);
const LENGTHS = [0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
/** MessagePack that promises much, nests without end or names a prototype. */
const BOMBS = [
  "ddffffffff",
  "df7fffffff",
  "91".repeat(500),
  "81a161".repeat(500),
  "81a95f5f70726f746f5f5f81a161c3",
  "d4720183",
].map((digits) => Buffer.from(digits, "hex"));
const INTO_JSON = [
  '"__proto__":{"type":"auth"},',
  '"constructor":{"prototype":{"a":1}},',
  '"type":"auth","type":"hello",',
  '"wallMs":1e400,',
  '"lane":-0,',
  `"x":${"[".repeat(1_000)}${"]".repeat(1_000)},`,
  `"name":"${"\\u0000".repeat(300)}",`,
];

/** One to three mutations of a specimen. */
export function mutated(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let result: Buffer = Buffer.from(bytes);
  for (let times = 1 + below(random, 3); times > 0; times -= 1) {
    result = once(result, random, Buffer.from(other));
  }
  return result;
}

function once(bytes: Buffer, random: Random, other: Buffer): Buffer {
  const at = below(random, bytes.length);
  const insert = (more: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  switch (below(random, 7)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
      return bytes;
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return insert(random.fork("insert").secret(1 + below(random, 12)));
    case 3:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(below(random, other.length))]);
    case 4:
      if (bytes.length >= 4) {
        bytes.writeUInt32LE(
          LENGTHS[below(random, LENGTHS.length)] ?? 0,
          below(random, bytes.length - 3),
        );
      }
      return bytes;
    case 5:
      return insert(BOMBS[below(random, BOMBS.length)] as Buffer);
    default: {
      const more = INTO_JSON[below(random, INTO_JSON.length)] ?? "";
      return bytes[0] === 0x7b
        ? Buffer.concat([Buffer.from("{"), Buffer.from(more), bytes.subarray(1)])
        : insert(Buffer.from([0xff, 0x00]));
    }
  }
}

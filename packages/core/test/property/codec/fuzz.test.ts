/** 100,000 damaged messages: each is refused or gives a value that is within the limits and can do no harm. */
import { inspect, isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { Packr } from "msgpackr/pack";
import { createCodec } from "../../../src/codec/index.js";
import { seededRandom } from "../../../src/testing/index.js";

const limits = { depthMax: 5, valuesMax: 60 };
const codec = createCodec();
const strict = createCodec(limits);
const reference = new Packr({ useRecords: false, moreTypes: true, copyBuffers: true });
const FORBIDDEN = ["__proto__", "constructor", "prototype"];
const HEADS = [0x80, 0x81, 0x8f, 0x90, 0x9f, 0xa0, 0xa9, 0xab, 0xbf, 0xc0, 0xc1, 0xc4, 0xc7, 0xc9];
const MORE_HEADS = [0xca, 0xcb, 0xcf, 0xd3, 0xd4, 0xd7, 0xd8, 0xd9, 0xdb, 0xdd, 0xdf, 0xff, 0x00];

const samples: readonly Uint8Array[] = [
  { id: 1, type: "order", user: "u-1", ts: 1_700_000_000_000, ok: true, total: 12.5 },
  { a: { b: { c: { d: [1, [2, [3]]] } } }, list: [{ n: 1 }, { n: 2 }, { n: 3 }] },
  { bytes: Uint8Array.of(1, 2, 3), buffer: Buffer.from("abc"), at: new Date(5), big: -5n },
  { texts: ["", "ä€😀", "x".repeat(40), "y".repeat(300)], u: undefined, n: null, f: -1.5 },
  { protoType: 1, constructo: 2, __proto_: 3, "a rather long key of an object": 4 },
  new Map<unknown, unknown>([
    ["k", new Set([1, -0])],
    [{ m: 1 }, Float64Array.of(1)],
  ]),
].map((value) => Uint8Array.from(codec.encode(value)));

type SeededRandom = ReturnType<typeof seededRandom>;

function pick<T>(random: SeededRandom, list: readonly T[]): T {
  return list[random.uint32() % list.length] as T;
}

/** A sample with one to four wounds. */
function damaged(random: SeededRandom): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(pick(random, samples));
  for (let wounds = 1 + (random.uint32() % 4); wounds > 0; wounds--) {
    const at = random.uint32() % (bytes.length + 1);
    switch (random.uint32() % 7) {
      case 0:
        bytes[at % bytes.length] = random.uint32();
        break;
      case 1:
        bytes[at % bytes.length] = pick(random, HEADS);
        break;
      case 2:
        bytes[at % bytes.length] = pick(random, MORE_HEADS);
        break;
      case 3:
        bytes = bytes.slice(0, Math.max(1, at));
        break;
      case 4:
        bytes = joined(bytes.subarray(0, at), pick(random, samples));
        break;
      case 5:
        bytes = joined(bytes.subarray(0, at), withKey(pick(random, FORBIDDEN)), bytes.subarray(at));
        break;
      default:
        bytes = joined(
          bytes.subarray(0, at),
          Uint8Array.of(pick(random, HEADS)),
          bytes.subarray(at),
        );
    }
  }
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function withKey(key: string): Uint8Array {
  return Uint8Array.of(0x81, 0xa0 | key.length, ...Buffer.from(key), 0x01);
}

/** How deep and how many; throws for a key that could reach a prototype. */
function measure(value: unknown): { depth: number; count: number } {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) {
    return { depth: 0, count: 1 };
  }
  const isObject = Object.getPrototypeOf(value) === Object.prototype;
  const inside = isObject ? Object.values(value) : value instanceof Map ? [...value].flat() : value;
  let depth = 0;
  let count = 1;
  if (isObject) {
    for (const key of Object.getOwnPropertyNames(value)) {
      if (FORBIDDEN.includes(key)) throw new Error(`an object was made with the key ${key}`);
    }
  }
  if (Array.isArray(inside) || inside instanceof Set) {
    for (const item of inside as Iterable<unknown>) {
      const within = measure(item);
      depth = Math.max(depth, within.depth);
      count += within.count;
    }
    return { depth: depth + 1, count };
  }
  return { depth: 0, count };
}

function outcome(reader: typeof codec, bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: reader.decode(bytes) };
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_NOT_DECODABLE") return undefined;
    throw error;
  }
}

describe("createCodec", () => {
  test("100,000 damaged messages give a typed refusal or a harmless value within the limits", () => {
    const random = seededRandom("damaged messages");
    const wrong: string[] = [];
    let read = 0;
    for (let i = 0; i < 100_000; i++) {
      const bytes = damaged(random);
      const result = outcome(codec, bytes);
      if (result === undefined) continue;
      read += 1;
      const size = measure(result.value);
      const isBeyond = size.depth > limits.depthMax || size.count > limits.valuesMax;
      const strictly = outcome(strict, bytes);
      if (
        (strictly !== undefined && (isBeyond || !isDeepStrictEqual(strictly, result))) ||
        (bytes[0] !== 0xc1 && !isAsReference(bytes, result.value))
      ) {
        wrong.push(Buffer.from(bytes).toString("hex"));
      }
    }
    expect(wrong).toEqual([]);
    expect(read).toBeGreaterThan(5_000);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

/** msgpackr reads some texts that are not UTF-8, and those with a byte order mark, otherwise. */
function isAsReference(bytes: Uint8Array, value: unknown): boolean {
  const expected: unknown = reference.unpack(Buffer.from(bytes));
  return (
    isDeepStrictEqual(value, expected) ||
    /[\uFFFD\uFEFF]/.test(
      inspect(value, { depth: null, maxStringLength: null, maxArrayLength: null }),
    )
  );
}

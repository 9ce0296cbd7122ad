/** codecContract: what every Codec must do: keep plain data, refuse the rest, survive any bytes. */
import assert from "node:assert/strict";
import { Encoded } from "@foundation/core";
import type { Codec } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { throwsWith } from "../time.js";
import { testsWith, type ContractRunner } from "./runner.js";

const NOT_ENCODABLE = "ERR_NOT_ENCODABLE";

const kept: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  "null and booleans": [null, true, false],
  numbers: [0, -1, 1.5, 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1, Infinity, Number.NaN],
  "bigints of 64 bits": [0n, -(2n ** 63n), 2n ** 64n - 1n],
  texts: ["", "ä€😀", "x".repeat(70_000)],
  bytes: [Uint8Array.of(1, 2, 3), new Uint8Array(0)],
  "typed arrays": [Float64Array.of(1.5, -2), Int16Array.of(-1), BigUint64Array.of(1n)],
  dates: [new Date(0), new Date(1_732_240_000_123), new Date(-1)],
  maps: new Map<unknown, unknown>([
    ["a", 1],
    [2, { b: new Map() }],
  ]),
  sets: new Set([1, "a", null]),
  objects: { a: { b: { c: [1, { d: undefined }] } }, "odd key": 1, "": 2 },
};

/** Runs the suite against one codec. */
export function codecContract(runner: ContractRunner, setup: { create(): Codec }): void {
  const test = testsWith(runner, () => ({ codec: setup.create() }));
  runner.describe("codec", () => {
    for (const [what, value] of Object.entries(kept)) {
      test(`${what} arrive as they were sent`, ({ codec }) => {
        assert.deepStrictEqual(codec.decode(codec.encode(value)), value);
      });
    }

    test("a value encoded into a buffer is what encode gives, and all around it stays", ({
      codec,
    }) => {
      for (const [what, value] of Object.entries(kept)) {
        const alone = codec.encode(value);
        const target = new Uint8Array(alone.length + 4_096).fill(0xa5);
        const end = codec.encodeInto(value, target, 7);
        assert.equal(end, 7 + alone.length, what);
        assert.ok(Buffer.from(alone).equals(target.subarray(7, end)), what);
        assert.ok(
          target.subarray(0, 7).every((byte) => byte === 0xa5),
          what,
        );
        assert.deepStrictEqual(codec.decode(target, 7, end), value);
      }
    });

    test("what was encoded already goes as it is, and only as a whole message", ({ codec }) => {
      for (const [what, value] of Object.entries(kept)) {
        const bytes = codec.encode(value);
        const encoded = new Encoded(bytes);
        assert.deepStrictEqual(codec.decode(codec.encode(encoded)), value, what);
        const target = new Uint8Array(bytes.length + 20);
        const end = codec.encodeInto(encoded, target, 7);
        assert.equal(end, 7 + bytes.length, what);
        assert.deepStrictEqual(codec.decode(target, 7, end), value, what);
        assert.equal(codec.encodeInto(encoded, target.subarray(0, end - 1), 7), -1, what);
        if (codec.copy !== undefined) assert.deepStrictEqual(codec.copy(encoded), value, what);
      }
      throwsWith(() => codec.encode([new Encoded(codec.encode(1))]), NOT_ENCODABLE);
    });

    test("a value that does not fit a buffer is answered with -1", ({ codec }) => {
      for (const [what, value] of Object.entries(kept)) {
        const size = codec.encode(value).length;
        for (const room of [0, 1, size >> 1, size - 1].filter((bytes) => bytes < size)) {
          const target = new Uint8Array(room + 3);
          assert.equal(codec.encodeInto(value, target, 3), -1, `${what} in ${room} bytes`);
          assert.ok(
            target.subarray(0, 3).every((byte) => byte === 0),
            what,
          );
        }
      }
    });

    test("what cannot be sent is refused by encodeInto as by encode", ({ codec }) => {
      const bad = { items: [1, () => 1] };
      const error = throwsWith(
        () => codec.encodeInto(bad, new Uint8Array(4_096), 0),
        NOT_ENCODABLE,
      );
      assert.equal(error.details["path"], "$.items[1]");
    });

    test("decoding stops at the end it is given and reads nothing before the start", ({
      codec,
    }) => {
      const value = { text: "inside", bytes: Uint8Array.of(1, 2) };
      const bytes = codec.encode(value);
      const around = Uint8Array.from([0xff, 0xff, ...bytes, 0xff]);
      assert.deepStrictEqual(codec.decode(around, 2, 2 + bytes.length), value);
      throwsWith(() => codec.decode(around, 2, 1 + bytes.length), "ERR_NOT_DECODABLE");
      throwsWith(() => codec.decode(around, 2, 3 + bytes.length), "ERR_NOT_DECODABLE");
      throwsWith(() => codec.decode(around, 2, 2), "ERR_NOT_DECODABLE");
    });

    test("decoded bytes are no view of what they were decoded from", ({ codec }) => {
      const bytes = Uint8Array.from(codec.encode([Uint8Array.of(1, 2, 3)]));
      const decoded = codec.decode(bytes);
      bytes.fill(0);
      assert.deepStrictEqual(decoded, [Uint8Array.of(1, 2, 3)]);
    });

    test("what is decoded from bytes that were given away is the same value", ({ codec }) => {
      const large = Uint8Array.from({ length: 5_000 }, (_, i) => i % 251);
      for (const value of [large, { small: large.slice(0, 9), large }, [Buffer.from(large)]]) {
        const bytes = codec.encode(value);
        const within = Uint8Array.from([7, 7, ...bytes, 7]);
        assert.deepEqual(codec.decode(within, 2, 2 + bytes.length, true), value);
      }
    });

    test("encoded bytes stay valid after later calls", ({ codec }) => {
      const first = codec.encode({ n: 1 });
      const copy = Uint8Array.from(first);
      for (let i = 0; i < 5_000; i++) codec.encode({ n: i, text: "x".repeat(40) });
      assert.deepEqual(Uint8Array.from(first), copy);
    });

    test("what is not plain data is refused with the path to it", ({ codec }) => {
      class Order {
        id = 1;
      }
      const cycle: unknown[] = [];
      cycle.push(cycle);
      const bad: [unknown, string][] = [
        [() => 1, "$"],
        [{ items: [{ run: () => 1 }] }, "$.items[0].run"],
        [[Symbol("s")], "$[0]"],
        [{ order: new Order() }, "$.order"],
        [cycle, "$[0]"],
      ];
      for (const [value, path] of bad) {
        assert.equal(throwsWith(() => codec.encode(value), NOT_ENCODABLE).details["path"], path);
      }
    });

    test("no object is made with a key that could reach a prototype", ({ codec }) => {
      for (const key of ["__proto__", "constructor", "prototype"]) {
        const value: unknown = JSON.parse(`{"${key}":{"polluted":true}}`);
        throwsWith(() => codec.encode(value), NOT_ENCODABLE);
      }
      assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
    });

    test("any bytes give a value or ERR_NOT_DECODABLE", ({ codec }) => {
      const random = seededRandom("codec contract");
      const sample = codec.encode(kept["objects"]);
      for (let i = 0; i < 3_000; i++) {
        const bytes =
          i % 2 ? random.secret(random.uint32() % 64) : damaged(sample, random.uint32());
        survives(codec, bytes);
      }
      for (let end = 0; end < sample.length; end++) {
        throwsWith(() => codec.decode(sample.slice(0, end)), "ERR_NOT_DECODABLE");
      }
      throwsWith(() => codec.decode(Uint8Array.from([...sample, 0])), "ERR_NOT_DECODABLE");
    });

    test("nesting is limited on both sides", ({ codec }) => {
      let nested: unknown = 1;
      for (let i = 0; i < 10_000; i++) nested = [nested];
      throwsWith(() => codec.encode(nested), NOT_ENCODABLE);
    });
  });
}

function damaged(bytes: Uint8Array, chance: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = chance % copy.length;
  copy[at] = (copy[at] ?? 0) ^ (1 << ((chance >>> 16) % 8));
  return copy;
}

function survives(codec: Codec, bytes: Uint8Array): void {
  try {
    codec.decode(bytes);
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, "ERR_NOT_DECODABLE", String(error));
  }
}

/**
 * What encoding and decoding cost, in ns of CPU time, beside msgpackr and JSON. Run it by itself for numbers, since the
 * test runner's realm makes everything slower:
 *
 *     node --conditions=@foundation/source --import tsx packages/core/test/benchmark/codec-bench.ts
 *
 * Every contestant reads and writes eight other shapes first, so that none is measured with code that has seen only one.
 * `records` is msgpackr with shapes that it compiles: a stream between two ends, not messages complete in themselves.
 */
import { Packr } from "msgpackr/pack";
import { createCodec } from "../../src/codec/index.js";

/** ns of CPU time for one operation. */
export interface CodecCost {
  readonly payload: string;
  readonly contestant: string;
  readonly bytes: number;
  readonly encodeNs: number;
  readonly decodeNs: number;
}

interface Contestant {
  readonly name: string;
  encode(value: unknown): Uint8Array;
  /** What is measured, when that is not `encode`. */
  write?(value: unknown): unknown;
  decode(bytes: Uint8Array): unknown;
}

const row = (i: number) => ({
  sku: `SKU-${100_000 + i}`,
  name: `Product number ${1_000 + i}`,
  qty: (i % 9) + 1,
  price: 9.99 + i,
  tags: ["alpha", "beta", "gamma"],
  active: i % 2 === 0,
  note: "lorem ipsum dolor sit amet",
});

/** 64 values of one shape that differ, as messages do. */
const payloads: Readonly<Record<string, (i: number) => unknown>> = {
  small: (i) => ({
    id: 12_345_678 + 977 * i,
    type: "order.created",
    user: `u-${1_002_003 + 31 * i}`,
    ts: 1_700_000_000_000 + 1_111 * i,
    ok: i % 3 > 0,
    total: i + 0.5,
  }),
  large: (i) => ({
    id: 12_345_678 + i,
    type: "order.bulk",
    ts: 1_700_000_000_000 + i,
    rows: Array.from({ length: 63 }, (_, j) => row(i + j)),
  }),
  "bytes of 10 KB": (i) => new Uint8Array(10_240).fill(i),
};

const otherShapes: readonly unknown[] = [
  { a: 1, b: "x" },
  { k: "k1", v: { x: 1, y: 2.5 }, rev: 3 },
  { id: "u1", name: "Ann", email: "ann@example.org", roles: ["a", "b"], at: 1_700_000_000_000 },
  { from: "a", to: "b", body: "hello world", seq: 12 },
  [1, 2, 3],
  {
    list: [
      { n: 1, m: "s" },
      { n: 2, m: "t" },
    ],
    next: null,
  },
  { x: -1, y: -300, z: 70_000, w: 1.5, q: null, t: true },
  { text: "ä€😀", bytes: Uint8Array.of(1), long: "x".repeat(100) },
];

function contestants(): readonly Contestant[] {
  const codec = createCodec();
  const target = new Uint8Array(1 << 16);
  const plain = new Packr({ useRecords: false, moreTypes: true });
  const records = new Packr({ moreTypes: true });
  return [
    {
      name: "foundation",
      encode: (value) => codec.encode(value),
      write: (value) => codec.encodeInto(value, target, 64),
      decode: (bytes) => codec.decode(bytes),
    },
    {
      name: "foundation, bytes of its own",
      encode: (value) => codec.encode(value),
      decode: (bytes) => codec.decode(bytes),
    },
    {
      name: "msgpackr",
      encode: (value) => plain.pack(value),
      decode: (bytes) => plain.unpack(bytes) as unknown,
    },
    {
      name: "msgpackr, records",
      encode: (value) => records.pack(value),
      decode: (bytes) => records.unpack(bytes) as unknown,
    },
    {
      name: "JSON",
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode: (bytes) => JSON.parse((bytes as Buffer).toString()) as unknown,
    },
  ];
}

/** Measures every contestant for about `budgetMs` of CPU time a number. */
export function measureCodecs(budgetMs: number): readonly CodecCost[] {
  return contestants().flatMap((each) => {
    for (let i = 0; i < 2_000; i++) {
      for (const shape of otherShapes) each.decode(each.encode(shape));
    }
    return Object.entries(payloads).map(([payload, make]) => {
      const values = Array.from({ length: 64 }, (_, i) => make(i));
      const messages = inOneMemory(values.map((value) => each.encode(value)));
      const write = each.write ?? each.encode;
      return {
        payload,
        contestant: each.name,
        bytes: messages[0]?.length ?? 0,
        encodeNs: fastestNs(budgetMs, (i) => write.call(each, values[i & 63])),
        decodeNs: fastestNs(budgetMs, (i) => each.decode(messages[i & 63] as Uint8Array)),
      };
    });
  });
}

/** As messages lie in a frame. */
function inOneMemory(messages: readonly Uint8Array[]): readonly Uint8Array[] {
  const frame = Buffer.concat(messages);
  let at = 0;
  return messages.map(({ length }) => frame.subarray(at, (at += length)));
}

/** Of several rounds the fastest: what else the machine does can only add to it. */
function fastestNs(budgetMs: number, run: (i: number) => unknown): number {
  const rounds = 8;
  let count = 8;
  while (cpuNs(run, count) * count < (budgetMs / rounds) * 1e6) count *= 2;
  return Math.min(...Array.from({ length: rounds }, () => cpuNs(run, count)));
}

/** Kept where the compiler cannot see that nobody looks. */
export const sink: unknown[] = [undefined];

function cpuNs(run: (i: number) => unknown, count: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) sink[0] = run(i);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / count;
}

/** One line a measurement. */
export function printed(costs: readonly CodecCost[]): string {
  const number = (ns: number): string => Math.round(ns).toLocaleString("en").padStart(9);
  const lines = costs.map(
    ({ payload, contestant, bytes, encodeNs, decodeNs }) =>
      `${payload.padEnd(15)} ${contestant.padEnd(29)} ${number(bytes)} B` +
      ` ${number(encodeNs)} ns to encode ${number(decodeNs)} ns to decode`,
  );
  return lines.toSorted().join("\n");
}

if (import.meta.url === `file://${process.argv[1]}`) {
  process.stdout.write(`${printed(measureCodecs(2_000))}\n`);
}

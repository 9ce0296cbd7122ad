import { describe, expect, test } from "@jest/globals";
import { createCodec } from "@foundation/core";
import type { Codec } from "@foundation/core";
import { memoryCluster, memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createVersionedMap, type MapLimits, type VersionedMap } from "../../../src/index.js";
import { bucketOf } from "../../../src/protocol/versioned/bucket-table.js";

/** A quarter of what a link takes in one message. */
const BYTES_MAX = 262_144;
const KEY_BYTES = 1_024;

const longKey = (n: number) => `${n}:`.padEnd(KEY_BYTES, "x");

type Numbered = VersionedMap<string, number>;

const isSame = (a: Numbered, b: Numbered) =>
  a.size === b.size && [...a.entries()].every(([key, value]) => b.get(key) === value);

const order = {
  compare: (a: number, b: number) => a - b,
  isStamp: (value: unknown): value is number => Number.isSafeInteger(value),
};

/** Two nodes, and the largest message they made. */
function twoNodes() {
  const clock = virtualClock();
  const plain = createCodec();
  let largest = 0;
  const codec: Codec = {
    encode(value) {
      const bytes = plain.encode(value);
      largest = Math.max(largest, bytes.length);
      return bytes;
    },
    encodeInto: (value, target, at) => plain.encodeInto(value, target, at),
    decode: (bytes, start, end) => plain.decode(bytes, start, end),
  };
  const cluster = memoryCluster({ clock, nodes: 2, codec });
  const ports = cluster.nodes.map(({ messenger, membership, broadcast, name }) => {
    const runtime = memoryRuntime({ clock, seed: name });
    return { messenger, membership, broadcast, runtime };
  });
  const open = (limits: Partial<MapLimits> = {}) =>
    ports.map((each) =>
      createVersionedMap<string, number>({ name: "m", ...order, limits, ...each }),
    );
  const largestBytes = () => largest;
  const dropped = () =>
    ports
      .flatMap(({ runtime }) => [...runtime.meter.snapshot()])
      .filter(([name]) => name.includes("dropped"))
      .reduce((sum, [, count]) => sum + count, 0);
  return { clock, cluster, ports, open, largestBytes, dropped };
}

describe("messages of a map", () => {
  test("fit a link when every key has 1 KiB, after a partition in which both sides wrote", async () => {
    const { clock, cluster, open, largestBytes, dropped } = twoNodes();
    const [a, b] = open();
    if (a === undefined || b === undefined) throw new Error("two nodes");
    await clock.advance(100);
    cluster.partition([0]);
    await clock.advance(100);
    for (let n = 0; n < 1_500; n += 1) (n % 3 === 0 ? a : b).set(longKey(n), `${n}`, n);
    for (let n = 0; n < 1_500; n += 1) if (n % 5 === 0) a.set(longKey(n), `a${n}`, 2_000 + n);
    await clock.advance(100);
    cluster.heal();
    await clock.advance(60_000);
    expect([a.size, b.size]).toEqual([1_500, 1_500]);
    expect(isSame(a, b)).toBe(true);
    expect(largestBytes()).toBeLessThan(BYTES_MAX);
    expect(dropped()).toBe(0);
  });

  test("are cut where one bucket alone has more than a message shall hold", async () => {
    const { clock, cluster, open, largestBytes } = twoNodes();
    const [a, b] = open({ summaryBytesAim: 4_096, deltaBytesAim: 4_096, roundBytesAim: 16_384 });
    if (a === undefined || b === undefined) throw new Error("two nodes");
    const keys: string[] = [];
    for (let n = 0; keys.length < 60; n += 1) {
      const key = `${n}`.padEnd(256, "x");
      if (keys.length === 0 || bucketOf(key) === bucketOf(keys[0] ?? "")) keys.push(key);
    }
    await clock.advance(100);
    cluster.partition([0]);
    await clock.advance(100);
    keys.forEach((key, n) => {
      if (n % 3 !== 0) a.set(key, `a${n}`, n);
      if (n % 3 !== 1) b.set(key, `b${n}`, n);
    });
    cluster.heal();
    await clock.advance(60_000);
    expect(a.size).toBe(keys.length);
    expect(isSame(a, b)).toBe(true);
    expect(largestBytes()).toBeLessThan(10_000);
  });

  test("fit a link when every value has 64 KiB, and a bulk load does not overrun it", async () => {
    const { clock, open, largestBytes, dropped } = twoNodes();
    const [a, b] = open();
    if (a === undefined || b === undefined) throw new Error("two nodes");
    await clock.advance(100);
    const value = "v".repeat(65_000);
    for (let n = 0; n < 200; n += 1) a.set(`k${n}`, value, n);
    await clock.advance(60_000);
    expect(b.size).toBe(200);
    expect(largestBytes()).toBeLessThan(BYTES_MAX);
    expect(dropped()).toBe(0);
  });

  test("fit a link when stamps are large", async () => {
    const { clock, cluster, ports, largestBytes } = twoNodes();
    const [a, b] = ports.map((each) =>
      createVersionedMap<number, { readonly at: number; readonly note: string }>({
        name: "v",
        compare: (x, y) => x.at - y.at,
        isStamp: (value): value is { at: number; note: string } =>
          typeof (value as { at?: unknown } | null)?.at === "number",
        ...each,
      }),
    );
    if (a === undefined || b === undefined) throw new Error("two nodes");
    cluster.partition([0]);
    await clock.advance(100);
    const note = "s".repeat(4_000);
    for (let n = 0; n < 300; n += 1) a.set(`k${n}`, n, { at: n, note });
    for (let n = 200; n < 500; n += 1) b.set(`k${n}`, -n, { at: n + 1, note });
    cluster.heal();
    await clock.advance(60_000);
    expect([a.size, b.size]).toEqual([500, 500]);
    expect([a.get("k250"), b.get("k250")]).toEqual([-250, -250]);
    expect(largestBytes()).toBeLessThan(BYTES_MAX);
  });
});

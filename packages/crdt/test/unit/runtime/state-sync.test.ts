import { describe, expect, test } from "@jest/globals";
import { createCodec } from "@foundation/core";
import type { Codec } from "@foundation/core";
import { memoryCluster, memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createState, type CreateStateOptions, type ReplicatedMap } from "../../../src/index.js";

/** What a link takes is 1 MiB; a message of ours shall be far below. */
const MESSAGE_BYTES_MAX = 262_144;

/** A cluster in memory that counts what its nodes encode. */
function countedWorld(nodes: number) {
  const clock = virtualClock();
  const plain = createCodec();
  const counts = { messages: 0, bytes: 0, largest: 0 };
  const codec: Codec = {
    encode(value) {
      const bytes = plain.encode(value);
      counts.messages += 1;
      counts.bytes += bytes.length;
      counts.largest = Math.max(counts.largest, bytes.length);
      return bytes;
    },
    encodeInto: (value, target, at) => plain.encodeInto(value, target, at),
    decode: (bytes, start, end) => plain.decode(bytes, start, end),
  };
  const cluster = memoryCluster({ clock, nodes, codec, detectionMs: 50 });
  const open = (i: number, options: Partial<CreateStateOptions> = {}) => {
    const { messenger, membership, broadcast, name } = cluster.node(i);
    const runtime = memoryRuntime({ clock, seed: name });
    return createState({ messenger, membership, broadcast, runtime, ...options });
  };
  return { clock, cluster, counts, open };
}

const valuesOf = (map: ReplicatedMap<unknown>) => Object.fromEntries([...map.entries()].sort());

describe("the sync of replicated state", () => {
  test("an empty replica that joins has all of 2,000 keys, and the other loses none of them", async () => {
    const { clock, cluster, open } = countedWorld(1);
    // Parts as small as delta_crdt's max_sync_size of 200 that lost nine tenths of them.
    const small = { deltaEntriesMax: 200, pullBytesAim: 8_192 };
    const first = await open(0, { limits: small }).map<number>("m");
    for (let n = 0; n < 2_000; n += 1) first.set(`key-${n}`, n);
    await clock.advance(100);
    cluster.add();
    const second = await open(1, { limits: small }).map<number>("m");
    await clock.advance(5_000);
    expect([first.size, second.size]).toEqual([2_000, 2_000]);
    expect(valuesOf(second)).toEqual(valuesOf(first));
  });

  test("a join that is cut off again and again goes on where it was", async () => {
    const { clock, cluster, open } = countedWorld(2);
    const limits = { deltaEntriesMax: 50, pullBytesAim: 2_048 };
    cluster.partition([1]);
    await clock.advance(100);
    const first = await open(0, { limits }).map<number>("m");
    const second = await open(1, { limits }).map<number>("m");
    for (let n = 0; n < 2_000; n += 1) first.set(`key-${n}`, n);
    let had = 0;
    for (let cuts = 0; cuts < 200 && second.size < 2_000; cuts += 1) {
      cluster.heal();
      await clock.advance(60);
      cluster.partition([1]);
      await clock.advance(60);
      expect(second.size).toBeGreaterThanOrEqual(had);
      had = second.size;
    }
    expect(had).toBe(2_000);
  });

  test("bursts of 5,000 writes on three nodes in one turn lose nothing", async () => {
    const { clock, open } = countedWorld(3);
    const maps = await Promise.all([0, 1, 2].map((i) => open(i).map<number>("m")));
    await clock.advance(100);
    for (let burst = 0; burst < 2; burst += 1) {
      maps.forEach((map, i) => {
        for (let n = 0; n < 5_000; n += 1) map.set(`${burst}/${i}/${n}`, n);
      });
      await clock.advance(500);
    }
    await clock.advance(30_000);
    expect(maps.map(({ size }) => size)).toEqual([30_000, 30_000, 30_000]);
  });

  test("three writers of one map at 1 ms agree in the end, key by key, and no write is lost", async () => {
    const { clock, open } = countedWorld(3);
    const maps = await Promise.all([0, 1, 2].map((i) => open(i).map<string>("m")));
    const counters = await Promise.all([0, 1, 2].map((i) => open(i).counter("n")));
    for (let ms = 0; ms < 500; ms += 1) {
      maps.forEach((map, i) => {
        map.set(`own-${i}-${ms}`, "kept");
        map.set(`shared-${ms % 10}`, `${i} at ${ms}`);
        counters[i]?.increment();
      });
      await clock.advance(1);
    }
    await clock.advance(30_000);
    const [first, ...others] = maps.map(valuesOf);
    for (const other of others) expect(other).toEqual(first);
    expect(Object.keys(first ?? {}).length).toBe(1_510);
    for (let k = 0; k < 10; k += 1) expect(first?.[`shared-${k}`]).toMatch(/at 49\d$/);
    expect(counters.map(({ value }) => value)).toEqual([1_500, 1_500, 1_500]);
  });

  test("messages are bounded, and a join costs little more than the data", async () => {
    const { clock, cluster, counts, open } = countedWorld(1);
    const first = await open(0).map<string>("m");
    let payload = 0;
    for (let n = 0; n < 10_000; n += 1) {
      const [key, value] = [`user:${n}`, `value ${n} ${"x".repeat(80)}`];
      payload += key.length + value.length;
      first.set(key, value);
    }
    await clock.advance(1_000);
    cluster.add();
    Object.assign(counts, { messages: 0, bytes: 0, largest: 0 });
    const second = await open(1).map<string>("m");
    await clock.advance(2_000);
    expect(second.size).toBe(10_000);
    expect(counts.bytes / payload).toBeLessThan(1.3);
    expect(counts.largest).toBeLessThan(MESSAGE_BYTES_MAX);
  });

  test("removals of a partition are told in a bitmap, not key by key", async () => {
    const { clock, cluster, counts, open } = countedWorld(2);
    const [a, b] = [await open(0).map<number>("m"), await open(1).map<number>("m")];
    for (let n = 0; n < 10_000; n += 1) a.set(`user:${n}`, n);
    await clock.advance(1_000);
    cluster.partition([1]);
    await clock.advance(1_000);
    for (let n = 0; n < 10_000; n += 2) b.delete(`user:${n}`);
    await clock.advance(1_000);
    Object.assign(counts, { messages: 0, bytes: 0, largest: 0 });
    cluster.heal();
    await clock.advance(30_000);
    expect([a.size, b.size, a.has("user:0"), a.has("user:1")]).toEqual([5_000, 5_000, false, true]);
    expect(counts.bytes).toBeLessThan(60_000);
  });

  test("at rest a state of 10,000 keys costs two small messages a round", async () => {
    const { clock, counts, open } = countedWorld(3);
    const maps = await Promise.all([0, 1, 2].map((i) => open(i).map<number>("m")));
    for (let n = 0; n < 10_000; n += 1) maps[0]?.set(`user:${n}`, n);
    await clock.advance(60_000);
    Object.assign(counts, { messages: 0, bytes: 0, largest: 0 });
    await clock.advance(600_000);
    // Three nodes, a round each in ten seconds, a question and an answer.
    expect(counts.messages).toBeLessThan(3 * 60 * 2 * 1.3);
    expect(counts.largest).toBeLessThan(100);
  });

  test("memory does not grow with what was set and deleted: no entry, one range a writer", async () => {
    const { clock, open } = countedWorld(2);
    const [a, b] = [await open(0).map<number>("m"), await open(1).map<number>("m")];
    for (let cycle = 0; cycle < 20; cycle += 1) {
      for (let n = 0; n < 500; n += 1) a.set(`k${n}`, n);
      await clock.advance(5);
      for (let n = 0; n < 500; n += 1) (n % 2 === 0 ? a : b).delete(`k${n}`);
      await clock.advance(5);
    }
    await clock.advance(30_000);
    expect([a.size, b.size]).toEqual([0, 0]);
    a.set("last", 1);
    await clock.advance(10);
    expect(b.get("last")).toBe(1);
  });
});

/** Watches over a real etcd where it is hardest: restarts, forgotten revisions, answers in pieces, slow readers. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { eventually } from "@foundation/testkit";
import { rangeOf, type Engine, type WatchBatch } from "../../../src/engine/engine.js";
import { etcdEngine } from "../../../src/etcd/index.js";
import { hasEtcd, startEtcd, type EtcdCluster } from "./etcd-server.js";
import { startProxy } from "./proxy.js";

jest.setTimeout(120_000);

const etcd = await requires("etcd", hasEtcd);
const utf8 = new TextEncoder();
const text = new TextDecoder();

etcd.describe("watches over etcd", () => {
  let cluster: EtcdCluster;
  let keyspaces = 0;
  const engines: Engine[] = [];

  const open = (options: Partial<Parameters<typeof etcdEngine>[0]> = {}): Engine => {
    const { endpoints } = cluster;
    const engine = etcdEngine({
      endpoints,
      namespace: `watch-${keyspaces}/`,
      timeout: "30s",
      ...options,
    });
    engines.push(engine);
    return engine;
  };

  beforeAll(async () => {
    cluster = await startEtcd();
  });

  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    await cluster[Symbol.asyncDispose]();
  });

  const put = async (engine: Engine, key: string, value: string) =>
    (await engine.txn({ then: [{ type: "put", key, value: utf8.encode(value) }] })).revision;

  test("a watch gives every acknowledged put once and in order while etcd is killed and restarted", async () => {
    keyspaces += 1;
    const [server] = cluster.servers;
    const engine = open({ timeout: "20s" });
    const watch = engine.watch(rangeOf("n/"));
    const first = await watch.ready();
    const acknowledged = new Map<number, string>();
    const unknown = new Set<string>();
    let isLoading = true;
    const load = async (client: number): Promise<void> => {
      for (let i = 0; isLoading; i += 1) {
        const value = `${client}.${i}`;
        try {
          acknowledged.set(await put(engine, `n/${client}`, value), value);
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
          unknown.add(value);
        }
      }
    };
    const clients = Array.from({ length: 8 }, (_, client) => load(client));
    for (let kill = 1; kill <= 2; kill += 1) {
      const before = acknowledged.size;
      await eventually(() => acknowledged.size >= before + 100, { within: "60s" });
      await server?.kill();
      await server?.start();
    }
    const before = acknowledged.size;
    await eventually(() => acknowledged.size >= before + 50, { within: "60s" });
    isLoading = false;
    await Promise.all(clients);
    const last = await put(engine, "n/last", "last");
    acknowledged.set(last, "last");

    const seen = new Map<number, string>();
    let previous = first - 1;
    for await (const { revision, changes } of watch) {
      expect(revision).toBeGreaterThan(previous);
      previous = revision;
      expect(changes).toHaveLength(1);
      for (const change of changes) {
        if (change.type !== "put") throw new Error("nothing was deleted");
        seen.set(revision, text.decode(change.pair.value));
      }
      if (revision === last) break;
    }
    // Each one that was acknowledged, at its revision; beside those only ones whose outcome was unknown.
    const missing = [...acknowledged].filter(([revision, value]) => seen.get(revision) !== value);
    expect(missing).toEqual([]);
    const extra = [...seen].filter(([revision]) => !acknowledged.has(revision));
    expect(extra.filter(([, value]) => !unknown.has(value))).toEqual([]);
    expect(new Set(seen.values()).size).toBe(seen.size);
  });

  test("a watch that begins at a forgotten deletion is told so, and does not skip it silently", async () => {
    keyspaces += 1;
    const engine = open();
    await put(engine, "a", "1");
    const { revision } = await engine.txn({ then: [{ type: "delete", key: "a" }] });
    await put(engine, "b", "1");
    await engine.compact(revision);
    // etcd 3.4.23 keeps nothing of the deletion, and would begin with what comes after it.
    const watch = engine.watch(rangeOf(""), { from: revision });
    await expect(watch.ready()).rejects.toMatchObject({ code: "ERR_REVISION_COMPACTED" });
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "ERR_REVISION_COMPACTED",
    });
  });

  test("what is forgotten is said with the revision since when, by watches and by reads", async () => {
    keyspaces += 1;
    const engine = open();
    const revision = await put(engine, "a", "1");
    await put(engine, "a", "2");
    const compacted = await put(engine, "a", "3");
    await engine.compact(compacted);
    const forgotten = {
      code: "ERR_REVISION_COMPACTED",
      details: { revision, compactedRevision: compacted },
    };
    const past = engine.txn({ then: [{ type: "range", key: "a", revision }] });
    await expect(past).rejects.toMatchObject(forgotten);
    const watch = engine.watch({ key: "a" }, { from: revision });
    await expect(watch.ready()).rejects.toMatchObject(forgotten);
  });

  test("a watch with nothing to give learns how far etcd is, and outlives compaction and a restart", async () => {
    keyspaces += 1;
    const quiet = await startEtcd({
      flags: ["--experimental-watch-progress-notify-interval", "1s"],
    });
    const [server] = quiet.servers;
    const proxy = await startProxy(server?.address ?? "");
    try {
      const writer = open({ endpoints: quiet.endpoints });
      const engine = open({ endpoints: [proxy.address], times: { probeMs: 600_000 } });
      const watch = engine.watch({ key: "a" });
      await watch.ready();
      await put(writer, "b", "1");
      const revision = await put(writer, "b", "2");
      // Nobody asks through the proxy: what comes are etcd's own words on its progress. The first ones may be old.
      for (let i = 0; i < 3; i += 1) {
        const { answeredBytes } = proxy;
        await eventually(() => proxy.answeredBytes > answeredBytes, { within: "30s" });
      }
      await writer.compact(revision);
      await server?.kill();
      await server?.start();
      await eventually(() => put(writer, "c", "1").then(() => true), { within: "30s" });
      const last = await put(writer, "a", "1");
      const { value } = (await watch[Symbol.asyncIterator]().next()) as { value: WatchBatch };
      expect(value.revision).toBe(last);
      await engine.close();
      await writer.close();
    } finally {
      await proxy[Symbol.asyncDispose]();
      await quiet[Symbol.asyncDispose]();
    }
  });

  test("a revision that etcd sends in pieces arrives as one batch", async () => {
    keyspaces += 1;
    const engine = open();
    const watch = engine.watch(rangeOf(""));
    const iterator = watch[Symbol.asyncIterator]();
    const first = await watch.ready();
    // With what they replaced the changes are beyond the size from which etcd cuts an answer.
    for (let round = 0; round < 2; round += 1) {
      await engine.txn({
        then: Array.from({ length: 100 }, (_, i) => ({
          type: "put",
          key: `k${i}`,
          value: new Uint8Array(14_000).fill(round),
        })),
      });
    }
    await put(engine, "k", "end");
    for (let round = 0; round < 2; round += 1) {
      const { value } = (await iterator.next()) as { value: WatchBatch };
      expect(value.revision).toBe(first + round);
      expect(value.changes).toHaveLength(100);
      expect(
        value.changes.every(
          ({ previous }) => previous?.value.length === (round ? 14_000 : undefined),
        ),
      ).toBe(true);
    }
    expect(((await iterator.next()) as { value: WatchBatch }).value.changes).toHaveLength(1);
    await watch.close();
  });

  test("a reader that does not read stops etcd, holds nobody up, and gets everything when it reads", async () => {
    keyspaces += 1;
    const proxy = await startProxy(cluster.servers[0]?.address ?? "");
    try {
      const writer = open();
      const engine = open({ endpoints: [proxy.address], limits: { watchBatchesMax: 8 } });
      const slow = engine.watch(rangeOf("slow/"));
      const other = engine.watch({ key: "end" });
      const first = await slow.ready();
      await other.ready();
      const value = new Uint8Array(50_000);
      const puts = Array.from({ length: 400 }, (_, i) =>
        writer.txn({ then: [{ type: "put", key: `slow/${i % 7}`, value }] }),
      );
      const revisions = (await Promise.all(puts)).map(({ revision }) => revision);
      const last = await put(writer, "end", "1");
      // Over the same connection, though twenty megabytes wait in front of the other watch.
      const { value: batch } = (await other[Symbol.asyncIterator]().next()) as {
        value: WatchBatch;
      };
      expect(batch.revision).toBe(last);
      expect(proxy.answeredBytes).toBeLessThan(4_000_000);
      const seen: number[] = [];
      for await (const { revision } of slow) {
        seen.push(revision);
        if (seen.length === puts.length) break;
      }
      expect(seen).toEqual(revisions.toSorted((a, b) => a - b));
      expect(seen[0]).toBe(first);
      expect(proxy.answeredBytes).toBeGreaterThan(20_000_000);
      await engine.close();
    } finally {
      await proxy[Symbol.asyncDispose]();
    }
  });
});

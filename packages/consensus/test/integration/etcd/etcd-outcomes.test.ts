/** What a request over a real etcd is told when etcd fails: one of three outcomes, and the right one. */
import { afterEach, expect, jest, test } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { nodeClock } from "@foundation/core";
import {
  checkLinearizable,
  createHistoryRecorder,
  eventually,
  keyValueModel,
  type KeyValueInput,
  type KeyValueOutput,
} from "@foundation/testkit";
import type { Engine } from "../../../src/engine/engine.js";
import { etcdEngine, type EtcdEngineOptions } from "../../../src/etcd/index.js";
import { hasEtcd, startEtcd, type EtcdCluster } from "./etcd-server.js";
import { startProxy } from "./proxy.js";

jest.setTimeout(120_000);

const etcd = await requires("etcd", hasEtcd);
const utf8 = new TextEncoder();
const text = new TextDecoder();

etcd.describe("outcomes over etcd", () => {
  let cluster: EtcdCluster;
  let engine: Engine;

  const open = (options: Partial<EtcdEngineOptions> = {}): Engine =>
    etcdEngine({ endpoints: cluster.endpoints, timeout: "30s", ...options });

  afterEach(async () => {
    await engine.close();
    for (const server of cluster.servers) server.thaw();
    await cluster[Symbol.asyncDispose]();
  });

  const put = (key: string, value: string, options: Parameters<Engine["txn"]>[1] = {}) =>
    engine.txn({ then: [{ type: "put", key, value: utf8.encode(value) }] }, options);
  const read = async (key: string, options: Parameters<Engine["txn"]>[1] = {}) => {
    const { results } = await engine.txn({ then: [{ type: "range", key }] }, options);
    const pair = results[0]?.type === "range" ? results[0].pairs[0] : undefined;
    return pair === undefined ? null : text.decode(pair.value);
  };

  test("a write that was sent and not answered is unknown, and may have been done; a read is late", async () => {
    cluster = await startEtcd();
    const proxy = await startProxy(cluster.servers[0]?.address ?? "");
    engine = open({ endpoints: [proxy.address] });
    try {
      await put("a", "1");
      proxy.holdsAnswers = true;
      await expect(put("a", "2", { timeout: 1_000 })).rejects.toMatchObject({
        code: "ERR_OUTCOME_UNKNOWN",
        details: { reason: "deadline-exceeded" },
      });
      await expect(read("a", { timeout: 300 })).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
      // Sent and done, and the answer lost with the connection.
      for (const [value, reason] of [
        ["3", "aborted"],
        ["4", "connection-lost"],
      ] as const) {
        const controller = new AbortController();
        const { answeredBytes } = proxy;
        const lost = put("a", value, { signal: controller.signal });
        const outcome = expect(lost).rejects.toMatchObject({
          code: "ERR_OUTCOME_UNKNOWN",
          details: { reason },
        });
        await eventually(() => proxy.answeredBytes > answeredBytes, { within: "30s" });
        if (reason === "aborted") controller.abort();
        else proxy.cut();
        await outcome;
        proxy.cut();
        proxy.holdsAnswers = false;
        await eventually(async () => expect(await read("a")).toBe(value), { within: "30s" });
        proxy.holdsAnswers = true;
      }
    } finally {
      await proxy[Symbol.asyncDispose]();
    }
  });

  test("a write that found no server did nothing, and says so", async () => {
    cluster = await startEtcd();
    engine = open();
    const [server] = cluster.servers;
    await put("a", "1");
    await server?.kill();
    // The connection may be believed in for one request more.
    await read("a", { timeout: 300 }).catch(() => {});
    const late = put("a", "2", { timeout: 500 });
    await expect(late).rejects.toMatchObject({ code: "ERR_NO_QUORUM" });
    await expect(late).rejects.toThrow(/ECONNREFUSED|does not answer|cannot be connected/);
    const waiting = put("a", "3");
    const closed = expect(waiting).rejects.toMatchObject({ code: "ERR_CLOSED" });
    await engine.close();
    await closed;
    await server?.start();
    engine = open();
    expect(await read("a")).toBe("1");
  });

  test("an answer that is too large is refused to a read, and leaves a write unknown", async () => {
    cluster = await startEtcd();
    engine = open({ limits: { answerBytesMax: 10_000 } });
    await put("a", "x".repeat(20_000));
    await expect(read("a")).rejects.toMatchObject({
      code: "ERR_REQUEST_TOO_LARGE",
      details: { limit: "answerBytesMax", max: 10_000 },
    });
    // Its answer has what it replaced.
    await expect(put("a", "1")).rejects.toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
    expect(await read("a")).toBe("1");
    const value = new Uint8Array(900_000);
    const keys = ["b", "c", "d"];
    const large = engine.txn({ then: keys.map((key) => ({ type: "put", key, value })) });
    await expect(large).rejects.toMatchObject({
      code: "ERR_REQUEST_TOO_LARGE",
      details: { size: 2_700_000, limit: "--max-request-bytes" },
    });
  });

  test("requests that may be repeated outlast a restart; renewals, ends and compactions too", async () => {
    cluster = await startEtcd();
    engine = open({ timeout: "60s" });
    const [server] = cluster.servers;
    const { revision } = await put("a", "1");
    const lease = await engine.grantLease(120_000);
    const other = await engine.grantLease(120_000);
    await server?.kill();
    const all = Promise.all([
      read("a"),
      engine.keepLease(lease.id),
      engine.revokeLease(other.id),
      engine.compact(revision),
    ]);
    await server?.start();
    const [value, kept] = await all;
    expect(value).toBe("1");
    expect(kept).toEqual({ id: lease.id, ttlMs: 120_000 });
    await expect(engine.keepLease(other.id)).rejects.toMatchObject({ code: "ERR_LEASE_LOST" });
  });

  test("clients of three servers whose members are killed in turn see one linearizable store", async () => {
    cluster = await startEtcd({ size: 3 });
    engine = open({ timeout: "10s" });
    const engines = [engine, open({ timeout: "10s" }), open({ timeout: "10s" })];
    const watch = engine.watch({ key: "x" });
    await watch.ready();
    const recorder = createHistoryRecorder<KeyValueInput<string>, KeyValueOutput<string>>({
      clock: nodeClock(),
    });
    let isLoading = true;
    let done = 0;
    const load = async (each: Engine, process: number): Promise<void> => {
      for (let i = 0; isLoading; i += 1) {
        const key = "xyz"[i % 3] as string;
        const value = `${process}.${i}`;
        const input: KeyValueInput<string> = i % 2 === 0 ? { type: "put", value } : { type: "get" };
        const operation = recorder.invoke({ process, key, input });
        const then =
          input.type === "put"
            ? ({ type: "put", key, value: utf8.encode(value) } as const)
            : ({ type: "range", key } as const);
        try {
          const { results } = await each.txn({ then: [then] });
          const [result] = results;
          const pair = result?.type === "range" ? result.pairs[0] : undefined;
          if (input.type === "put") operation.ok();
          else operation.ok(pair === undefined ? null : text.decode(pair.value));
          done += 1;
        } catch (error) {
          const { code } = error as { code?: string };
          if (code === "ERR_OUTCOME_UNKNOWN") operation.unknown();
          else if (code === "ERR_NO_QUORUM" || code === "ERR_TIMEOUT") operation.notApplied();
          else throw error;
        }
      }
    };
    const clients = engines.map((each, process) => load(each, process));
    // Each is killed once, so the leader is among them.
    for (const server of cluster.servers) {
      const before = done;
      await eventually(() => done >= before + 60, { within: "60s" });
      await server.kill();
      const without = done;
      await eventually(() => done >= without + 30, { within: "60s" });
      await server.start();
    }
    isLoading = false;
    await Promise.all(clients);
    const { ok, ...why } = await checkLinearizable(recorder.operations(), keyValueModel<string>());
    expect({ ok, why: ok ? undefined : why }).toEqual({ ok: true, why: undefined });

    // The watch crossed the same failures: it ends at what is there.
    const last = await engine.txn({ then: [{ type: "range", key: "x" }] });
    const [range] = last.results;
    const newest = range?.type === "range" ? range.pairs[0] : undefined;
    let previous = 0;
    let versions = 0;
    for await (const { revision, changes } of watch) {
      expect(revision).toBeGreaterThan(previous);
      previous = revision;
      versions += changes.length;
      if (revision === newest?.modRevision) break;
    }
    expect(versions).toBe(newest?.version);
    await Promise.all(engines.map((each) => each.close()));
  });

  test("an endpoint that hangs is left for another one, by requests and by watches", async () => {
    cluster = await startEtcd({ flags: ["--grpc-keepalive-min-time", "100ms"] });
    const [server] = cluster.servers;
    // Two ways to one server stand for two members: what is asked of both is there.
    const proxies = [
      await startProxy(server?.address ?? ""),
      await startProxy(server?.address ?? ""),
    ];
    try {
      engine = open({
        endpoints: proxies.map(({ address }) => address),
        times: { probeMs: 500, probeAnswerMs: 500 },
      });
      const watch = engine.watch({ key: "a" });
      const first = await watch.ready();
      const [used] = proxies.filter(({ sentBytes }) => sentBytes > 0);
      if (used === undefined) throw new Error("a watch is ready that has asked nobody");
      used.holdsAnswers = true;
      expect(await read("a")).toBe(null);
      const { revision } = await put("a", "1");
      const { value } = (await watch[Symbol.asyncIterator]().next()) as {
        value: { revision: number };
      };
      expect(value.revision).toBe(revision);
      expect(revision).toBe(first);
      await engine.close();
    } finally {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    }
  });
});

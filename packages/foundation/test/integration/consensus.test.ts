/** What a cluster agrees on, over real sockets and real disks: the call sites that a user types. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { askControl } from "@foundation/consensus";
import { eventually } from "@foundation/testkit";
import { startCluster, type Cluster, type StartOptions } from "../../src/index.js";

const secret = "a secret of the tests of consensus";
let folder: string;
let previous: string | undefined;
const running: Cluster[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "foundation-consensus-"));
  previous = process.env["XDG_RUNTIME_DIR"];
  process.env["XDG_RUNTIME_DIR"] = folder;
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((cluster) => cluster.leave()));
});

afterAll(() => {
  if (previous === undefined) delete process.env["XDG_RUNTIME_DIR"];
  else process.env["XDG_RUNTIME_DIR"] = previous;
  rmSync(folder, { recursive: true, force: true });
});

async function start(name: string, node: string, more: StartOptions = {}): Promise<Cluster> {
  const cluster = await startCluster({
    name,
    node: { name: node },
    cluster: "local",
    security: { secret },
    log: { level: "silent" },
    signals: false,
    ...more,
  });
  running.push(cluster);
  return cluster;
}

describe("on a laptop, without configuration", () => {
  test("nodes agree on keys, locks, settings and leaders", async () => {
    const a = await start("laptop", "a");
    const b = await start("laptop", "b");
    await a.ready({ nodes: 2 });

    await a.kv.put("k", { from: "a" });
    expect(await b.kv.get("k")).toEqual({ from: "a" });
    expect(await b.kv.compareAndSet("k", { from: "a" }, { from: "b" })).toBeTruthy();
    expect(await a.kv.compareAndSet("k", { from: "a" }, "too late")).toBeFalsy();

    const lock = await a.locks.acquire("invoice:42", { ttl: "10s" });
    expect(lock.signal.aborted).toBe(false);
    const waiting = b.locks.acquire("invoice:42", { ttl: "10s" });
    await lock.release();
    const next = await waiting;
    expect(next.token).toBeGreaterThan(lock.token);
    await next.release();

    await a.config.setClusterWide(["feature", "x"], true);
    expect(await b.config.getWithConsensus(["feature", "x"])).toBe(true);

    const passed = Promise.all([a, b].map((each) => each.barriers.wait("phase-1", 2)));
    await passed;
    expect(await a.sequences.next("orders")).not.toBe(await b.sequences.next("orders"));
  });

  test("when the process that kept it ends, another opens the same log", async () => {
    const a = await start("heirs", "a");
    await a.kv.put("kept", 1);
    const b = await start("heirs", "b");
    await b.ready({ nodes: 2 });
    expect(await b.kv.get("kept")).toBe(1);
    await a.leave();
    expect(await b.kv.get("kept", { timeout: "20s" })).toBe(1);
    await b.kv.put("kept", 2, { timeout: "20s" });
    expect(await b.kv.get("kept")).toBe(2);
  });

  test("who leaves gives its locks back at once", async () => {
    const a = await start("leavers", "a");
    const b = await start("leavers", "b");
    await a.ready({ nodes: 2 });
    // The voter is the one that asks first; the other one leaves.
    await a.kv.put("voter", "a");
    const lock = await b.locks.acquire("invoice:42", { ttl: "10m" });
    await b.leave();
    const next = await a.locks.acquire("invoice:42", { ttl: "10s", timeout: "20s" });
    expect(next.token).toBeGreaterThan(lock.token);
    await next.release();
  });

  test("a watch hears of a change on another node", async () => {
    const a = await start("watchers", "a");
    const b = await start("watchers", "b");
    await a.ready({ nodes: 2 });
    await using watch = b.kv.watch("prefix/");
    await watch.ready();
    await a.kv.put("prefix/x", 1);
    const { value } = await watch[Symbol.asyncIterator]().next();
    expect(value).toMatchObject({ type: "put", key: "prefix/x", entry: { value: 1 } });
  });
});

describe("with voters by name", () => {
  const voters = ["v-0", "v-1", "v-2"];
  const voter = (cluster: string, name: string) =>
    start(cluster, name, {
      consensus: { voters },
      dataDir: join(folder, cluster, name),
    });

  test("three found a group; a node that is none of them uses it; one of them may go", async () => {
    const [v0] = await Promise.all(voters.map((name) => voter("trio", name)));
    const client = await start("trio", "client", { consensus: { voters } });
    await client.ready({ nodes: 4 });
    await client.kv.put("k", "v", { timeout: "30s" });
    expect(await v0!.kv.get("k", { timeout: "30s" })).toBe("v");
    await v0!.leave();
    await client.kv.put("k", "w", { timeout: "30s" });
    expect(await client.kv.get("k")).toBe("w");
  });

  test("all of them may restart: what was written is there", async () => {
    const first = await Promise.all(voters.map((name) => voter("again", name)));
    await first[0]!.kv.put("k", "kept", { timeout: "30s" });
    await Promise.all(first.map((each) => each.leave()));
    const [again] = await Promise.all(voters.map((name) => voter("again", name)));
    expect(await again!.kv.get("k", { timeout: "30s" })).toBe("kept");
  });
});

describe("with a candidate beside the voters by name", () => {
  test("it takes the place of one that is gone, so that another may go as well", async () => {
    const voters = ["v-0", "v-1", "v-2"];
    const node = (name: string, candidate = false) =>
      start("relief", name, {
        consensus: { voters, keep: { replaceAfter: "1s" }, ...(candidate && { candidate }) },
        dataDir: join(folder, "relief", name),
      });
    const [v0, v1, v2] = (await Promise.all(voters.map((name) => node(name)))) as [
      Cluster,
      Cluster,
      Cluster,
    ];
    await v0.kv.put("k", "kept", { timeout: "30s" });
    const relief = await node("relief", true);
    expect(relief.self.labels).toMatchObject({ "foundation.consensus": "candidate" });
    await v0.leave();
    const voting = async () => {
      const answer = await askControl(join(folder, "relief", "v-2"), { type: "status" });
      const { member } = (answer.ok ? answer.value : {}) as { readonly member?: object };
      expect(member).toMatchObject({ voters: [v1, v2, relief].map(({ self }) => self.id).sort() });
    };
    await eventually(voting, { within: "60s", every: "200ms" });
    await v1.leave();
    expect(await relief.kv.get("k", { timeout: "30s" })).toBe("kept");
    await v2.kv.put("k", "and on", { timeout: "30s" });
  }, 120_000);
});

describe("what cannot be", () => {
  test("production without voters says what to set", async () => {
    const lone = await start("lone", "lone", { profile: "production" });
    await expect(lone.kv.get("k")).rejects.toMatchObject({ code: "ERR_CONSENSUS_NOT_CONFIGURED" });
  });

  test("a voter without a disk says what to set", async () => {
    const lone = await start("lone", "lone", { consensus: { voters: ["lone"] } });
    await expect(lone.kv.get("k")).rejects.toMatchObject({ code: "ERR_VOTER_WITHOUT_DISK" });
  });

  test("a name listed twice is refused", async () => {
    const starting = start("lone", "lone", { consensus: { voters: ["a", "a"] } });
    await expect(starting).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
  });
});

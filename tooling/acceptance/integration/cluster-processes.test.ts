/**
 * Processes of a cluster as an application has them, over real sockets, with three voters and their disks: moved by hand
 * and by a node that leaves, strong, guarded by the quorum of the voters, in trees, groups and services.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { defineProcess, startCluster, type Cluster } from "@foundation/foundation";
import { silentLogger } from "@foundation/core";
import { eventually } from "@foundation/testkit";
import { uniqueName } from "../support/clusters.js";

const tally = defineProcess({
  name: "cluster-processes.tally",
  init: (args: { from: number }) => ({ total: args.from }),
  call: {
    add: ({ state }, by: number) => (state.total += by),
    total: ({ state }) => state.total,
    token: ({ token }) => token,
  },
});

const NAMES = ["voter-0", "voter-1", "voter-2"];
const TEST_MS = 60_000;

let directory: string;
let clusters: Cluster[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cluster-processes-"));
  const name = uniqueName();
  const start = (node: string) =>
    startCluster({
      name,
      node: { name: node },
      dataDir: join(directory, node),
      consensus: { voters: NAMES },
      processes: { leaseTtl: "5s" },
      signals: false,
      logger: silentLogger(),
    });
  clusters = await Promise.all(NAMES.map(start));
  await Promise.all(clusters.map((cluster) => cluster.ready({ nodes: 3, timeout: "20s" })));
}, TEST_MS);

afterAll(async () => {
  await Promise.all(clusters.map((cluster) => cluster.leave()));
  await rm(directory, { recursive: true, maxRetries: 5 });
}, TEST_MS);

const [first, second, third] = [0, 1, 2].map((index) => () => clusters[index] as Cluster) as [
  () => Cluster,
  () => Cluster,
  () => Cluster,
];

test("every node knows who leads the voters", async () => {
  await eventually(() => {
    const leaders = new Set(clusters.map((cluster) => cluster.info().leader?.name));
    expect(leaders.size).toBe(1);
    expect(NAMES).toContain([...leaders][0]);
  });
});

test(
  "a process moves with its state, and references on every node follow it",
  async () => {
    const ref = await first().startProcess(
      tally,
      { from: 10 },
      { name: "orders", distribute: true, wait: "visible" },
    );
    await ref.call("add", 5);
    const from = ref.whereis()?.node;
    const to = clusters.find(({ self }) => self.id !== from)?.self;
    expect(to).toBeDefined();
    const steps: string[] = [];
    const migration = third().migrate("orders", { to: to!, timeout: "20s" });
    for await (const { type } of migration.progress) steps.push(type);
    const { pid } = await migration;
    expect(pid.node).toBe(to?.id);
    expect(steps.at(-1)).toBe("moved");
    for (const cluster of clusters) {
      const same = cluster.process(tally, "orders");
      expect(await same.call("total", undefined, { timeout: "10s" })).toBe(15);
    }
    const best = second().bestNodeFor({ cpu: "low" });
    expect(clusters.map(({ self }) => self.id)).toContain(best.id);
  },
  TEST_MS,
);

test(
  "of two starts of a strong process one is refused; it has a fencing token, and a guarded one counts the voters",
  async () => {
    const options = { name: "till", consistency: "strong", timeout: "20s" } as const;
    const starts = await Promise.allSettled(
      [first(), second()].map((cluster) => cluster.startProcess(tally, { from: 0 }, options)),
    );
    const codes = starts.map((start) =>
      start.status === "fulfilled" ? "started" : (start.reason as { code: string }).code,
    );
    expect(codes.sort()).toEqual(["ERR_NAME_TAKEN", "started"]);
    await eventually(async () => {
      expect(await third().process(tally, "till").call("token")).toBeGreaterThan(0);
    });
    const guarded = await third().startProcess(
      tally,
      { from: 1 },
      { name: "guarded", distribute: true, partition: "quorum", timeout: "20s" },
    );
    expect(await guarded.call("total")).toBe(1);
  },
  TEST_MS,
);

test(
  "a tree, a group and a service span the nodes",
  async () => {
    const tree = await first().supervise("pool", {
      strategy: "one-for-one",
      children: ["a", "b", "c"].map((id) => ({ id, process: tally, args: { from: 1 } })),
    });
    expect(tree.children().map(({ id }) => id)).toEqual(["a", "b", "c"]);
    for (const id of ["a", "b", "c"]) {
      await eventually(() =>
        second().groups.join("workers", second().process(tally, `pool/${id}`)),
      );
    }
    await eventually(async () => {
      const replies = await third().groups.multiCall("workers", "total");
      expect(replies.map((reply) => reply.ok && reply.value)).toEqual([1, 1, 1]);
    });
    for (const { services, self } of clusters) {
      services.register("api", { capabilities: ["v2"], handle: () => self.name });
    }
    await eventually(async () => {
      expect(await first().services.discover({ capability: "v2" })).toHaveLength(3);
    });
    const answers = new Set<unknown>();
    for (let n = 0; n < 9; n++) {
      answers.add(await first().loadBalancer.route("api", n, { strategy: "round-robin" }));
    }
    expect(answers.size).toBe(3);
  },
  TEST_MS,
);

test(
  "a node that leaves takes no state with it",
  async () => {
    const refs = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        first().startProcess(tally, { from: n }, { name: `item-${n}`, distribute: true }),
      ),
    );
    for (const ref of refs) await ref.call("add", 100);
    const strong = third().process(tally, "till");
    expect(await strong.call("add", 7)).toBe(7);
    const [leaving] = clusters.splice(
      clusters.findIndex(({ self }) => self.id === strong.whereis()?.node),
      1,
    );
    await leaving?.leave();
    const stays = clusters[0] as Cluster;
    for (let n = 0; n < 12; n++) {
      const item = stays.process(tally, `item-${n}`);
      expect(await item.call("total", undefined, { timeout: "10s" })).toBe(n + 100);
    }
    await eventually(async () => {
      expect(await stays.process(tally, "till").call("total")).toBe(7);
    });
  },
  TEST_MS,
);

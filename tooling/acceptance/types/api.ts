/**
 * The public call sites, as types: this file is compiled, never run. What must not compile says so.
 */
import type { Readable } from "node:stream";
import {
  defineConfig,
  defineProcess,
  defineTopic,
  hashRing,
  isFoundationError,
  leastLoaded,
  startCluster,
  type Cluster,
  type ClusterEvent,
  type Member,
} from "@foundation/foundation";

export const counter = defineProcess({
  name: "types.counter",
  init: (args: { from: number }) => ({ total: args.from }),
  call: {
    add: ({ state }, by: number) => (state.total += by),
    total: ({ state }) => state.total,
    later: async ({ state }, text: string) => `${text}${state.total}`,
  },
  cast: {
    reset: ({ state }) => {
      state.total = 0;
    },
  },
});

interface OrderPlaced {
  readonly id: string;
  readonly cents: number;
}
export const orderPlaced = defineTopic<OrderPlaced>("types.orders.placed");

export async function zeroConfiguration() {
  await using cluster = await startCluster();
  return cluster.self satisfies Member;
}

export async function oneLine() {
  await using local = await startCluster({ cluster: "local" });
  await using fixed = await startCluster({ cluster: "static", peers: ["127.0.0.1:4100"] });
  await using pods = await startCluster({ cluster: "kubernetes" });
  // @ts-expect-error a strategy that does not exist is absent from the types
  await startCluster({ cluster: "zeroconf" });
  return [local, fixed, pods];
}

export async function everything(): Promise<Cluster> {
  return startCluster({
    profile: "production",
    name: "shop",
    node: { name: "web-1", roles: ["web"], labels: { zone: "a" } },
    overlay: {
      host: "0.0.0.0",
      port: 4100,
      advertise: "web-1.internal",
      preset: "lan",
      channels: [
        "coordination",
        { name: "events", parallelism: 4 },
        { name: "telemetry", monotonic: true },
      ],
      compression: true,
    },
    processes: {
      placement: hashRing({ virtualNodes: 128 }),
      supervisor: { maxRestarts: 3, within: "5s" },
    },
    security: { secret: "0123456789abcdef0123456789abcdef" },
    shutdown: { timeout: "25s" },
    log: { level: "info" },
    signals: false,
  });
}

export async function secured(tls: { cert: string; key: string; ca: string }): Promise<Cluster> {
  await startCluster({ security: { secret: process.env["FOUNDATION_SECRET"], tls } });
  const cluster = await startCluster({ security: { secret: ["a new one", "the old one"], tls } });
  await cluster.reconfigure({ security: { secret: ["a new one"] } });
  // @ts-expect-error certificates without their key
  await startCluster({ security: { tls: { cert: tls.cert, ca: tls.ca } } });
  // @ts-expect-error the way around has to be written out
  await startCluster({ security: { insecure: true } });
  await startCluster({ overlay: { topology: "auto" } });
  await cluster.switchTopology("hyparview");
  // @ts-expect-error a topology that does not exist
  await cluster.switchTopology("ring");
  // @ts-expect-error a delivery that does not exist
  await startCluster({ overlay: { channels: [{ name: "events", delivery: "exactly-once" }] } });
  return cluster;
}

export const config = defineConfig({ name: "shop", node: { roles: ["web"] } });

// @ts-expect-error an unknown option does not compile
export const misspelt = defineConfig({ nam: "shop" });

export async function handle(cluster: Cluster, signal: AbortSignal) {
  const nodes: readonly Member[] = cluster.nodes();
  const ai: readonly Member[] = cluster.nodes({ role: "ai" });
  await cluster.ready({ nodes: 3, timeout: "30s" });
  for await (const event of cluster.watch({ signal })) {
    const known: ClusterEvent = event;
    if (known.type === "node-down") return known.reason;
  }
  const info = cluster.info();
  const { status, recommendations } = await cluster.health();
  cluster.config.explain();
  await cluster.drain();
  await cluster.leave();
  return { nodes, ai, info, status, recommendations };
}

export async function agreement(cluster: Cluster) {
  await startCluster({
    consensus: { voters: ["myapp-0", "myapp-1", "myapp-2"], dataDir: "/var/lib/myapp" },
  });
  await cluster.kv.put("k", "v");
  await cluster.kv.get("k");
  await cluster.kv.compareAndSet("k", "v", "w");
  cluster.kv.watch("prefix/");
  await using lock = await cluster.locks.acquire("invoice:42", { ttl: "10s" });
  const token: number = lock.token;
  const lost: AbortSignal = lock.signal;
  const election = cluster.elections.campaign("scheduler");
  await cluster.barriers.wait("phase-1", 5);
  await cluster.config.setClusterWide(["feature", "x"], true);
  await cluster.config.getWithConsensus(["feature", "x"]);
  return { token, lost, election };
}

export async function state(cluster: Cluster, signal: AbortSignal) {
  interface Cart {
    readonly items: readonly string[];
  }
  const carts = await cluster.state.map<Cart>("carts");
  carts.set("ann", { items: ["tea"] }, { ttl: "5m" });
  // @ts-expect-error a value of another type
  carts.set("ann", "tea");
  for await (const change of carts.changes({ signal })) {
    if (change.type === "set") return change.value.items;
  }
  const online = await cluster.state.set<string>("online");
  online.add("ann");
  const visits = await cluster.state.counter("visits");
  visits.update((batch) => batch.increment(5));
  const flag = await cluster.state.flag("maintenance", { wins: "disable" });
  const title = await cluster.state.register<string>("title", { persist: true });
  title.set("x");
  const titles: readonly string[] = (await cluster.state.multiRegister<string>("titles")).values;
  const stock = await cluster.state.boundedCounter("stock");
  stock.transfer(1, cluster.self.id);
  const profiles = await cluster.state.nested("profiles");
  profiles.set<string>("ann", "tags").add("admin");
  // @ts-expect-error what grows only has no decrement
  (await cluster.state.growCounter("hits")).decrement();
  return { titles, isOn: flag.enabled };
}

export async function processes(cluster: Cluster) {
  const ref = await cluster.startProcess(
    counter,
    { from: 10 },
    { name: "orders", distribute: true },
  );
  const sum: number = await ref.call("add", 5, { timeout: "1s" });
  const total: number = await ref.call("total");
  const text: string = await ref.call("later", "total ");
  ref.cast("reset");
  const same = cluster.process(counter, "orders");
  const again: number = await same.call("add", sum);

  // @ts-expect-error the payload of add is a number
  await ref.call("add", "5");
  // @ts-expect-error there is no such handler
  await ref.call("subtract", 5);
  // @ts-expect-error a cast is not a call
  await ref.call("reset");
  // @ts-expect-error init wants from
  await cluster.startProcess(counter, {});

  await cluster.migrate(same, { to: cluster.bestNodeFor({ cpu: "low" }) });
  for await (const step of cluster.migrate("orders", { to: cluster.self }).progress) step.type;
  await cluster.startProcess(
    counter,
    { from: 0 },
    { name: "till", consistency: "strong", partition: "quorum", placement: leastLoaded() },
  );
  await using pool = await cluster.supervise("pool", {
    strategy: "one-for-one",
    children: [{ id: "a", process: counter, args: { from: 1 } }],
  });
  // @ts-expect-error there is no such strategy
  await cluster.supervise("pool", { strategy: "one-for-some", children: [] });
  return { total, text, again, children: pool.children() };
}

export async function ecosystems(cluster: Cluster) {
  const pipeline = await cluster.startEcosystem("pipeline", {
    coordinator: counter,
    workers: [{ process: counter, count: 8, args: { from: 0 } }],
    topology: "tree",
    faultTolerance: "self-healing",
  });
  const total: number = await pipeline.coordinator.call("add", 5);
  const totals = await Promise.all(pipeline.workers(counter).map((each) => each.call("total")));
  await cluster.ecosystem("pipeline", counter)?.scale(counter, 12);
  // @ts-expect-error the payload of add is a number
  await pipeline.coordinator.call("add", "5");
  const many = { process: counter, count: 2, args: { from: 1 } };
  await cluster.startEcosystem("many", { coordinator: counter, workers: [many] });
  await cluster.startEcosystem("wrong", {
    coordinator: counter,
    // @ts-expect-error init wants a number
    workers: [{ process: counter, count: 2, args: { from: "1" } }],
  });
  // @ts-expect-error there is no such topology
  await cluster.startEcosystem("star", { coordinator: counter, workers: [], topology: "star" });
  const coordinator = { process: counter, args: { from: 1 } };
  const other = await cluster.startEcosystem("other", { coordinator, workers: [] });
  await other.coordinator.call("total");
  await pipeline.shutdown();
  return { total, sum: totals.reduce((sum, each) => sum + each, 0) };
}

export async function namesGroupsAndServices(cluster: Cluster) {
  const ref = cluster.process(counter, "orders");
  await cluster.registry.register("also-orders", ref, { meta: { since: 2026 } });
  const meta: unknown = cluster.registry.lookup("also-orders")?.meta;
  await cluster.send("user-service", { type: "process-user", id: 1 });
  await cluster.send("user-service", { type: "process-user", id: 1 }, { to: "all" });
  // @ts-expect-error to one or to all
  await cluster.send("user-service", {}, { to: "some" });
  const names: readonly string[] = cluster.registry
    .select({ prefix: "also-" })
    .map(({ name }) => name);

  await cluster.groups.join("workers", ref);
  const members: number = cluster.groups.members("workers").length;
  const replies = await cluster.groups.multiCall("workers", "total");
  for (const reply of replies) if (reply.ok) reply.value satisfies unknown;

  const health = () => true;
  const handle = (request: unknown) => ({ echoed: request });
  cluster.services.register("api", { capabilities: ["v2"], health, handle });
  const instances = await cluster.services.discover({ capability: "v2" });
  const answer: unknown = await cluster.loadBalancer.route(
    "api",
    { path: "/" },
    { strategy: "least-connections", constraints: { cpu: { below: 0.8 } } },
  );
  return { meta, names, members, instances, answer };
}

export async function messaging(cluster: Cluster, signal: AbortSignal) {
  cluster.pubsub.publish(orderPlaced, { id: "o-1", cents: 1299 });
  const orders = cluster.pubsub.subscribe(orderPlaced, { signal });
  await orders.ready();
  const options = { signal, buffer: 1_000, overflow: "drop-oldest" } as const;
  for await (const { data, from } of cluster.pubsub.subscribe(orderPlaced, options)) {
    const cents: number = data.cents;
    return { cents, from };
  }
  for await (const { data, topic } of cluster.pubsub.subscribe("types.orders.*", { signal })) {
    const unknownData: unknown = data;
    return { unknownData, topic };
  }
  // @ts-expect-error cents is missing
  cluster.pubsub.publish(orderPlaced, { id: "o-1" });
  return undefined;
}

export async function channels(cluster: Cluster, bytes: Uint8Array, readable: Readable) {
  const [node] = cluster.nodes();
  if (node === undefined) return undefined;
  const bulk = cluster.channel("bulk", { parallelism: 4 });
  await bulk.send(node, bytes);
  const answer: unknown = await bulk.request(node, { any: "message" }, { timeout: "2s" });
  await bulk.stream(node, readable);
  await bulk.stream(node.id, new ReadableStream<Uint8Array>(), { metadata: { name: "film" } });
  const outcome: "accepted" | "full" | "unreachable" = bulk.trySend(node.id, 1, { key: "k" });

  const sums = cluster.channel<readonly number[], number>("sums");
  const sum: number = await sums.request(node, [1, 2, 3]);
  const end: () => void = sums.handle(({ payload, from, sender, signal, deadline, trace }) => {
    const names: readonly (string | undefined)[] = [from, sender?.name, trace?.traceId];
    return payload.length + names.length + (signal.aborted ? 1 : (deadline ?? 0));
  });
  bulk.handleStream(async (stream) => {
    for await (const piece of stream) bytes.set(piece);
    return stream.metadata;
  });
  const queuedBytes: number = bulk.stats().queuedBytes + cluster.info().links.queuedBytes;

  // @ts-expect-error the messages of this channel are lists of numbers
  await sums.send(node, "three");
  // @ts-expect-error and its replies are numbers
  sums.handle(() => "six");
  // @ts-expect-error a node's name is no node
  await bulk.send("node-1", bytes);
  // @ts-expect-error a stream is made of bytes
  await bulk.stream(node, ["text"]);
  // @ts-expect-error a channel has its name beside its options
  cluster.channel("bulk", { name: "bulk" });
  return { answer, outcome, sum, end, queuedBytes };
}

export function failures(error: unknown): string | undefined {
  if (isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) return error.message;
  return undefined;
}

interface Board {
  title: string;
}

export async function documents(cluster: Cluster): Promise<string> {
  const board = await cluster.docs.open<Board>("board-1");
  board.change((d) => {
    d.title = "x";
  });
  return board.value.title;
}

interface User {
  name: string;
}

export async function cached(cluster: Cluster, load: (id: string) => Promise<User>): Promise<User> {
  const users = cluster.cache<User>("users", {
    topology: "partitioned",
    replicas: 2,
    ttl: "5m",
    near: true,
    maxBytes: "64mb",
  });
  return users.getOrCompute("ann", () => load("ann"));
}

/** One node with its caches, or a client of Redis, in a process of its own. */
import { createCaches, createLocalCache, type Cache } from "@foundation/cache";
import { createBoot, nodeRandom, silentLogger } from "@foundation/core";
import { createOverlay } from "@foundation/overlay";
import { Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import type { Heard, HitsOf, NodeTask, Told } from "./messages.js";
import { awaitedRateOf, getsOf, rateOf } from "./timing.js";
import { CLIENTS, HOT_KEYS, KEYS, keyOf, valueOf } from "./values.js";

type Value = ReturnType<typeof valueOf>;
type HitsWanted = Extract<Told, { type: "hits" }>;

const tell = (message: Heard): void => void process.send?.(message);
// Nobody is left to end this process.
process.on("disconnect", () => process.exit(0));

const hotKeys = Array.from({ length: HOT_KEYS }, (_, i) => keyOf(i));
const keyAt = (i: number) => hotKeys[i % HOT_KEYS] as string;

const task = JSON.parse(process.argv[2] ?? "{}") as NodeTask;
const answer =
  task.redisPort !== undefined
    ? redis(task.redisPort)
    : task.ids.length === 0
      ? alone()
      : await node(task);
process.on("message", (told: Told) => void answer(told).then(tell));
tell({ type: "up" });

async function node({ index, ids, ports }: NodeTask): Promise<(told: Told) => Promise<Heard>> {
  const id = ids[index];
  if (id === undefined) throw new Error(`There is no node ${index}`);
  const runtime = { logger: silentLogger() };
  const overlay = await createOverlay({
    cluster: "cache-bench",
    secret: "the benchmark needs no secret secret",
    identity: { id, boot: createBoot(Date.now(), nodeRandom()), name: `node-${index}` },
    port: ports[index] ?? 0,
    peers: ports.filter((_, i) => i !== index).map((port) => `ws://127.0.0.1:${port}`),
    topology: "full-mesh",
    runtime,
  });
  const { messenger, membership, broadcast } = overlay;
  while (membership.members().length < ids.length) await moment(20);
  const caches = createCaches({ messenger, membership, broadcast, runtime });
  const shared = caches.open<Value>("users", { replicas: 2 });
  // One owner, so that about half of the keys are on the other of two nodes.
  const single = caches.open<Value>("single", { replicas: 1 });
  const near = caches.open<Value>("near", { replicas: 1, near: { ttl: "1h" } });
  await Promise.all([shared, single, near].map((cache) => cache.get("warm", { timeout: "30s" })));
  // Until every node has seen every other one's caches.
  await moment(1_000);
  return async (told) => {
    if (told.type === "hits") return { type: "hit", perSecond: await awaitedNearHits(near, told) };
    if (told.type === "prepare") return prepared(await nearHit(near), told.forMs);
    if (told.type === "turn") return turn(told);
    if (told.type === "gets") return { type: "got", ...(await remoteGets(single, told.forMs)) };
    if (told.type === "stampede") return stampede(shared, told.callers, told.computeMs);
    const keys = Array.from({ length: told.keys }, (_, i) => `kept-${i}`);
    if (told.type === "fill") {
      for (let from = 0; from < keys.length; from += 256) {
        const page = keys.slice(from, from + 256);
        await shared.setMany(page.map((key, i) => [key, valueOf(from + i)] as const));
      }
      return { type: "filled" };
    }
    const found = await shared.getMany(keys, { timeout: "30s" });
    return { type: "counted", found: found.size };
  };
}

/** What a turn is made of, once it is prepared. */
let hit: ((i: number) => unknown) | undefined;

/** Compiled before it is measured; with a turn of the event loop after. */
async function prepared(call: (i: number) => unknown, forMs: number): Promise<Heard> {
  hit = call;
  rateOf(call, forMs);
  await moment(10);
  return { type: "prepared" };
}

function turn({ turn, forMs }: Extract<Told, { type: "turn" }>): Heard {
  if (hit === undefined) throw new Error("Nothing was prepared to take turns");
  return { type: `turn ${turn}`, perSecond: rateOf(hit, forMs) };
}

async function nearHit(near: Cache<Value>): Promise<(i: number) => unknown> {
  await fillNear(near);
  return (i) => near.getNow(keyAt(i));
}

async function awaitedNearHits(near: Cache<Value>, { forMs }: HitsWanted): Promise<number> {
  await fillNear(near);
  return awaitedRateOf((i) => near.get(keyAt(i)), forMs);
}

async function fillNear(near: Cache<Value>): Promise<void> {
  for (const [i, key] of hotKeys.entries()) await near.set(key, valueOf(i));
  for (const key of hotKeys) await near.get(key);
  const missing = hotKeys.filter((key) => near.getNow(key) === undefined);
  if (missing.length > 0) throw new Error(`${missing.length} keys have no near copy`);
}

/** A process of its own without a cluster: a cache of one process, or `lru-cache` by itself, which is the limit. */
function alone(): (told: Told) => Promise<Heard> {
  return async (told) => {
    if (told.type === "turn") return turn(told);
    if (told.type === "prepare") return prepared(await hitAlone(told.of), told.forMs);
    if (told.type !== "hits") throw new Error(`Without a cluster nobody is asked for ${told.type}`);
    const bare = bareCache();
    const perSecond = await awaitedRateOf(async (i) => bare.get(keyAt(i)), told.forMs);
    return { type: "hit", perSecond };
  };
}

async function hitAlone(of: HitsOf): Promise<(i: number) => unknown> {
  if (of === "lru-cache") {
    const bare = bareCache();
    return (i) => bare.get(keyAt(i));
  }
  const local = createLocalCache<Value>({ maxEntries: KEYS });
  for (const [i, key] of hotKeys.entries()) await local.set(key, valueOf(i));
  return (i) => local.getNow(keyAt(i));
}

function bareCache(): LRUCache<string, Value> {
  const bare = new LRUCache<string, Value>({ max: KEYS });
  for (const [i, key] of hotKeys.entries()) bare.set(key, valueOf(i));
  return bare;
}

/** Gets of keys that another node keeps. */
async function remoteGets(single: Cache<Value>, forMs: number) {
  const all = Array.from({ length: KEYS }, (_, i) => keyOf(i));
  for (let from = 0; from < all.length; from += 256) {
    const page = all.slice(from, from + 256);
    await single.setMany(page.map((key, i) => [key, valueOf(from + i)] as const));
  }
  const remote = all.filter((key) => single.getNow(key) === undefined);
  if (remote.length < KEYS / 10) throw new Error("Hardly a key is on the other node");
  const get = async (i: number) => {
    const value = await single.get(remote[i % remote.length] as string);
    if (value === undefined) throw new Error("A key is not there");
  };
  await getsOf(get, CLIENTS, forMs / 4);
  return getsOf(get, CLIENTS, forMs);
}

async function stampede(shared: Cache<Value>, callers: number, computeMs: number): Promise<Heard> {
  let computations = 0;
  const compute = async () => {
    computations += 1;
    await moment(computeMs);
    return valueOf(7);
  };
  const answers = await Promise.all(
    Array.from({ length: callers }, () => shared.getOrCompute("stampede", compute)),
  );
  return { type: "stampeded", computations, wrong: answers.filter(({ id }) => id !== 7).length };
}

function redis(port: number): (told: Told) => Promise<Heard> {
  const client = new Redis({ host: "127.0.0.1", port, lazyConnect: false });
  return async (told) => {
    if (told.type !== "gets") throw new Error(`Redis is not asked for ${told.type}`);
    for (let i = 0; i < KEYS; i++) await client.set(keyOf(i), JSON.stringify(valueOf(i)));
    const get = async (i: number) => {
      const text = await client.get(keyOf(i));
      if (text === null) throw new Error("A key is not there");
      JSON.parse(text);
    };
    await getsOf(get, CLIENTS, told.forMs / 4);
    return { type: "got", ...(await getsOf(get, CLIENTS, told.forMs)) };
  };
}

function moment(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

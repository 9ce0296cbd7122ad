/**
 * The cache suite: hits beside a bare `lru-cache` (the limit), gets of another process's keys beside
 * Redis with ioredis on the same values, a stampede of callers on ten nodes, and the loss of a node with two replicas.
 *
 * Local and near hits are those of `getNow`, which waits for nothing, as `lru-cache` does; of `get`, which is awaited, the
 * rate is shown beside.
 */
import { spawn } from "node:child_process";
import { createNodeId, nodeRandom } from "@foundation/core";
import { measured } from "../measured.js";
import { BuiltProcess } from "../processes/built-process.js";
import { builtProgram } from "../processes/built-program.js";
import { end, freePorts, listening, requireProgram } from "../processes/programs.js";
import type { Aim, Benchmark, Measure, Reading, Suite } from "../suite.js";
import type { Heard, NodeTask, Told } from "./messages.js";

const OURS = "foundation";
const LRU = "lru-cache";
const REDIS = "redis";
const UP_MS_MAX = 60_000;
const NODES = 10;
const CALLERS = 10_000;
const COMPUTE_MS = 200;
const KEPT = 2_000;

const LOCAL = "local hits/s";
const NEAR = "near hits/s";
const AWAITED = "awaited near hits/s";
const P50 = "remote get p50 ms";
const P99 = "remote get p99 ms";
const GETS = "remote gets/s, 64 clients";
const COMPUTED = `computations of ${CALLERS} callers on ${NODES} nodes`;
const LOST = `keys of ${KEPT} lost with a node, R=2`;

const measures: readonly Measure[] = [
  ...[LOCAL, NEAR, AWAITED].map((name) => ({ name, decimals: 0 })),
  ...[P50, P99].map((name) => ({ name, decimals: 3 })),
  ...[GETS, COMPUTED, LOST].map((name) => ({ name, decimals: 0 })),
];

const aims: readonly Aim[] = [
  { measure: NEAR, of: OURS, against: LRU, bound: "at least", target: 0.7 },
  { measure: LOCAL, of: OURS, against: LRU, bound: "at least", target: 0.7 },
  { measure: P50, of: OURS, against: REDIS, bound: "at most", target: 1 },
  { measure: GETS, of: OURS, against: REDIS, bound: "at least", target: 1 },
  { measure: COMPUTED, of: OURS, bound: "at most", target: 1 },
  { measure: COMPUTED, of: OURS, bound: "at least", target: 1 },
  { measure: LOST, of: OURS, bound: "at most", target: 0 },
];

export const cacheSuite: Benchmark = {
  name: "cache",
  run: (options) => measured(suiteOf(options.quick ? 300 : 2_000)).run(options),
};

type Worker = BuiltProcess<Heard, Told>;

/** The suite with loads of so many milliseconds. */
export function suiteOf(loadMs: number): Suite {
  let program = "";
  return {
    name: "cache",
    contestants: [OURS, LRU, REDIS],
    measures,
    aims,
    async prepare() {
      const built = await builtProgram(new URL("./worker.ts", import.meta.url));
      program = built.file;
      return built;
    },
    async measure(contestant) {
      if (contestant === LRU) return ofLibrary(program, loadMs);
      if (contestant === REDIS) return ofRedis(program, loadMs);
      const readings: Reading[] = [];
      const add = (measure: string, value: number) => {
        readings.push({ contestant, measure, value });
      };
      await ofTwo(program, loadMs, add);
      await ofTen(program, add);
      return readings;
    },
  };
}

/** Two nodes: hits, and gets of what the other one keeps. */
async function ofTwo(
  program: string,
  forMs: number,
  add: (measure: string, value: number) => void,
): Promise<void> {
  await using cluster = await Cluster.start(program, 2);
  const [worker, other] = cluster.workers as [Worker, Worker];
  add(NEAR, (await ask(worker, { type: "hits", of: "near", forMs }, "hit")).perSecond);
  add(AWAITED, (await ask(other, { type: "hits", of: "awaited", forMs }, "hit")).perSecond);
  add(LOCAL, await hitsAlone(program, "local", forMs));
  const got = await ask(worker, { type: "gets", forMs }, "got");
  add(P50, got.p50Ms);
  add(P99, got.p99Ms);
  add(GETS, got.perSecond);
}

/** Ten nodes: everybody wants one key; then one of them is killed. */
async function ofTen(program: string, add: (measure: string, value: number) => void) {
  await using cluster = await Cluster.start(program, NODES);
  const { workers } = cluster;
  const told = { type: "stampede", callers: CALLERS / NODES, computeMs: COMPUTE_MS } as const;
  const stampeded = await Promise.all(workers.map((worker) => ask(worker, told, "stampeded")));
  if (stampeded.some(({ wrong }) => wrong > 0)) throw new Error("A caller got a wrong value");
  add(
    COMPUTED,
    stampeded.reduce((sum, { computations }) => sum + computations, 0),
  );
  const [first, last] = [workers[0] as Worker, workers.at(-1) as Worker];
  await ask(first, { type: "fill", keys: KEPT }, "filled");
  last.signal("SIGKILL");
  const { found } = await ask(first, { type: "count", keys: KEPT }, "counted");
  add(LOST, KEPT - found);
}

async function ofLibrary(program: string, forMs: number): Promise<readonly Reading[]> {
  const bare = await hitsAlone(program, "lru-cache", forMs);
  const awaited = await hitsAlone(program, "awaited", forMs);
  const values = { [LOCAL]: bare, [NEAR]: bare, [AWAITED]: awaited };
  return Object.entries(values).map(([measure, value]) => ({ contestant: LRU, measure, value }));
}

/** In a process of its own: a loop that was compiled for one kind of call is slower with the next one. */
async function hitsAlone(
  program: string,
  of: "local" | "lru-cache" | "awaited",
  forMs: number,
): Promise<number> {
  await using worker: Worker = new BuiltProcess<Heard, Told>(program, aloneTask);
  await worker.first("up", UP_MS_MAX);
  return (await ask(worker, { type: "hits", of, forMs }, "hit")).perSecond;
}

const aloneTask: NodeTask = { index: 0, ids: [], ports: [] };

async function ofRedis(program: string, forMs: number): Promise<readonly Reading[]> {
  requireProgram("redis-server", "redis-server");
  const [port = 0] = await freePorts(1);
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", args, { stdio: "ignore" });
  try {
    await listening(port);
    const task: NodeTask = { index: 0, ids: [], ports: [], redisPort: port };
    await using worker: Worker = new BuiltProcess<Heard, Told>(program, task);
    await worker.first("up", UP_MS_MAX);
    const got = await ask(worker, { type: "gets", forMs }, "got");
    const values = { [P50]: got.p50Ms, [P99]: got.p99Ms, [GETS]: got.perSecond };
    return Object.entries(values).map(([measure, value]) => ({
      contestant: REDIS,
      measure,
      value,
    }));
  } finally {
    await end(server);
  }
}

async function ask<Type extends Heard["type"]>(worker: Worker, told: Told, type: Type) {
  worker.tell(told);
  return worker.first(type, UP_MS_MAX);
}

class Cluster implements AsyncDisposable {
  constructor(readonly workers: readonly Worker[]) {}

  static async start(program: string, count: number): Promise<Cluster> {
    const ports = await freePorts(count);
    const ids = ports.map(() => createNodeId(nodeRandom()));
    const workers = ports.map(
      (_, index) => new BuiltProcess<Heard, Told>(program, { index, ids, ports }),
    );
    const cluster = new Cluster(workers);
    try {
      await Promise.all(workers.map((worker) => worker.first("up", UP_MS_MAX)));
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker[Symbol.asyncDispose]()));
  }
}

/**
 * The cache suite: hits beside a bare `lru-cache` (the limit), by turns with it, gets of another process's keys beside
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
import { median } from "../report.js";
import type { Aim, Benchmark, Measure, Reading, Suite } from "../suite.js";
import type { Heard, HitsOf, NodeTask, Told } from "./messages.js";

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
const NEAR_SHARE = "near hits ÷ lru-cache's";
const LOCAL_SHARE = "local hits ÷ lru-cache's";
const AWAITED = "awaited near hits/s";
const P50 = "remote get p50 ms";
const P99 = "remote get p99 ms";
const GETS = "remote gets/s, 64 clients";
const COMPUTED = `computations of ${CALLERS} callers on ${NODES} nodes`;
const LOST = `keys of ${KEPT} lost with a node, R=2`;

const measures: readonly Measure[] = [
  ...[LOCAL, NEAR, AWAITED].map((name) => ({ name, decimals: 0 })),
  ...[NEAR_SHARE, LOCAL_SHARE].map((name) => ({ name, decimals: 2 })),
  ...[P50, P99].map((name) => ({ name, decimals: 3 })),
  ...[GETS, COMPUTED, LOST].map((name) => ({ name, decimals: 0 })),
];

const aims: readonly Aim[] = [
  { measure: NEAR_SHARE, of: OURS, bound: "at least", target: 0.7 },
  { measure: LOCAL_SHARE, of: OURS, bound: "at least", target: 0.7 },
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
  await using bare = await alone(program, "lru-cache", forMs);
  await prepare(worker, "near", forMs);
  const near = await byTurns(worker, bare, forMs);
  add(NEAR, near.perSecond);
  add(NEAR_SHARE, near.share);
  add(AWAITED, (await ask(other, { type: "hits", of: "awaited", forMs }, "hit")).perSecond);
  await using ofProcess = await alone(program, "local", forMs);
  const local = await byTurns(ofProcess, bare, forMs);
  add(LOCAL, local.perSecond);
  add(LOCAL_SHARE, local.share);
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
  await using bare = await alone(program, "lru-cache", forMs);
  await using other = await alone(program, "lru-cache", forMs);
  const { perSecond, share } = await byTurns(bare, other, forMs);
  const awaited = (await ask(other, { type: "hits", of: "awaited", forMs }, "hit")).perSecond;
  const values = { [LOCAL]: perSecond, [NEAR]: perSecond, [AWAITED]: awaited };
  const shares = { [NEAR_SHARE]: share, [LOCAL_SHARE]: share };
  const all = { ...values, ...shares };
  return Object.entries(all).map(([measure, value]) => ({ contestant: LRU, measure, value }));
}

/** How many turns each of two takes. */
const TURNS = 15;

/**
 * Hits a second of one, and which share of the other's they are: both take short turns, each in its own process. The
 * median of the turns' shares: what else the machine does, and how fast its clock runs at the moment, meets both.
 */
async function byTurns(one: Worker, other: Worker, forMs: number) {
  const rates: number[] = [];
  const shares: number[] = [];
  for (let i = 0; i < TURNS; i++) {
    turns += 1;
    const told = { type: "turn", turn: turns, forMs: forMs / TURNS } as const;
    const mine = await ask(one, told, `turn ${turns}`);
    const theirs = await ask(other, told, `turn ${turns}`);
    rates.push(mine.perSecond);
    shares.push(mine.perSecond / theirs.perSecond);
  }
  return { perSecond: median(rates), share: median(shares) };
}

/** Each turn has a number of its own, so that each answer can be told from those before. */
let turns = 0;

/** In a process of its own: a loop that was compiled for one kind of call is slower with the next one. */
async function alone(program: string, of: HitsOf, forMs: number): Promise<Worker> {
  const worker: Worker = new BuiltProcess<Heard, Told>(program, aloneTask);
  try {
    await worker.first("up", UP_MS_MAX);
    await prepare(worker, of, forMs);
    return worker;
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    throw error;
  }
}

/** Has the calls of its turns compiled. */
async function prepare(worker: Worker, of: HitsOf, forMs: number): Promise<void> {
  await ask(worker, { type: "prepare", of, forMs: forMs / 4 }, "prepared");
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

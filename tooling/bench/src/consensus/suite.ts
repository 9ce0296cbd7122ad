/**
 * The consensus suite: three voters on one disk, ours embedded in three processes of an application, and
 * etcd's three servers beside one. Durable writes and linearizable reads at one client and at many, what an
 * fsync carries, and how long nobody can write after the leader was killed.
 *
 * Ours is asked where it stands: many clients are spread over the voters, one alone stands at a follower.
 * etcd's leader is asked, which is its best case: by its JSON gateway with a load generator in C, so that no
 * client of ours is measured, and, shown beside, by gRPC from Node.
 */
import { measured } from "../measured.js";
import { quietMoment, watchForeign } from "../noise.js";
import { BuiltProcess } from "../processes/built-process.js";
import { builtProgram } from "../processes/built-program.js";
import { median } from "../report.js";
import type { Aim, Benchmark, Measure, Reading, RunOptions, Suite } from "../suite.js";
import { Ensemble } from "./ensemble.js";
import { EtcdEnsemble } from "./etcd.js";
import { quantile } from "./load.js";
import type { Heard, Kind, LoadFound, Told } from "./messages.js";
import { wrk } from "./wrk.js";

const OURS = "foundation";
const ETCD = "etcd-json";
const ETCD_GRPC = "etcd-grpc";
const VOTERS = 3;
const MANY = 64;
const READY_MS_MAX = 20_000;

interface Sizes {
  readonly loadMs: number;
  /** Before what is judged: compiled code, a first snapshot. */
  readonly warmMs: number;
  /** In the first repetition of ours; of etcd, which is only shown beside, a third of them. */
  readonly kills: number;
}

const full: Sizes = { loadMs: 5_000, warmMs: 1_500, kills: 30 };
const quick: Sizes = { loadMs: 1_000, warmMs: 300, kills: 1 };

const perSecond = (kind: Kind, clients: number) => `${kind}s/s, ${clients} clients`;
const latency = (kind: Kind, clients: number, share: string) =>
  `${kind} ${share} ms, ${clients} clients`;
const FSYNCS = `fsyncs a write, ${MANY} clients`;
const GAP = "s without a write after kill -9, median";
const GAP_WORST = "s without a write after kill -9, worst";

const kinds: readonly Kind[] = ["write", "read"];
const clientCounts = [1, MANY];

export const consensusSuite: Benchmark = {
  name: "consensus",
  run: (options) => measured(suiteOf(options.quick ? quick : full)).run(options),
};

/** The suite for these sizes. */
export function suiteOf(sizes: Sizes): Suite {
  const programs = { worker: "", client: "" };
  const killed = new Set<string>();
  return {
    name: "consensus",
    contestants: [OURS, ETCD, ETCD_GRPC],
    measures: measuresOf(),
    aims,
    async prepare() {
      const worker = await builtProgram(new URL("./worker.ts", import.meta.url));
      const client = await builtProgram(new URL("./etcd-client.ts", import.meta.url));
      Object.assign(programs, { worker: worker.file, client: client.file });
      return {
        async [Symbol.asyncDispose]() {
          await worker[Symbol.asyncDispose]();
          await client[Symbol.asyncDispose]();
        },
      };
    },
    async measure(contestant, { say }) {
      const sheet = new Sheet(contestant, say);
      const kills = killed.has(contestant) ? 0 : sizes.kills;
      killed.add(contestant);
      if (contestant === OURS) await measureOurs(programs.worker, { ...sizes, kills }, sheet);
      else if (contestant === ETCD) {
        await measureEtcd({ ...sizes, kills: Math.ceil(kills / 3) }, sheet);
      }
      if (contestant === ETCD_GRPC) await measureGrpc(programs.client, sizes, sheet);
      return sheet.readings;
    },
  };
}

async function measureOurs(program: string, sizes: Sizes, sheet: Sheet): Promise<void> {
  await using ensemble = await Ensemble.start(program, VOTERS);
  const spread = async (clients: number) => {
    const leader = await ensemble.leader();
    return Array.from({ length: VOTERS }, (_, i) =>
      clients === 1
        ? Number(i === (leader + 1) % VOTERS)
        : Math.floor(clients / VOTERS) + Number(i < clients % VOTERS),
    );
  };
  for (const kind of kinds) await ensemble.load(kind, await spread(MANY), sizes.warmMs);
  for (const kind of kinds) {
    for (const clients of clientCounts) {
      await sheet.take(async () => {
        const before = await ensemble.fsyncs();
        const found = await ensemble.load(kind, await spread(clients), sizes.loadMs);
        sheet.load(kind, clients, ratesOf(found));
        if (kind !== "write" || clients !== MANY) return;
        sheet.add(FSYNCS, ((await ensemble.fsyncs()) - before) / found.done);
      });
    }
  }
  await sheet.gaps(sizes.kills, () => ensemble.gapMs());
}

async function measureEtcd(sizes: Sizes, sheet: Sheet): Promise<void> {
  await using ensemble = await EtcdEnsemble.start(VOTERS);
  const leader = await ensemble.leader();
  for (const kind of kinds) await wrk(kind, leader, MANY, sizes.warmMs);
  for (const kind of kinds) {
    for (const clients of clientCounts) {
      await sheet.take(async () => {
        const before = await ensemble.fsyncs();
        const found = await wrk(kind, leader, clients, sizes.loadMs);
        sheet.load(kind, clients, found);
        if (kind !== "write" || clients !== MANY) return;
        const writes = found.perSecond * (sizes.loadMs / 1_000);
        sheet.add(FSYNCS, ((await ensemble.fsyncs()) - before) / writes);
      });
    }
  }
  await sheet.gaps(sizes.kills, () => ensemble.gapMs());
}

async function measureGrpc(program: string, sizes: Sizes, sheet: Sheet): Promise<void> {
  await using ensemble = await EtcdEnsemble.start(VOTERS);
  const endpoint = await ensemble.leader();
  await using client = new BuiltProcess<Heard, Told>(program, { endpoint });
  await client.first("up", READY_MS_MAX);
  const load = async (kind: Kind, clients: number, forMs: number): Promise<LoadFound> => {
    const before = client.heard.length;
    client.tell({ type: "load", kind, clients, forMs });
    for (;;) {
      const heard = client.heard.slice(before).find((each) => each.type === "loaded");
      if (heard !== undefined) return heard.found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  for (const kind of kinds) await load(kind, MANY, sizes.warmMs);
  for (const kind of kinds) {
    for (const clients of clientCounts) {
      await sheet.take(async () => {
        sheet.load(kind, clients, ratesOf(await load(kind, clients, sizes.loadMs)));
      });
    }
  }
}

interface Rates {
  readonly perSecond: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function ratesOf({ done, failed, seconds, latenciesMs }: LoadFound): Rates {
  return {
    perSecond: done / seconds,
    failed,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  };
}

/** Collects the readings of one contestant. */
class Sheet {
  readonly readings: Reading[] = [];
  readonly #contestant: string;
  readonly #say: RunOptions["say"];

  constructor(contestant: string, say: RunOptions["say"]) {
    this.#contestant = contestant;
    this.#say = say;
  }

  /** Readings of a quiet moment, with what others used of the processors meanwhile. */
  async take(readings: () => Promise<void>): Promise<void> {
    await quietMoment();
    const from = this.readings.length;
    const foreign = watchForeign([]);
    await readings();
    const used = foreign();
    if (used === undefined) return;
    for (let i = from; i < this.readings.length; i += 1) {
      const reading = this.readings[i];
      if (reading !== undefined) this.readings[i] = { ...reading, foreign: used };
    }
  }

  load(kind: Kind, clients: number, { perSecond: rate, failed, p50Ms, p99Ms }: Rates): void {
    this.add(perSecond(kind, clients), rate);
    this.add(latency(kind, clients, "p50"), p50Ms);
    this.add(latency(kind, clients, "p99"), p99Ms);
    if (failed > 0) this.#say(`  ${this.#contestant}: ${failed} of these ${kind}s failed`);
  }

  async gaps(kills: number, gapMs: () => Promise<number>): Promise<void> {
    if (kills === 0) return;
    const gaps: number[] = [];
    for (let kill = 0; kill < kills; kill += 1) gaps.push((await gapMs()) / 1_000);
    this.#say(`  ${this.#contestant}: gaps ${gaps.map((each) => each.toFixed(3)).join(", ")} s`);
    this.add(GAP, median(gaps));
    this.add(GAP_WORST, Math.max(...gaps));
  }

  add(measure: string, value: number): void {
    this.readings.push({ contestant: this.#contestant, measure, value });
  }
}

function measuresOf(): readonly Measure[] {
  return [
    ...kinds.flatMap((kind) =>
      clientCounts.flatMap((clients) => [
        { name: perSecond(kind, clients), decimals: 0 },
        { name: latency(kind, clients, "p50"), decimals: 2 },
        { name: latency(kind, clients, "p99"), decimals: 2 },
      ]),
    ),
    { name: FSYNCS, decimals: 3 },
    { name: GAP, decimals: 3 },
    { name: GAP_WORST, decimals: 3 },
  ];
}

const aims: readonly Aim[] = [
  {
    measure: perSecond("write", MANY),
    of: OURS,
    against: ETCD,
    bound: "at least",
    target: 1,
    beside: [ETCD_GRPC],
  },
  {
    measure: perSecond("read", MANY),
    of: OURS,
    against: ETCD,
    bound: "at least",
    target: 2,
    beside: [ETCD_GRPC],
  },
  { measure: GAP, of: OURS, bound: "at most", target: 0.8, beside: [ETCD] },
  { measure: GAP_WORST, of: OURS, bound: "at most", target: 1.5, beside: [ETCD] },
];

/**
 * The fail-over suite: three processes of ours, each a node as it is by default.
 *
 * `killed`: a thousand distributed stateful processes on one node, whose operating-system process is killed with SIGKILL;
 * how long until each of them answers from another node. `moved`: a thousand are moved to the second node, while the third
 * calls them; whether a call fails, and for how long each process runs nowhere.
 */
import { takePrecedence, watchForeign } from "../noise.js";
import { BuiltProcess } from "../processes/built-process.js";
import { builtProgram } from "../processes/built-program.js";
import { systemMs } from "../processes/system-time.js";
import { median, verdictOn, verdictText, type Report, type Verdict } from "../report.js";
import type { Benchmark, RunOptions } from "../suite.js";
import type { Called, Heard, Moved, NodeTask, Told } from "./messages.js";

const START_MS_MAX = 60_000;
const WORK_MS_MAX = 120_000;
const NODES = 3;
const MOVES_AT_ONCE = 4;

/** What the aims allow. */
const aimed = { medianS: 3, worstS: 6, pauseP99Ms: 50 } as const;

interface Scale {
  readonly processes: number;
  readonly callsPerSecond: number;
}

const full: Scale = { processes: 1_000, callsPerSecond: 5_000 };
const quick: Scale = { processes: 50, callsPerSecond: 200 };

export const failoverSuite: Benchmark = { name: "failover", run: measure };

async function measure(options: RunOptions): Promise<Report> {
  const { repetitions, quick: isQuick, only, say } = options;
  await using program = await builtProgram(new URL("./worker.ts", import.meta.url));
  using precedence = takePrecedence();
  if (!precedence.isTaken) say("Not allowed to go before other processes: run as root for that");
  const scale = isQuick ? quick : full;
  const times = isQuick ? 1 : repetitions;
  const foreign = watchForeign([]);
  const aims: Verdict[] = [];
  const found: Record<string, unknown> = {};
  if (only === undefined || only.includes("killed")) {
    const runs: Takeover[] = [];
    for (let run = 0; run < times; run++) {
      const one = await killed(program.file, scale);
      say(
        `killed, run ${run + 1}: median ${one.medianS.toFixed(3)} s, worst ${one.worstS.toFixed(3)} s`,
      );
      runs.push(one);
    }
    found.killed = runs;
    const worst = Math.max(...runs.map(({ worstS }) => worstS));
    const usual = median(runs.map(({ medianS }) => medianS));
    const of = `${scale.processes} processes after kill -9, ${times} runs`;
    aims.push(
      verdictOn(`${of}: s until one answers elsewhere, median`, usual, "at most", aimed.medianS),
    );
    aims.push(
      verdictOn(`${of}: s until all answer elsewhere, worst`, worst, "at most", aimed.worstS),
    );
  }
  if (only === undefined || only.includes("moved")) {
    const { called, moved: gone } = await moved(program.file, scale);
    const failed = Object.values(called.failed).reduce((sum, count) => sum + count, 0);
    const pause = percentile(gone.pausesMs, 0.99);
    found.moved = {
      ...called,
      movesFailed: gone.failed,
      tookMs: rounded(gone.tookMs),
      ...pauses(gone),
    };
    const of = `${scale.processes} moved under ${scale.callsPerSecond} calls/s`;
    aims.push(verdictOn(`${of}: calls that failed`, failed, "at most", 0));
    aims.push(verdictOn(`${of}: moves that failed`, gone.failed.length, "at most", 0));
    aims.push(
      verdictOn(`${of}: ms a process runs nowhere, p99`, pause, "at most", aimed.pauseP99Ms),
    );
  }
  const usedByOthers = rounded(foreign() ?? Number.NaN);
  for (const verdict of aims) say(verdictText(verdict));
  say(`share of the processors that others used: ${usedByOthers}`);
  const ok = aims.length > 0 && aims.every(({ met }) => met);
  return { ok, aims, suite: "failover", repetitions: times, found, foreign: usedByOthers };
}

interface Takeover {
  readonly medianS: number;
  readonly worstS: number;
}

/** SIGKILL: the system closes the sockets of the host. */
async function killed(program: string, { processes }: Scale): Promise<Takeover> {
  await using trio = await Trio.start(program, processes);
  const [host, asker] = trio.nodes;
  const killedMs = systemMs();
  host.process.signal("SIGKILL");
  asker.process.tell({ type: "probe", count: processes, gone: host.id });
  const { atMs } = await asker.process.first("answered", WORK_MS_MAX);
  const tookS = atMs.map((at) => (at - killedMs) / 1_000);
  return { medianS: rounded(median(tookS)), worstS: rounded(Math.max(...tookS)) };
}

async function moved(
  program: string,
  { processes, callsPerSecond }: Scale,
): Promise<{ readonly called: Called; readonly moved: Moved }> {
  await using trio = await Trio.start(program, processes);
  const [host, target, caller] = trio.nodes;
  caller.process.tell({ type: "call", count: processes, perSecond: callsPerSecond });
  host.process.tell({ type: "move", count: processes, to: target.id, atOnce: MOVES_AT_ONCE });
  const gone = await host.process.first("moved", WORK_MS_MAX);
  caller.process.tell({ type: "stop-calling" });
  return { called: await caller.process.first("called", WORK_MS_MAX), moved: gone };
}

interface Resident {
  readonly id: string;
  readonly address: string;
  readonly process: BuiltProcess<Heard, Told>;
}

type Three = readonly [Resident, Resident, Resident];

/** Three nodes that know each other, with all processes on the first. */
class Trio implements AsyncDisposable {
  readonly #program: string;
  readonly #residents: Resident[] = [];

  private constructor(program: string) {
    this.#program = program;
  }

  static async start(program: string, processes: number): Promise<Trio> {
    const trio = new Trio(program);
    try {
      for (let index = 0; index < NODES; index++) await trio.#moveIn();
      const [host] = trio.nodes;
      for (const each of trio.nodes) each.process.tell({ type: "meet", members: NODES });
      for (const each of trio.nodes) await each.process.first("met", START_MS_MAX);
      host.process.tell({ type: "start", count: processes });
      await host.process.first("started", START_MS_MAX);
      const others = trio.nodes.slice(1);
      for (const each of others) each.process.tell({ type: "know", names: processes });
      for (const each of others) await each.process.first("known", START_MS_MAX);
      return trio;
    } catch (error) {
      await trio[Symbol.asyncDispose]();
      throw error;
    }
  }

  get nodes(): Three {
    return this.#residents as unknown as Three;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#residents.map(({ process }) => process[Symbol.asyncDispose]()));
  }

  async #moveIn(): Promise<void> {
    const task: NodeTask = { peers: this.#residents.map(({ address }) => address) };
    const process = new BuiltProcess<Heard, Told>(this.#program, task);
    const resident = { id: "", address: "", process };
    this.#residents.push(resident);
    const { id, address } = await process.first("up", START_MS_MAX);
    this.#residents[this.#residents.length - 1] = { id, address, process };
  }
}

function pauses({ pausesMs }: Moved): Readonly<Record<string, number>> {
  return {
    pauseMedianMs: percentile(pausesMs, 0.5),
    pauseP99Ms: percentile(pausesMs, 0.99),
    pauseWorstMs: percentile(pausesMs, 1),
  };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return rounded(sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN);
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}

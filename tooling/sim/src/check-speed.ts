/**
 * Speed: how fast virtual time passes. Each measurement has a process of its own, and nothing else runs beside it but in
 * the last one, which is a hunt and has all cores. A run that did not work does not count.
 */
import { hunt, type Hunted } from "./hunt.js";
import type { Order } from "./order.js";
import { stuckAfterMs } from "./limits.js";
import { poolSettings } from "./processes.js";
import { atLeast, atMost, type Aim, type Figure } from "./report.js";
import type { Screen } from "./screen.js";
import type { Outcome, Task, WorldOptions } from "./task.js";
import { WorkerPool } from "./worker-pool.js";

const MINUTE_MS = 60_000;
const GIBIBYTE = 2 ** 30;
/** The first seed of a process compiles: it is played, and not measured. */
const WARM_UP = 1;
const MEASURED_SEEDS = 10;
const SMALL_NODES = 5;
const CROWDED_NODES = 1_000;
const hunted = { count: 200, nodesMin: 10, nodesMax: 10, forMs: MINUTE_MS } as const;

export interface Speed {
  readonly aims: readonly Aim[];
  /** What was measured beside them. */
  readonly figures: readonly Figure[];
  /** The last measurement is a hunt, with findings like any other. */
  readonly hunted: Hunted;
}

export async function checkSpeed(
  order: Order,
  screen: Screen,
  signal: AbortSignal,
): Promise<Speed> {
  const measure = new Measure(screen, signal);
  const aims = [...(await measure.crowd()), await measure.stack(), await measure.cores()];
  const { aims: ofMembership, figures } = await measure.membership();
  aims.push(...ofMembership);
  if (!signal.aborted) screen.tell(`measuring: a hunt in ${order.jobs} processes`);
  const found = await hunt({ ...order, ...hunted, wallMs: undefined }, screen, signal);
  const isWhole = found.played.length === hunted.count && found.failedSeeds.length === 0;
  const seconds = isWhole ? oneDecimal(found.wallMs / 1_000) : undefined;
  const name = `speed: seconds for ${hunted.count} seeds, 10 nodes, 60 virtual seconds of faults`;
  aims.push(atMost(name, 300, seconds));
  return { aims, figures, hunted: found };
}

class Measure {
  readonly #screen: Screen;
  readonly #signal: AbortSignal;

  constructor(screen: Screen, signal: AbortSignal) {
    this.#screen = screen;
    this.#signal = signal;
  }

  async crowd(): Promise<readonly Aim[]> {
    const options = { seed: "crowd", nodes: 100, forMs: MINUTE_MS };
    const [one] = await this.#play([{ type: "crowd", options }]);
    const what = "speed: whole stack, 100 nodes, 60 virtual seconds of traffic";
    return [
      atMost(`${what}: seconds`, 60, one && oneDecimal(one.wallMs / 1_000)),
      atMost(`${what}: GiB at most`, 4, one && oneDecimal(one.rssBytesMax / GIBIBYTE)),
    ];
  }

  async stack(): Promise<Aim> {
    const tasks = seedsOf("stack").map(({ seed, nodes, forMs }) => {
      const options = { seed, nodesMin: nodes, nodesMax: nodes, forMs };
      return { type: "stack", options } as const;
    });
    const rate = rateOf(await this.#play(tasks));
    return atLeast("speed: whole stack, 5 nodes: virtual seconds a second", 60, rate);
  }

  async cores(): Promise<Aim> {
    const tasks = seedsOf("cores").map((options) => ({ type: "cores", options }) as const);
    const rate = rateOf(await this.#play(tasks));
    return atLeast("speed: pure cores, 5 nodes: virtual seconds a second", 300, rate);
  }

  /** To join, half a million pairs must greet each other: measured apart from the minute that the aim is about. */
  async membership(): Promise<Pick<Speed, "aims" | "figures">> {
    const options = { seed: "membership", nodes: CROWDED_NODES, forMs: MINUTE_MS };
    const [one] = await this.#play([{ type: "membership", options }]);
    const what = "speed: pure membership core, 1,000 nodes";
    const joined = one?.joined;
    const wallMs = one && joined && one.wallMs - joined.wallMs;
    const aims = [
      atMost(
        `${what}, 60 virtual seconds after the join: seconds`,
        30,
        wallMs && inSeconds(wallMs),
      ),
      atMost(`${what}: false suspicions`, 0, one?.falseSuspicions),
    ];
    if (!joined) return { aims, figures: [] };
    const nodeSeconds = (one.nodes * (one.virtualMs - joined.virtualMs)) / 1_000;
    const messages = oneDecimal((one.events - joined.events) / nodeSeconds);
    const figures = [
      { name: `${what}, the join: seconds`, value: inSeconds(joined.wallMs) },
      { name: `${what}, the join: virtual seconds`, value: inSeconds(joined.virtualMs) },
      { name: `${what}, the join: messages`, value: joined.events },
      {
        name: `${what}, 60 virtual seconds after the join: messages a node and second`,
        value: messages,
      },
    ];
    return { aims, figures };
  }

  /** Outcomes of a new process; none when one of them did not work. */
  async #play(tasks: readonly Task[]): Promise<readonly Outcome[]> {
    const [first] = tasks;
    if (first === undefined || this.#signal.aborted) return [];
    this.#screen.tell(`measuring: ${first.type}`);
    const limit = stuckAfterMs(
      "nodes" in first.options ? first.options.nodes : SMALL_NODES,
      MINUTE_MS,
    );
    const settings = poolSettings(
      { jobs: 1, stuckAfterMs: limit },
      (line) => this.#screen.status(line),
      this.#signal,
    );
    // One process for all: a measurement does not change it, whatever memory it holds.
    const pool = new WorkerPool({ ...settings, rssBytesMax: Number.POSITIVE_INFINITY });
    const outcomes: Outcome[] = [];
    await pool.play(tasks, (outcome) => outcomes.push(outcome));
    for (const outcome of outcomes) this.#screen.tell(costOf(outcome));
    const broken = outcomes.find(({ violation }) => violation !== undefined);
    if (broken === undefined) return outcomes;
    this.#screen.say(`It does not count: ${broken.violation}`);
    return [];
  }
}

/** What a process plays to measure small worlds, with the seeds that warm it up before. */
function seedsOf(prefix: string): readonly WorldOptions[] {
  return Array.from({ length: WARM_UP + MEASURED_SEEDS }, (_, index) => {
    return { seed: `speed-${prefix}-${index}`, nodes: SMALL_NODES, forMs: MINUTE_MS };
  });
}

/** Virtual time by real time, of what came after the warm-up; undefined when not all was played. */
function rateOf(outcomes: readonly Outcome[]): number | undefined {
  const measured = outcomes.slice(WARM_UP);
  if (measured.length !== MEASURED_SEEDS) return undefined;
  const virtualMs = measured.reduce((sum, outcome) => sum + outcome.virtualMs, 0);
  const wallMs = measured.reduce((sum, outcome) => sum + outcome.wallMs, 0);
  return Math.round(virtualMs / wallMs);
}

/** On a busy machine the difference between real and processor time says how much of it was waiting. */
function costOf({ seed, nodes, virtualMs, events, wallMs, cpuMs, rssBytesMax }: Outcome): string {
  const seconds = (ms: number) => `${oneDecimal(ms / 1_000)} s`;
  const size = `${nodes} nodes, ${seconds(virtualMs)} of virtual time, ${events} events`;
  const memory = `${oneDecimal(rssBytesMax / GIBIBYTE)} GiB`;
  return `  ${seed}: ${size}: ${seconds(wallMs)}, ${seconds(cpuMs)} of a processor, ${memory}`;
}

function inSeconds(ms: number): number {
  return oneDecimal(ms / 1_000);
}

function oneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}

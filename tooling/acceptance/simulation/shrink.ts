/**
 * shrink: from a run that fails to a small one that fails alike.
 *
 * Delta debugging (Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input, 2002): parts of the plan are
 * left out and the seed is played again; what still fails the same check is kept. Then the workload's length and rate and
 * the number of nodes are reduced the same way. Each play is a whole run, so the number of plays and the time are bounded.
 */
import { performance } from "node:perf_hooks";
import { playSeed, type Played, type PlayOptions } from "./play-seed.js";
import { replayCommand } from "./report.js";
import { describeStrike, type Plan } from "./strike.js";

export const shrinkLimits = {
  /** Plays at most. */
  shrinkRunsMax: 60,
  /** Wall time at most, in milliseconds. */
  shrinkMs: 120_000,
} as const;

/** The smallest failing run that was found. */
export interface Shrunk {
  readonly options: PlayOptions;
  readonly played: Played;
  /** How many plays it took. */
  readonly runs: number;
  /** For people: the faults that suffice, the lines of the trace, and how to play it. */
  readonly report: string;
}

export type ShrinkOptions = Partial<{ [Name in keyof typeof shrinkLimits]: number }>;

/** @param played a play of `options` that failed */
export async function shrink(
  options: PlayOptions,
  played: Played,
  tell: (line: string) => void = () => {},
  limits: ShrinkOptions = {},
): Promise<Shrunk> {
  const shrinking = new Shrinking(options, played, tell, { ...shrinkLimits, ...limits });
  return shrinking.run();
}

/** The run as an entry of tooling/sim/seeds.json, where it is played by the tests from then on. */
function keptEntry({ also: _, verbose: __, faultsOnly: ___, ...options }: PlayOptions): string {
  return JSON.stringify({ ...options, found: "say what was wrong" });
}

class Shrinking {
  readonly #tell: (line: string) => void;
  readonly #limits: Required<ShrinkOptions>;
  readonly #check: string | undefined;
  readonly #untilMs: number;
  readonly #first: Played;
  /** What fails while faults rage is looked for there only. */
  readonly #faultsOnly: boolean;
  #options: PlayOptions;
  #best: Played;
  #runs = 0;

  constructor(
    options: PlayOptions,
    played: Played,
    tell: (line: string) => void,
    limits: Required<ShrinkOptions>,
  ) {
    this.#tell = tell;
    this.#limits = limits;
    this.#check = played.failure?.check;
    this.#untilMs = performance.now() + limits.shrinkMs;
    this.#first = played;
    this.#best = played;
    // From here on nothing is drawn: what is left out does not change the rest.
    this.#options = { ...options, swarm: played.swarm, plan: played.plan };
    this.#faultsOnly = played.failure?.duringFaults ?? false;
  }

  async run(): Promise<Shrunk> {
    if (this.#check !== undefined) {
      await this.#fewerStrikes();
      await this.#lessWork();
      await this.#fewerNodes();
    }
    const { failure } = this.#best;
    const shown = [...(failure === undefined ? [] : this.#headline(failure.what))];
    const report = [...shown, ...(failure?.trace ?? []), `replay: ${replayCommand(this.#options)}`];
    if (failure !== undefined) report.push(`keep: ${keptEntry(this.#options)}`);
    return {
      options: this.#options,
      played: this.#best,
      runs: this.#runs,
      report: report.join("\n"),
    };
  }

  #headline(what: string): readonly string[] {
    const { atMs = 0 } = this.#best.failure ?? {};
    const { nodes, workEveryMs } = this.#best.swarm;
    const { plan } = this.#best;
    const work = `${nodes} nodes, an action every ${workEveryMs.toFixed(0)} ms`;
    return [
      `seed ${this.#options.seed} at ${atMs.toFixed(3)} ms of virtual time: [${this.#check}] ${what}`,
      `${plan.length} of ${this.#first.plan.length} faults suffice (${work}, ${this.#runs} plays):`,
      ...plan.map(describeStrike),
    ];
  }

  /** ddmin over the strikes of the plan. */
  async #fewerStrikes(): Promise<void> {
    if (await this.#try({ plan: [] })) return;
    let parts = 2;
    for (;;) {
      const plan = this.#plan;
      if (plan.length < 2 || this.#isOver) return;
      const complement = await this.#failingComplement(plan, parts);
      if (complement) parts = Math.max(parts - 1, 2);
      else if (parts >= plan.length) return;
      else parts = Math.min(parts * 2, plan.length);
    }
  }

  async #failingComplement(plan: Plan, parts: number): Promise<boolean> {
    const size = Math.ceil(plan.length / parts);
    // The last strikes before the failure matter most often, so the first are left out first.
    for (let from = 0; from < plan.length; from += size) {
      const rest = plan.filter((_, index) => index < from || index >= from + size);
      if (rest.length > 0 && (await this.#try({ plan: rest }))) return true;
    }
    return false;
  }

  async #lessWork(): Promise<void> {
    const { forMs, workMs = forMs } = this.#options;
    for (const workTry of [0, workMs / 4, workMs / 2]) {
      if (await this.#try({ workMs: Math.round(workTry) })) break;
    }
    for (let factor = 16; factor >= 2; factor /= 4) {
      const { swarm = {} } = this.#options;
      const workEveryMs = (swarm.workEveryMs ?? 1) * factor;
      if (await this.#try({ swarm: { ...swarm, workEveryMs } })) break;
    }
    if (this.#options.swarm?.heavyChance === 0) return;
    await this.#try({ swarm: { ...this.#options.swarm, heavyChance: 0 } });
  }

  async #fewerNodes(): Promise<void> {
    const { nodes } = this.#best.swarm;
    for (const fewer of new Set([2, 3, Math.ceil(nodes / 2), nodes - 1])) {
      if (fewer >= nodes || fewer < 2) continue;
      if (await this.#try({ swarm: { ...this.#options.swarm, nodes: fewer } })) return;
    }
  }

  get #plan(): Plan {
    return this.#options.plan ?? [];
  }

  get #isOver(): boolean {
    return this.#runs >= this.#limits.shrinkRunsMax || performance.now() >= this.#untilMs;
  }

  /** Keeps the change when the same check fails with it. */
  async #try(change: Partial<PlayOptions>): Promise<boolean> {
    if (this.#isOver) return false;
    this.#runs += 1;
    const options = { ...this.#options, ...change, verbose: false };
    const played = await playSeed({ ...options, faultsOnly: this.#faultsOnly });
    const isSame = played.failure?.check === this.#check;
    if (isSame) {
      this.#options = options;
      this.#best = played;
    }
    const { shrinkRunsMax } = this.#limits;
    const { length } = this.#plan;
    this.#tell(
      `play ${this.#runs} of ${shrinkRunsMax}: ${length} faults, ${isSame ? "fails" : "passes"}`,
    );
    return isSame;
  }
}

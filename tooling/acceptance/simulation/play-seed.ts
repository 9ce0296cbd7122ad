/**
 * playSeed: one run of the whole stack. Faults rage and safety is checked; then everything heals and the cluster must
 * agree with itself, serve, and leave without a trace, all in bounded virtual time.
 */
import { createSimulator, lanConditions, type Simulator } from "@foundation/testkit";
import {
  balanceBooks,
  directoriesAgree,
  oneInstanceEach,
  registriesAgree,
  seenWrong,
  views,
} from "./checks.js";
import { newJournal } from "./journal.js";
import { Nemesis } from "./nemesis.js";
import { StackNode } from "./stack-node.js";
import { drawSwarm, type Swarm, type SwarmRange } from "./swarm.js";
import { identities, Workload } from "./workload.js";

export interface PlayOptions extends SwarmRange {
  readonly seed: string;
  /** How long faults rage, in virtual milliseconds. */
  readonly forMs: number;
  readonly verbose?: boolean;
}

/** What became of one seed. */
export interface Played {
  readonly seed: string;
  readonly hash: string;
  readonly nodes: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly faults: number;
  readonly calls: number;
  readonly published: number;
  /** Everything that is not as it must be, with the last lines of the trace. */
  readonly violation: string | undefined;
  /** The last lines of the trace: all there are of them when the play was verbose. */
  trace(): readonly string[];
}

/** Bounds of the second phase, in virtual time. */
const within = { directories: "60s", registries: "60s", quiet: "15s", leave: "40s" } as const;
const FIXED_PORT = 7_000;
const RELEVANT_LINES = 40;
const tooFrequent = new Set(["timer", "frame", "connect", "closing", "ended", "debug", "info"]);

export async function playSeed(options: PlayOptions): Promise<Played> {
  const swarm = drawSwarm(options.seed, options);
  const { seed, verbose = false } = options;
  const sim = createSimulator<StackNode>({ seed, conditions: swarm.conditions, verbose });
  const run = new Run(sim, swarm, options);
  try {
    const violation = await run.play();
    return {
      seed,
      hash: sim.trace.hash,
      nodes: swarm.nodes,
      virtualMs: sim.clock.now(),
      events: sim.trace.events,
      faults: [...run.nemesis.done.values()].reduce((sum, count) => sum + count, 0),
      calls: run.workload.outcomes.length,
      published: run.workload.published.length,
      violation,
      trace: () => sim.trace.lines(),
    };
  } finally {
    sim.close();
  }
}

/** The command that plays the same run again. */
export function replayCommand({ seed, nodesMin, nodesMax, forMs }: PlayOptions): string {
  return `SEED=${seed} npm run sim -- --nodes ${nodesMin}..${nodesMax} --for ${forMs / 1_000}s`;
}

class Violation extends Error {}

class Run {
  readonly workload: Workload;
  readonly nemesis: Nemesis;
  readonly #journal = newJournal();

  constructor(
    readonly sim: Simulator<StackNode>,
    readonly swarm: Swarm,
    readonly options: PlayOptions,
  ) {
    this.workload = new Workload(sim, swarm.workEveryMs);
    this.nemesis = new Nemesis(sim, swarm);
  }

  async play(): Promise<string | undefined> {
    try {
      await this.#rage();
      await this.#agree();
      await this.#serve();
      await this.#leave();
      return undefined;
    } catch (error) {
      const cause = error instanceof Violation ? error.message : textOf(error);
      return this.#report(cause);
    }
  }

  async #rage(): Promise<void> {
    const { sim, swarm } = this;
    const note = sim.note.bind(sim);
    const port = swarm.fixedPorts ? FIXED_PORT : 0;
    for (let i = 1; i <= swarm.nodes; i++) {
      sim.addNode(`n${i}`, (host) => StackNode.start(host, { port, note }));
    }
    await sim.run("2s");
    this.workload.start();
    this.nemesis.start();
    const untilMs = sim.clock.now() + this.options.forMs;
    while (sim.clock.now() < untilMs) {
      await sim.run(Math.min(5_000, untilMs - sim.clock.now()));
      this.#mustBeEmpty("while faults rage", [...seenWrong(sim, this.workload), ...this.#books()]);
    }
    this.nemesis.stop();
    this.workload.stop();
  }

  async #agree(): Promise<void> {
    const { sim } = this;
    sim.heal(lanConditions);
    for (const { name, state, app } of sim.nodes) {
      if (state === "down" || app?.isLeaving) sim.restart(name);
    }
    if (!(await sim.until(() => directoriesAgree(sim), within.directories))) {
      const seen = views(sim, "members");
      throw new Violation(`directories do not agree ${within.directories} after the heal\n${seen}`);
    }
    if (!(await sim.until(() => registriesAgree(sim), within.registries))) {
      const seen = views(sim, "registryView");
      throw new Violation(`registries do not agree ${within.registries} after that\n${seen}`);
    }
  }

  async #serve(): Promise<void> {
    const { sim, workload } = this;
    await sim.run(within.quiet);
    this.#mustBeEmpty("names that were started and are gone", this.#lost());
    for (const name of identities) {
      const starting = sim.nodes[0]?.within((node) => workload.ensure(node, name));
      await sim.settle(Promise.resolve(starting), { within: "10s" });
    }
    await sim.run(within.quiet);
    if (!registriesAgree(sim))
      throw new Violation(`registries fell out\n${views(sim, "registryView")}`);
    // What a half-open connection swallows is known only after something was sent on it: once.
    this.#everybodyWorks();
    await sim.run("6s");
    this.#mustBeEmpty("after heal and quiet", await oneInstanceEach(sim));
    const before = workload.outcomes.length;
    const ids = this.#everybodyWorks();
    await sim.run("6s");
    const failed = workload.outcomes.slice(before).filter(({ code }) => code !== "ok");
    this.#mustBeEmpty(
      "calls after the heal",
      failed.map(({ id, code, message }) => `${id} ended ${code}: ${message}`),
    );
    const missed = sim.nodes.flatMap(({ name, app }) =>
      ids.filter((id) => !app?.has(id)).map((id) => `${name} did not get ${id}`),
    );
    this.#mustBeEmpty("messages after the heal", missed);
    this.#mustBeEmpty("at the end", [...seenWrong(sim, workload), ...this.#books()]);
  }

  /** Every node calls every name and publishes once; gives the ids of the messages. */
  #everybodyWorks(): readonly string[] {
    const { sim, workload } = this;
    return sim.nodes.map((node) =>
      node.within((own) => {
        for (const name of identities) workload.call(own, name, { timeout: 5_000 });
        return workload.publish(own);
      }),
    );
  }

  async #leave(): Promise<void> {
    const { sim } = this;
    const leaving = sim.nodes.map((node) => node.within((own) => own.leave()));
    await sim.settle(Promise.all(leaving), { within: within.leave });
    await sim.run("10s");
    const timers = sim.nodes.filter(({ pendingTimers }) => pendingTimers > 0);
    const left = timers.map(({ name, pendingTimers }) => `${name} has ${pendingTimers} timers`);
    if (sim.openConnections > 0) left.push(`${sim.openConnections} ends of connections are open`);
    this.#mustBeEmpty("left behind after leaving", left);
  }

  /** Without a node that died, no name that was started may be gone. */
  #lost(): readonly string[] {
    if (this.nemesis.killed) return [];
    const cluster = this.sim.nodes[0]?.app?.cluster;
    // One that crashed too often is given up, and may be any of them.
    if (cluster === undefined || cluster.info().processes.failed > 0) return [];
    return [...this.workload.started].filter((name) => cluster.registry.lookup(name) === undefined);
  }

  #books(): readonly string[] {
    return balanceBooks(this.workload, this.#journal);
  }

  #mustBeEmpty(what: string, wrong: readonly string[]): void {
    if (wrong.length > 0) throw new Violation(`${what}:\n  ${wrong.slice(0, 10).join("\n  ")}`);
  }

  #report(cause: string): string {
    const { sim, swarm } = this;
    const faults = [...this.nemesis.done].map(([name, count]) => `${name} ${count}`).join(", ");
    return [
      `seed ${sim.seed} at ${sim.clock.now().toFixed(3)} ms of virtual time: ${cause}`,
      `swarm: ${JSON.stringify(swarm)}; done: ${faults}`,
      ...sim.trace.lines({ last: RELEVANT_LINES, match: ({ kind }) => !tooFrequent.has(kind) }),
      `replay: ${replayCommand(this.options)}`,
    ].join("\n");
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : "";
  return `${error.stack}${cause}`;
}

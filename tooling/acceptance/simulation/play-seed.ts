/**
 * playSeed: one run of the whole stack. Faults rage and safety is checked; then everything heals and the cluster must
 * agree with itself, serve, come to rest, and leave without a trace, all in bounded virtual time.
 */
import { createSimulator, type Simulator } from "@foundation/testkit";
import { drawPlan } from "./draw-plan.js";
import { reportOf, type Failure } from "./report.js";
import { Run } from "./run.js";
import type { RunCounts } from "./run-counts.js";
import type { StackNode } from "./stack-node.js";
import { planFor, type Plan } from "./strike.js";
import { drawSwarm, nodeName, type Swarm, type SwarmRange } from "./swarm.js";

export interface PlayOptions extends SwarmRange {
  readonly seed: string;
  /** How long faults rage, in virtual milliseconds. */
  readonly forMs: number;
  readonly verbose?: boolean;
  /** In the place of what the seed draws: a kept run stays what it was when the drawing changes. */
  readonly swarm?: Partial<Swarm>;
  /** In the place of the plan the seed draws. */
  readonly plan?: Plan;
  /** How long there is a workload, in virtual milliseconds. @default forMs */
  readonly workMs?: number;
  /** Ends when the faults do, and judges only what must hold at any time. @default false */
  readonly faultsOnly?: boolean;
  /** One more check, asked while faults rage and at the end: the sentences that are not true. */
  readonly also?: (sim: Simulator<StackNode>) => readonly string[];
}

/** What became of one seed. */
export interface Played extends RunCounts {
  readonly hash: string;
  /** Writes of the replicated map, monitors, and records that a disk gave back to a later start. */
  readonly writes: number;
  readonly monitors: number;
  readonly recordsReadBack: number;
  /** What was sent on channels. */
  readonly messages: number;
  readonly streams: number;
  /** The violation in parts. */
  readonly failure: Failure | undefined;
  readonly swarm: Swarm;
  readonly plan: Plan;
  /** The last lines of the trace: all there are of them when the play was verbose. */
  trace(): readonly string[];
}

export async function playSeed(options: PlayOptions): Promise<Played> {
  const { seed, forMs, verbose = false } = options;
  const swarm = { ...drawSwarm(seed, options), ...options.swarm };
  const names = Array.from({ length: swarm.nodes }, (_, index) => nodeName(index + 1));
  const plan = planFor(options.plan ?? drawPlan(seed, swarm, forMs), new Set(names));
  const sim = createSimulator<StackNode>({ seed, conditions: swarm.conditions, verbose });
  const run = new Run(sim, { ...options, swarm, plan, names });
  try {
    const failure = await run.play();
    return {
      seed,
      hash: sim.trace.hash,
      nodes: swarm.nodes,
      virtualMs: sim.clock.now(),
      events: sim.trace.events,
      faults: [...run.nemesis.done.values()].reduce((sum, count) => sum + count, 0),
      calls: run.workload.outcomes.length,
      published: run.workload.published.length,
      writes: run.maps.writes,
      monitors: run.workload.monitors.size,
      recordsReadBack: run.disks.readBack,
      messages: run.channels.size,
      streams: run.streams.size,
      violation: failure && reportOf(failure, options, swarm, run.nemesis.done),
      failure,
      swarm,
      plan,
      trace: () => sim.trace.lines(),
    };
  } finally {
    sim.close();
  }
}

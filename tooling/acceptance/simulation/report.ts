/** The report of a violation: seed, time, which check, the lines of the trace that help, and the command that replays it. */
import type { Simulator, TraceLine } from "@foundation/testkit";
import type { PlayOptions } from "./play-seed.js";
import type { StackNode } from "./stack-node.js";
import type { FaultName, Swarm } from "./swarm.js";

/** What was not as it must be. */
export interface Failure {
  /** Which check: a shorter run fails alike when it fails the same one. */
  readonly check: string;
  /** While faults raged, and not after the heal. */
  readonly duringFaults: boolean;
  /** Virtual time. */
  readonly atMs: number;
  readonly what: string;
  /** The last lines of the nodes involved that a reader wants. */
  readonly trace: readonly string[];
}

const LINES_MAX = 60;
const tooFrequent = new Set(["timer", "frame", "connect", "closing", "ended", "debug", "info"]);
const nodeNames = /\bn\d+\b/g;

/** The failure, as it is known at the moment it is found. */
export function failureOf(
  sim: Simulator<StackNode>,
  { check, what, duringFaults }: Omit<Failure, "atMs" | "trace">,
): Failure {
  const involved = new Set(what.match(nodeNames));
  const isInvolved = ({ node, text }: TraceLine): boolean => {
    if (involved.size === 0 || involved.has(node)) return true;
    const named = text.match(nodeNames);
    return node === "-" && (named === null || named.some((name) => involved.has(name)));
  };
  const match = (line: TraceLine): boolean => !tooFrequent.has(line.kind) && isInvolved(line);
  const trace = sim.trace.lines({ last: LINES_MAX, match });
  return { check, duringFaults, atMs: sim.clock.now(), what, trace };
}

/** The command that plays the same run again. */
export function replayCommand({ seed, nodesMin, nodesMax, forMs }: PlayOptions): string {
  return `SEED=${seed} npm run sim -- --nodes ${nodesMin}..${nodesMax} --for ${forMs / 1_000}s`;
}

export function reportOf(
  { check, atMs, what, trace }: Failure,
  options: PlayOptions,
  swarm: Swarm,
  done: ReadonlyMap<FaultName, number>,
): string {
  const faults = [...done].map(([name, count]) => `${name} ${count}`).join(", ");
  return [
    `seed ${options.seed} at ${atMs.toFixed(3)} ms of virtual time: [${check}] ${what}`,
    `swarm: ${JSON.stringify(swarm)}; done: ${faults}`,
    ...trace,
    `replay: ${replayCommand(options)}`,
  ].join("\n");
}

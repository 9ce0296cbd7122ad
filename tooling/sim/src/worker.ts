/**
 * The program of a worker: plays one task after the other, as its parent says, until the parent is gone.
 *
 * A Ctrl-C reaches all processes of a terminal: the parent decides what becomes of it.
 */
import { performance } from "node:perf_hooks";
import {
  playCores,
  playMembership,
  type CorePlayed,
  type MembershipJoined,
} from "../../acceptance/cores/index.js";
import { playCaches } from "../../acceptance/caches/index.js";
import { playConsensus, shorten } from "../../acceptance/consensus/index.js";
import { playCrowd } from "../../acceptance/crowd/crowd.js";
import { playSeed, type PlayOptions } from "../../acceptance/simulation/play-seed.js";
import { playProcesses } from "../../acceptance/processes/index.js";
import { playState } from "../../acceptance/state/index.js";
import { shrink } from "../../acceptance/simulation/shrink.js";
import type { FromWorker, Joined, Outcome, Task, WorldOptions } from "./task.js";

type ConsensusTask = Extract<Task, { type: "consensus" }>;
type Result = Omit<Outcome, "wallMs" | "cpuMs" | "rssBytesMax">;

process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit());
process.on("message", (task: Task) => void serve(task));
tell({ type: "ready" });

async function serve(task: Task): Promise<void> {
  const cost = costFromHere();
  const result = await play(task);
  const { wallMs, cpuMs } = cost();
  // In kilobytes, whatever the system.
  const rssBytesMax = process.resourceUsage().maxRSS * 1_024;
  const outcome = { ...result, wallMs, cpuMs, rssBytesMax };
  tell({ type: "done", outcome, rssBytes: process.memoryUsage.rss() });
}

async function play(task: Task): Promise<Result> {
  switch (task.type) {
    case "stack": {
      const { trace = false, options } = task;
      const played = await playSeed({ ...options, verbose: trace });
      return { ...plain(played), ...(trace && { trace: played.trace() }) };
    }
    case "shrink":
      return shrunk(task.options);
    case "crowd":
      return playCrowd(task.options);
    case "cores":
      return ofCores(await playCores(task.options));
    case "membership":
      return joinedAndMore(task.options);
    case "consensus":
      return ofConsensus(task);
    case "state": {
      const { writes, ...played } = await playState(task.options);
      const none = { hash: undefined, faults: 0, calls: 0, published: 0 };
      return plain({ ...played, ...none, events: writes });
    }
    case "processes": {
      const { counts, ...played } = await playProcesses(task.options);
      return { ...plain({ ...played, published: 0, events: counts.runs ?? 0 }), counts };
    }
    case "caches": {
      const { counts, ...played } = await playCaches(task.options);
      return { ...plain({ ...played, published: 0, events: 0 }), counts };
    }
    default:
      return task satisfies never;
  }
}

/** Only what may cross to another process. */
function plain(played: Omit<Result, "trace">): Result {
  const { seed, hash, nodes, virtualMs, events, faults, calls, published, violation } = played;
  return { seed, hash, nodes, virtualMs, events, faults, calls, published, violation };
}

function ofCores({ messages, ...played }: CorePlayed): Result {
  return plain({ ...played, events: messages, faults: 0, calls: 0, published: 0 });
}

async function joinedAndMore(options: WorldOptions): Promise<Result> {
  const cost = costFromHere();
  let joined: Joined | undefined;
  const onJoined = ({ virtualMs, messages }: MembershipJoined) => {
    joined = { virtualMs, events: messages, ...cost() };
  };
  const played = await playMembership({ ...options, faults: false, onJoined });
  const { falseSuspicions } = played;
  return {
    ...ofCores(played),
    ...(joined && { joined }),
    ...(falseSuspicions !== undefined && { falseSuspicions }),
  };
}

async function ofConsensus({ options, shortens }: ConsensusTask): Promise<Result> {
  const { seed, voters } = options;
  const short = shortens
    ? await shorten(options, (line) => tell({ type: "tell", line }))
    : undefined;
  const played = short?.played ?? (await playConsensus(options));
  const { virtualMs, events, operations, deeds, violation, undecided, counts } = played;
  const said =
    violation &&
    (short?.report ??
      `seed ${seed}, ${voters} voters, at ${violation.atMs.toFixed(1)} ms: [${violation.check}] ${violation.what}`);
  return {
    ...plain({
      seed,
      hash: undefined,
      nodes: voters,
      virtualMs,
      events,
      faults: deeds.length,
      calls: operations,
      published: 0,
      violation: said,
    }),
    counts: { ...counts, undecided },
  };
}

/** What passes from now until it is asked. */
function costFromHere(): () => Pick<Outcome, "wallMs" | "cpuMs"> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1_000 };
  };
}

async function shrunk(options: PlayOptions): Promise<Result> {
  const played = await playSeed(options);
  if (played.violation === undefined) {
    const violation = `seed ${options.seed} failed, and passes when it is played again: it is not deterministic`;
    return plain({ ...played, violation });
  }
  const small = await shrink(options, played, (line) => tell({ type: "tell", line }));
  const keep = `to keep it as a test, add to tooling/sim/seeds.json, saying what it found:`;
  const entry = JSON.stringify({ ...small.options, verbose: undefined, found: "" });
  return plain({ ...small.played, violation: `${small.report}\n${keep}\n${entry}` });
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

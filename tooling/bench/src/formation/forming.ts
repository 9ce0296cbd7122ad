/** Forming: one cluster of processes from nothing until every node lists every node. All have ended when it answers. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { processorMicrosOf } from "../noise.js";
import { BuiltProcess } from "../processes/built-process.js";
import { erlangNodes } from "../processes/erlang.js";
import { freePorts, scratchFolder } from "../processes/programs.js";
import { systemMs } from "../processes/system-time.js";
import { median } from "../report.js";
import { GC_ARGUMENT } from "../security/node-memory.js";
import type { CrowdFound, CrowdHeard, CrowdTask, Heard, Phases, Task, Told } from "./messages.js";

const FORMED_MS_MAX = 60_000;
/** With its rest, its broadcast and its last links. */
const CROWD_MS_MAX = 90_000;
/** What booting leaves behind is gone after this. */
const REST_MS = 300;
const PEERS = fileURLToPath(new URL("../../peers/package.json", import.meta.url));

/** What is told of the one and the other kind of start. */
const FROM_START = ["runs", "loaded", "started", "formed"] as const;
const FROM_BOOTED = ["called", "started", "formed"] as const;

export interface Formed {
  /**
   * Until the last node lists all: from before the first process is started, or from when all are
   * told to begin.
   */
  readonly seconds: number;
  /** Of the processor, by all processes since their start. */
  readonly cpuSeconds: number;
  /** Where the time went, for people: when the last process was so far. */
  readonly phases?: string;
}

/** @param waits whether all processes are there, with their modules loaded, before any node starts */
export async function formNodes(
  program: string,
  contestant: string,
  nodes: number,
  waits: boolean,
): Promise<Formed> {
  await using folder = await scratchFolder();
  // The package whose name an unconfigured cluster takes.
  await writeFile(join(folder.path, "package.json"), JSON.stringify({ name: "formation" }));
  const options = { cwd: folder.path, env: { XDG_RUNTIME_DIR: folder.path } };
  const [seedPort = 0, discoveryPort = 0] = await freePorts(2);
  const processes: BuiltProcess<Heard, Told>[] = [];
  try {
    let fromMs = systemMs();
    for (let index = 0; index < nodes; index += 1) {
      const place = { index, nodes, seedPort, discoveryPort, peers: PEERS };
      const task: Task = { ...place, contestant, waits };
      processes.push(new BuiltProcess(program, task, options));
    }
    if (waits) {
      await Promise.all(processes.map((each) => each.first("booted", FORMED_MS_MAX)));
      await sleep(REST_MS);
      fromMs = systemMs();
      for (const each of processes) each.tell({ type: "go" });
    }
    const formed = await Promise.all(processes.map((each) => each.first("formed", FORMED_MS_MAX)));
    const cpuSeconds = processorSeconds(processes);
    const phases = formed.map((each) => each.phases);
    const parts = (waits ? FROM_BOOTED : FROM_START).map(
      (phase) => `${phase} ${lastOf(phases, phase, fromMs).toFixed(3)} s ${cpuOf(phases, phase)}`,
    );
    return { seconds: lastOf(phases, "formed", fromMs), cpuSeconds, phases: parts.join(", ") };
  } finally {
    await Promise.all(processes.map((each) => each[Symbol.asyncDispose]()));
  }
}

/** When the last process was so far, in s. */
function lastOf(all: readonly Phases[], phase: keyof Phases, fromMs: number): number {
  return (Math.max(...all.map((phases) => phases[phase].atMs)) - fromMs) / 1_000;
}

/** What each had taken until then. */
function cpuOf(all: readonly Phases[], phase: keyof Phases): string {
  const cpuMs = median(all.map((phases) => phases[phase].cpuMs));
  return `(CPU ${cpuMs.toFixed(0)} ms each)`;
}

/** The same with nodes of distributed Erlang. @throws {Unavailable} without it */
export async function formErlang(nodes: number, waits: boolean): Promise<Formed> {
  await using erlang = await erlangNodes("formation_peer");
  const args = ["n0@127.0.0.1", `${nodes}`, waits ? "waits" : "goes"];
  const start = (i: number) => {
    const own = [`n${i}@127.0.0.1`, ...args];
    return waits ? erlang.startUnnamed("start", own) : erlang.start(`n${i}`, "start", own);
  };
  // Erlang tells the time of day.
  let fromMs = Date.now();
  const started = Array.from({ length: nodes }, (_, i) => start(i));
  if (waits) {
    await Promise.all(started.map((node) => node.answer()));
    await sleep(REST_MS);
    fromMs = Date.now();
    for (const node of started) node.tell("go");
  }
  const formed = await Promise.all(started.map((node) => node.answer()));
  const cpuSeconds = processorSeconds(started);
  const formedMs = Math.max(...formed.map(({ formedUs = Number.NaN }) => formedUs / 1_000));
  return { seconds: (formedMs - fromMs) / 1_000, cpuSeconds };
}

/** Many nodes in one process. */
export async function formCrowd(program: string, task: CrowdTask): Promise<CrowdFound> {
  await using crowd = new BuiltProcess<CrowdHeard, never>(program, task, {
    flags: [GC_ARGUMENT],
  });
  return (await crowd.first("found", CROWD_MS_MAX)).found;
}

function processorSeconds(processes: readonly { readonly pid: number }[]): number {
  const micros = processes.map(({ pid }) => processorMicrosOf(pid) ?? Number.NaN);
  return micros.reduce((sum, each) => sum + each, 0) / 1e6;
}

/**
 * What a group's memory does and what its start takes, with a real log on a real disk: an hour's worth of writes with
 * snapshots (a thousand a second, as fast as they go), a start from a log of a million entries, and what a key costs.
 * One voter: what is measured is the store, the log and the snapshots, which every voter has alike.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeId, nodeRandom, type NodeId } from "@foundation/core";
import { WorkerProcess } from "../processes/worker-process.js";
import type { Verdict } from "../report.js";
import { GC_ARGUMENT, MIB } from "../security/node-memory.js";
import type { Benchmark, RunOptions } from "../suite.js";
import type { Opened, Order, State } from "./voter.js";

const HOUR_WRITES = 3_600_000;
const SAMPLES = 30;
/** The log in memory grows up to a snapshot and falls with it, so highest samples are compared. */
const COMPARED = 8;
/** Of the last samples to the first ones behind the first tenth: caches and histories are full by then. */
const GROWTH_MAX = 1.2;
const ENTRIES = 1_000_000;
const RESTART_SECONDS_MAX = 5;
/** Beside its 13 bytes and its value's 100. */
const KEY_BYTES_MAX = 400;
const WRITES_AT_ONCE = 20_000;
const HOUR_KEYS = 1_000;

export const consensusMemorySuite: Benchmark = { name: "consensus-memory", run };

interface Part {
  readonly aims: readonly Verdict[];
  readonly found: object;
}

const parts: Readonly<Record<string, (quick: boolean, say: RunOptions["say"]) => Promise<Part>>> = {
  hour,
  restart,
};

async function run({ quick, say, only }: RunOptions) {
  if (!process.execArgv.includes(GC_ARGUMENT)) process.execArgv.push(GC_ARGUMENT);
  const aims: Verdict[] = [];
  const found: Record<string, object> = {};
  for (const [name, part] of Object.entries(parts)) {
    if (only !== undefined && !only.includes(name)) continue;
    const result = await part(quick, say);
    found[name] = result.found;
    aims.push(...result.aims);
    for (const { name: aim, target, value, met } of result.aims) {
      say(`${met ? "✓" : "✗"} ${aim}: ${value} (aim at most ${target})`);
    }
  }
  const ok = aims.length > 0 && aims.every(({ met }) => met);
  return { ok, aims, suite: "consensus-memory", repetitions: 1, found };
}

/** A history is full after a tenth of the writes, however many there are. */
const revisionsFor = (writes: number) => Math.min(100_000, writes / 20);
/** In a short run there are as many snapshots as in a long one, and the window of newest entries is full as soon. */
const scaled = (quick: boolean) =>
  quick ? { snapshotLogBytes: 400_000, windowBytesAim: 100_000 } : {};
/** Never: a log that no snapshot replaces. */
const NEVER = 2 ** 40;

function hour(quick: boolean, say: RunOptions["say"]): Promise<Part> {
  const writes = quick ? HOUR_WRITES / 60 : HOUR_WRITES;
  return onDisk(async (directory, id) => {
    await using voter = newVoter();
    const revisions = revisionsFor(writes);
    await opened(voter, { type: "open", directory, id, revisions, ...scaled(quick) });
    const heldBytes: number[] = [];
    for (let sample = 1; sample <= SAMPLES; sample += 1) {
      await write(voter, writes / SAMPLES, HOUR_KEYS);
      const { memory, appliedIndex } = (await voter.ask({ type: "state" })) as State;
      heldBytes.push(memory.heldBytes);
      const held = (memory.heldBytes / MIB).toFixed(1);
      say(
        `hour: ${appliedIndex} entries, ${held} MiB held, ${toMib(memory.rssBytes)} MiB resident`,
      );
    }
    const first = Math.max(...heldBytes.slice(SAMPLES / 10, SAMPLES / 10 + COMPARED));
    const growth = round(Math.max(...heldBytes.slice(-COMPARED)) / first);
    const name = `${writes} writes with snapshots: memory at the end to that behind the first tenth`;
    return {
      aims: [atMost(name, growth, GROWTH_MAX)],
      found: { writes, heldMib: heldBytes.map(toMib) },
    };
  });
}

function restart(quick: boolean, say: RunOptions["say"]): Promise<Part> {
  const entries = quick ? ENTRIES / 50 : ENTRIES;
  return onDisk(async (directory, id) => {
    const order = {
      type: "open",
      directory,
      id,
      snapshotLogBytes: NEVER,
      revisions: 1_000,
    } as const;
    const before = await written(order, entries);
    await using voter = newVoter();
    const start = await opened(voter, order);
    const state = (await voter.ask({ type: "state" })) as State;
    if (start.appliedIndex < entries || state.keys !== entries) {
      throw new Error(`a start from ${entries} entries found ${state.keys} keys`);
    }
    const { seconds, cpuSeconds } = start;
    const keyBytes = Math.round(before.perKeyBytes);
    say(`restart: ${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of CPU`);
    say(
      `restart: ${keyBytes} bytes held for each key and its entry of the log, which no snapshot replaces here`,
    );
    return {
      aims: [
        atMost(`restart s with ${entries} entries`, round(seconds), RESTART_SECONDS_MAX),
        atMost("bytes a key, its entry in the log included", keyBytes, 2 * KEY_BYTES_MAX),
      ],
      found: { entries, seconds, cpuSeconds, keyBytes, residentMib: toMib(state.memory.rssBytes) },
    };
  });
}

/** A log of so many entries, each of a key of its own; the process that wrote it has ended. */
async function written(order: Order, entries: number): Promise<{ readonly perKeyBytes: number }> {
  await using voter = newVoter();
  await opened(voter, order);
  const empty = (await voter.ask({ type: "state" })) as State;
  await write(voter, entries, entries);
  const full = (await voter.ask({ type: "state" })) as State;
  await voter.ask({ type: "close" });
  return { perKeyBytes: (full.memory.heldBytes - empty.memory.heldBytes) / entries };
}

async function opened(voter: WorkerProcess<Order>, order: Order): Promise<Opened> {
  await voter.ask(order);
  for (;;) {
    const found = (await voter.ask({ type: "opened" })) as Opened | null;
    if (found !== null) return found;
  }
}

async function write(voter: WorkerProcess<Order>, writes: number, keys: number): Promise<void> {
  for (let left = writes; left > 0; left -= WRITES_AT_ONCE) {
    await voter.ask({ type: "write", count: Math.min(left, WRITES_AT_ONCE), keys });
  }
}

const newVoter = () => new WorkerProcess<Order>(new URL("./voter.ts", import.meta.url));

async function onDisk(work: (directory: string, id: NodeId) => Promise<Part>): Promise<Part> {
  const directory = await mkdtemp(join(tmpdir(), "consensus-memory-"));
  try {
    return await work(directory, createNodeId(nodeRandom()));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function atMost(name: string, value: number, target: number): Verdict {
  return { name, bound: "at most", target, value, met: value <= target };
}

const toMib = (bytes: number) => Math.round(bytes / MIB);
const round = (value: number) => Math.round(value * 100) / 100;

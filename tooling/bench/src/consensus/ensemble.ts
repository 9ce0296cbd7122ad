/** Three voters of ours on loopback, each a process with a data directory on the disk that is measured. */
import { join } from "node:path";
import { createNodeId, nodeRandom, type NodeId } from "@foundation/core";
import { BuiltProcess } from "../processes/built-process.js";
import { freePorts, scratchFolder } from "../processes/programs.js";
import { systemMs } from "../processes/system-time.js";
import { isOver, longestSilence } from "./gap.js";
import { together } from "./load.js";
import type { Heard, Kind, LoadFound, MemberTask, Told } from "./messages.js";

const READY_MS_MAX = 30_000;
/** A load's last answers may come so much later. */
const LOAD_GRACE_MS = 30_000;

type Voter = BuiltProcess<Heard, Told>;

export class Ensemble implements AsyncDisposable {
  readonly #program: string;
  readonly #tasks: readonly MemberTask[];
  readonly #folder: AsyncDisposable;
  readonly #voters: Voter[];

  private constructor(program: string, tasks: readonly MemberTask[], folder: AsyncDisposable) {
    this.#program = program;
    this.#tasks = tasks;
    this.#folder = folder;
    this.#voters = tasks.map((task) => new BuiltProcess(program, task));
  }

  static async start(program: string, count: number): Promise<Ensemble> {
    const folder = await scratchFolder();
    const random = nodeRandom();
    const ids = Array.from({ length: count }, () => createNodeId(random));
    const ports = await freePorts(count);
    const tasks = ids.map((_, index) => {
      return { index, ids, ports, folder: join(folder.path, `voter-${index}`) };
    });
    const ensemble = new Ensemble(program, tasks, folder);
    try {
      await ensemble.leader();
      return ensemble;
    } catch (error) {
      await ensemble[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Which of the voters leads, once all that run agree on one that runs. */
  async leader(): Promise<number> {
    const untilMs = performance.now() + READY_MS_MAX;
    for (;;) {
      const told = this.#voters.map((voter) => leaderOf(voter));
      const [first] = told;
      const ids: readonly NodeId[] = this.#tasks[0]?.ids ?? [];
      if (first !== undefined && told.every((id) => id === first)) return ids.indexOf(first);
      if (performance.now() > untilMs) throw new Error("The voters elected no leader in time");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** At these voters, with so many clients each, at the same time. */
  async load(kind: Kind, clients: readonly number[], forMs: number): Promise<LoadFound> {
    const loaded = clients.flatMap((count, index) => {
      const voter = this.#voters[index];
      if (voter === undefined || count === 0) return [];
      const before = loadsOf(voter);
      voter.tell({ type: "load", kind, clients: count, forMs });
      return [nextLoad(voter, before, forMs + LOAD_GRACE_MS)];
    });
    return together(await Promise.all(loaded));
  }

  /** Of all voters together. */
  async fsyncs(): Promise<number> {
    const counts = await Promise.all(
      this.#voters.map(async (voter) => {
        const before = voter.heard.length;
        voter.tell({ type: "count" });
        const heard = await laterThan(voter, before, "counted", READY_MS_MAX);
        return heard.fsyncs;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Kills the leader while the others write, one after the other, and gives how long none of them could. */
  async gapMs(): Promise<number> {
    const leader = await this.leader();
    const others = this.#voters.filter((_, index) => index !== leader);
    for (const voter of others) voter.tell({ type: "probe" });
    const marks = others.map((voter) => voter.heard.length);
    const writes = () =>
      others.flatMap((voter, i) =>
        voter.heard.slice(marks[i]).filter((each) => each.type === "wrote"),
      );
    for (const voter of others) await laterThan(voter, voter.heard.length, "wrote", READY_MS_MAX);
    const killedMs = systemMs();
    this.#voters[leader]?.signal("SIGKILL");
    for (const [i, voter] of others.entries()) {
      await until(voter, READY_MS_MAX, () => {
        const own = voter.heard.slice(marks[i]).filter((each) => each.type === "wrote");
        return isOver(own, killedMs) ? true : undefined;
      });
    }
    for (const voter of others) voter.tell({ type: "stop-probe" });
    const gapMs = longestSilence(writes(), killedMs);
    await this.#restart(leader);
    return gapMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#voters.map((voter) => voter[Symbol.asyncDispose]()));
    await this.#folder[Symbol.asyncDispose]();
  }

  async #restart(index: number): Promise<void> {
    await this.#voters[index]?.[Symbol.asyncDispose]();
    const task = this.#tasks[index];
    if (task === undefined) return;
    const voter: Voter = new BuiltProcess(this.#program, task);
    this.#voters[index] = voter;
    await voter.first("up", READY_MS_MAX);
    await this.leader();
  }
}

function leaderOf(voter: Voter): NodeId | undefined {
  const told = voter.heard.findLast(({ type }) => type === "leader");
  return told?.type === "leader" ? told.id : undefined;
}

function loadsOf(voter: Voter): number {
  return voter.heard.filter(({ type }) => type === "loaded").length;
}

async function nextLoad(voter: Voter, before: number, withinMs: number): Promise<LoadFound> {
  const found = await until(voter, withinMs, () => {
    const all = voter.heard.filter((each) => each.type === "loaded");
    return all.length > before ? all.at(-1) : undefined;
  });
  return found.found;
}

async function laterThan<Type extends Heard["type"]>(
  voter: Voter,
  mark: number,
  type: Type,
  withinMs: number,
): Promise<Extract<Heard, { readonly type: Type }>> {
  type Meant = Extract<Heard, { readonly type: Type }>;
  return await until(voter, withinMs, () =>
    voter.heard.slice(mark).find((each): each is Meant => each.type === type),
  );
}

async function until<Found>(
  voter: Voter,
  withinMs: number,
  look: () => Found | undefined,
): Promise<Found> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > untilMs) throw new Error(`A voter (${voter.pid}) did not answer`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Voters: the processes of one group, each on a host of its own, and what can be done to them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createNodeId, nodeRandom, type NodeId } from "@foundation/core";
import { Hosts } from "../../../acceptance/worlds/namespaces/hosts.js";
import { BuiltProcess } from "../../../bench/src/processes/built-process.js";
import type { Answer, Heard, Input, Told, VoterTask } from "./messages.js";

const PORT = 7_000;
const READY_MS_MAX = 30_000;
const AGREED_MS_MAX = 60_000;
/** What a process told is read again from where it was read before. */
const LOOK_MS = 2;

type Process = BuiltProcess<Heard, Told>;

interface Voter {
  task: VoterTask;
  /** Absent while it is killed. */
  process: Process | undefined;
  isPaused: boolean;
  /** Whom it named last. */
  leader: NodeId | undefined;
  /** Why it takes part no more. */
  failure: string | undefined;
  readonly waiting: Map<number, (answer: Answer | undefined) => void>;
}

export class Voters implements AsyncDisposable {
  readonly hosts: Hosts;
  readonly #program: string;
  readonly #folder: string;
  readonly #voters: readonly Voter[];
  #asked = 0;

  private constructor(program: string, hosts: Hosts, folder: string, count: number) {
    this.#program = program;
    this.hosts = hosts;
    this.#folder = folder;
    const ids = Array.from({ length: count }, () => createNodeId(nodeRandom()));
    const addresses = ids.map((_, i) => hosts.addressOf(nameOf(i)));
    this.#voters = ids.map((_, index) => {
      const place = { index, ids, hosts: addresses, port: PORT };
      const task = { ...place, folder: join(folder, nameOf(index)), starts: 0 };
      const state = { process: undefined, isPaused: false, leader: undefined, failure: undefined };
      return { task, ...state, waiting: new Map() };
    });
  }

  /** Starts them all, and waits until they have a leader. */
  static async start(program: string, count: number): Promise<Voters> {
    const names = Array.from({ length: count }, (_, i) => nameOf(i));
    const hosts = await Hosts.create(names);
    const folder = await mkdtemp(join(tmpdir(), "chaos-"));
    const voters = new Voters(program, hosts, folder, count);
    try {
      await voters.startAll();
      await voters.agreed();
      return voters;
    } catch (error) {
      await voters[Symbol.asyncDispose]();
      throw error;
    }
  }

  get count(): number {
    return this.#voters.length;
  }

  /** Those whose process runs and is not stopped. */
  get running(): readonly number[] {
    return this.#voters.flatMap(({ process, isPaused }, i) =>
      process === undefined || isPaused ? [] : [i],
    );
  }

  /** Who leads, as most of those that run say. */
  get leader(): number | undefined {
    const named = this.#voters.flatMap(({ leader }) => (leader === undefined ? [] : [leader]));
    const [most] = named.toSorted((a, b) => countOf(named, b) - countOf(named, a));
    const index = this.#voters.findIndex(({ task }) => task.ids[task.index] === most);
    return index < 0 ? undefined : index;
  }

  name(index: number): string {
    return nameOf(index);
  }

  /** Undefined: its process ended first, so nobody knows. */
  async ask(
    index: number,
    key: string,
    input: Input,
    timeoutMs: number,
  ): Promise<Answer | undefined> {
    const voter = this.#voters[index];
    if (voter?.process === undefined) return { type: "answer", id: 0, ...notAsked };
    this.#asked += 1;
    const id = this.#asked;
    const answered = new Promise<Answer | undefined>((resolve) => voter.waiting.set(id, resolve));
    voter.process.tell({ type: "ask", id, key, input, timeoutMs });
    return await answered;
  }

  tell(index: number, told: Told): void {
    this.#voters[index]?.process?.tell(told);
  }

  /** SIGKILL. */
  async kill(index: number): Promise<void> {
    const voter = this.#voters[index];
    const process = voter?.process;
    if (voter === undefined || process === undefined) return;
    voter.process = undefined;
    voter.isPaused = false;
    voter.leader = undefined;
    await process[Symbol.asyncDispose]();
    // What it told in its last moment is not read any more: nobody knows.
    for (const resolve of voter.waiting.values()) resolve(undefined);
    voter.waiting.clear();
  }

  pause(index: number): void {
    const voter = this.#voters[index];
    if (voter?.process === undefined) return;
    voter.isPaused = true;
    voter.process.signal("SIGSTOP");
  }

  resume(index: number): void {
    const voter = this.#voters[index];
    if (voter?.process === undefined) return;
    voter.process.signal("SIGCONT");
    voter.isPaused = false;
  }

  /** All that do not run. */
  async startAll(): Promise<void> {
    const stopped = this.#voters.filter(({ process }) => process === undefined);
    await Promise.all(stopped.map((voter) => this.#start(voter)));
  }

  async restart(index: number): Promise<void> {
    const voter = this.#voters[index];
    if (voter !== undefined && voter.process === undefined) await this.#start(voter);
  }

  /** Waits until all name one leader. @throws {Error} in vain */
  async agreed(): Promise<void> {
    const untilMs = performance.now() + AGREED_MS_MAX;
    for (;;) {
      const told = this.#voters.map(({ leader }) => leader);
      if (told[0] !== undefined && told.every((id) => id === told[0])) return;
      if (performance.now() > untilMs) {
        throw new Error(`The voters agree on no leader within ${AGREED_MS_MAX} ms: ${told.join()}`);
      }
      await sleep(20);
    }
  }

  /** Those that take part no more, though their process runs. */
  get failed(): readonly number[] {
    return this.#voters.flatMap(({ failure }, index) => (failure === undefined ? [] : [index]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#voters.map((_, index) => this.kill(index)));
    await this.hosts.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(voter: Voter): Promise<void> {
    const { task } = voter;
    voter.task = { ...task, starts: task.starts + 1 };
    const namespace = this.hosts.namespaceOf(nameOf(task.index));
    const process: Process = new BuiltProcess(this.#program, voter.task, { namespace });
    voter.process = process;
    voter.leader = undefined;
    voter.failure = undefined;
    void this.#listen(voter, process);
    await process.first("up", READY_MS_MAX);
  }

  async #listen(voter: Voter, process: Process): Promise<void> {
    let read = 0;
    while (voter.process === process) {
      for (; read < process.heard.length; read += 1) {
        const heard = process.heard[read];
        if (heard !== undefined) note(voter, heard);
      }
      await sleep(LOOK_MS);
    }
  }
}

const notAsked = { outcome: "not-applied", code: "not asked" } as const;

function nameOf(index: number): string {
  return `v${index}`;
}

function note(voter: Voter, heard: Heard): void {
  if (heard.type === "leader") voter.leader = heard.id;
  else if (heard.type === "failed") voter.failure = heard.message;
  else if (heard.type === "answer") {
    voter.waiting.get(heard.id)?.(heard);
    voter.waiting.delete(heard.id);
  }
}

function countOf<T>(all: readonly T[], one: T): number {
  return all.filter((each) => each === one).length;
}

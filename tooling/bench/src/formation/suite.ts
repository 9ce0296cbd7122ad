/**
 * The formation suite: how long it takes until all N nodes list all N, from nothing. Processes of the
 * operating system with their start, and from the moment all of them have booted; and many nodes in
 * one process. Beside a full mesh of bare `ws`, which is the limit, distributed Erlang and Moleculer.
 *
 * A node lists another when its own member list has it, in whatever way the contestant knows that; a
 * full mesh of ours counts as formed when every list is complete, and the time until its last link
 * is up, which is filled in behind, is a second figure.
 */
import { measured } from "../measured.js";
import { quietMoment, watchForeign } from "../noise.js";
import { builtProgram } from "../processes/built-program.js";
import { installPeers } from "../processes/install-peers.js";
import { Unavailable, type Aim, type Benchmark } from "../suite.js";
import type { Measure, Reading, RunOptions, Suite } from "../suite.js";
import { catalogue, MOLECULER, OURS, OURS_CLUSTER, WS_MESH } from "./catalogue.js";
import { formCrowd, formErlang, formNodes, type Formed } from "./forming.js";
import type { CrowdFound } from "./messages.js";

const ERLANG = "erlang";
/** Whose time from booted to formed is an aim's, or shown with it. */
const TOLD_TO_BEGIN = [OURS, OURS_CLUSTER, WS_MESH, ERLANG];
const KIB = 1_024;

/** So many nodes in one process. */
interface Crowd {
  readonly nodes: number;
  /** @default the one that nodes of this number take by themselves, a full mesh */
  readonly topology?: "hyparview";
  /** Until all list all, at most. Absent: a broadcast must reach all. */
  readonly secondsMax?: number;
}

interface Sizes {
  /** Processes of the operating system. */
  readonly processes: readonly number[];
  readonly crowds: readonly Crowd[];
}

const full: Sizes = {
  processes: [2, 10, 25],
  crowds: [
    { nodes: 50, secondsMax: 1.2 },
    { nodes: 100, secondsMax: 3 },
    { nodes: 300, topology: "hyparview" },
  ],
};
const quick: Sizes = {
  processes: [2, 5],
  crowds: [
    { nodes: 20, secondsMax: 1.2 },
    { nodes: 30, topology: "hyparview" },
  ],
};

const fromStart = (nodes: number) => `s from start, N = ${nodes}`;
const fromBooted = (nodes: number) => `s from booted, N = ${nodes}`;
const cpu = (nodes: number) => `CPU s, N = ${nodes}`;
const inProcess = (nodes: number) => `s in one process, N = ${nodes}`;
const inProcessCpu = (nodes: number) => `CPU s in one process, N = ${nodes}`;
const linksThen = (nodes: number) => `links a node then, N = ${nodes}`;
const everyLink = (nodes: number) => `s until every link, N = ${nodes}`;
const held = (nodes: number) => `KiB held a node, N = ${nodes}`;
const resident = (nodes: number) => `KiB resident a node, N = ${nodes}`;
const reached = (nodes: number) => `broadcast reached, N = ${nodes}`;
const broadcastMs = (nodes: number) => `broadcast ms, N = ${nodes}`;

export const formationSuite: Benchmark = {
  name: "formation",
  run: (options) => measured(suiteOf(options.quick ? quick : full)).run(options),
};

/** The suite for these sizes. */
export function suiteOf(sizes: Sizes): Suite {
  const programs = { worker: "", crowd: "" };
  /** Why the peers cannot run, or nothing. */
  let peersMissing: string | undefined;
  return {
    name: "formation",
    contestants: [...Object.keys(catalogue), ERLANG],
    measures: measuresOf(sizes),
    aims: aimsOf(sizes),
    async prepare(chosen, say) {
      peersMissing = chosen.includes(MOLECULER) ? await installPeers(say) : undefined;
      const worker = await builtProgram(new URL("./worker.ts", import.meta.url));
      const crowd = await builtProgram(new URL("./crowd.ts", import.meta.url));
      Object.assign(programs, { worker: worker.file, crowd: crowd.file });
      return {
        async [Symbol.asyncDispose]() {
          await worker[Symbol.asyncDispose]();
          await crowd[Symbol.asyncDispose]();
        },
      };
    },
    async measure(contestant, { say }) {
      if (contestant === MOLECULER && peersMissing !== undefined) {
        throw new Unavailable(peersMissing);
      }
      const sheet = new Sheet(contestant, say);
      const form = (nodes: number, waits: boolean) =>
        contestant === ERLANG
          ? formErlang(nodes, waits)
          : formNodes(programs.worker, contestant, nodes, waits);
      for (const nodes of sizes.processes) {
        await sheet.start(nodes, () => form(nodes, false));
        if (!TOLD_TO_BEGIN.includes(contestant)) continue;
        await sheet.begin(nodes, () => form(nodes, true));
      }
      if (![OURS, WS_MESH].includes(contestant)) return sheet.readings;
      for (const { nodes, topology } of sizes.crowds) {
        const chosen = topology === undefined ? {} : { topology };
        if (topology !== undefined && contestant !== OURS) continue;
        const task = { contestant, nodes, ...chosen };
        await sheet.crowd(nodes, () => formCrowd(programs.crowd, task));
      }
      return sheet.readings;
    },
  };
}

function measuresOf({ processes, crowds }: Sizes): readonly Measure[] {
  return [
    ...processes.flatMap((nodes) => [
      { name: fromStart(nodes), decimals: 3 },
      { name: fromBooted(nodes), decimals: 3 },
      { name: cpu(nodes), decimals: 2 },
    ]),
    ...crowds.flatMap(({ nodes }) => [
      { name: inProcess(nodes), decimals: 3 },
      { name: inProcessCpu(nodes), decimals: 2 },
      { name: linksThen(nodes), decimals: 1 },
      { name: everyLink(nodes), decimals: 3 },
      { name: held(nodes), decimals: 0 },
      { name: resident(nodes), decimals: 0 },
      { name: reached(nodes), decimals: 3 },
      { name: broadcastMs(nodes), decimals: 0 },
    ]),
  ];
}

function aimsOf({ processes, crowds }: Sizes): readonly Aim[] {
  const ours = { of: OURS, beside: [OURS_CLUSTER], bound: "at most" } as const;
  return [
    ...processes.flatMap((nodes): readonly Aim[] => [
      { ...ours, measure: fromStart(nodes), against: WS_MESH, target: 1.5 },
      { ...ours, measure: fromStart(nodes), against: ERLANG, target: 1 },
      { ...ours, measure: fromStart(nodes), against: MOLECULER, target: 1 },
      {
        measure: fromBooted(nodes),
        of: OURS_CLUSTER,
        beside: [OURS],
        against: ERLANG,
        bound: "at most",
        target: 1 / 3,
      },
    ]),
    ...crowds.map(
      ({ nodes, secondsMax }): Aim =>
        secondsMax === undefined
          ? { measure: reached(nodes), of: OURS, bound: "at least", target: 1 }
          : {
              measure: inProcess(nodes),
              of: OURS,
              bound: "at most",
              target: secondsMax,
              beside: [WS_MESH],
            },
    ),
  ];
}

/** Collects the readings of one contestant, with how much of the processors others used meanwhile. */
class Sheet {
  readonly readings: Reading[] = [];
  readonly #contestant: string;
  readonly #say: RunOptions["say"];
  #foreign: number | undefined;

  constructor(contestant: string, say: RunOptions["say"]) {
    this.#contestant = contestant;
    this.#say = say;
  }

  async start(nodes: number, form: () => Promise<Formed>): Promise<void> {
    const formed = await this.#undisturbed(fromStart(nodes), form);
    if (formed === undefined) return;
    this.#add(fromStart(nodes), formed.seconds);
    this.#add(cpu(nodes), formed.cpuSeconds);
    this.#tell(fromStart(nodes), formed.seconds, formed.phases);
  }

  async begin(nodes: number, form: () => Promise<Formed>): Promise<void> {
    const formed = await this.#undisturbed(fromBooted(nodes), form);
    if (formed === undefined) return;
    this.#add(fromBooted(nodes), formed.seconds);
    this.#tell(fromBooted(nodes), formed.seconds, formed.phases);
  }

  async crowd(nodes: number, form: () => Promise<CrowdFound>): Promise<void> {
    const found = await this.#undisturbed(inProcess(nodes), form);
    if (found === undefined) return this.#add(reached(nodes), 0);
    const { formedMs, linkedMs, heldBytes, residentBytes, broadcast } = found;
    this.#add(inProcess(nodes), formedMs / 1_000);
    this.#add(inProcessCpu(nodes), found.cpuMs / 1_000);
    this.#add(linksThen(nodes), found.linksThen);
    if (linkedMs !== undefined) this.#add(everyLink(nodes), linkedMs / 1_000);
    this.#add(held(nodes), heldBytes / KIB);
    this.#add(resident(nodes), residentBytes / KIB);
    if (broadcast !== undefined) {
      this.#add(reached(nodes), broadcast.reached);
      this.#add(broadcastMs(nodes), broadcast.tookMs);
    }
    this.#tell(inProcess(nodes), formedMs / 1_000);
  }

  /**
   * Takes a reading in a quiet moment; its processes have ended when it is there. What does not form
   * takes for ever: of ours that is a reading, so that no failure is left out of a median. Of others
   * it is none, so that nothing is held against them.
   */
  async #undisturbed<T>(measure: string, take: () => Promise<T>): Promise<T | undefined> {
    this.#foreign = undefined;
    await quietMoment();
    // Children that have ended count as this process's own.
    const foreign = watchForeign([]);
    try {
      return await take();
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      this.#say(`  ${this.#contestant}, ${measure}: failed: ${String(error)}`);
      if ([OURS, OURS_CLUSTER].includes(this.#contestant)) {
        this.#add(measure, Number.POSITIVE_INFINITY);
      }
      return undefined;
    } finally {
      this.#foreign = foreign();
    }
  }

  #add(measure: string, value: number): void {
    const foreign = this.#foreign === undefined ? {} : { foreign: this.#foreign };
    this.readings.push({ contestant: this.#contestant, measure, value, ...foreign });
  }

  #tell(measure: string, seconds: number, phases?: string): void {
    const where = phases === undefined ? "" : ` (the last: ${phases})`;
    this.#say(`  ${this.#contestant}, ${measure}: ${seconds.toFixed(3)}${where}`);
  }
}

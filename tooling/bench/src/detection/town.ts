/**
 * Town: node processes of one cluster, what they say of each other, and how one that is gone is
 * replaced. Each lives in a spot: a host, in a network namespace of its own where that is wanted.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BuiltProcess } from "../processes/built-process.js";
import type { Heard, Look, News, NodeTask, View } from "./messages.js";

const START_MS_MAX = 30_000;
const SETTLED_MS_MAX = 90_000;
const LOOK_MS = 100;
/** A newcomer is told of so many others. */
const TOLD_OF = 3;

export interface Spot {
  /** What it listens on. */
  readonly host: string;
  readonly namespace?: string;
}

export interface Resident {
  readonly spot: Spot;
  readonly id: string;
  readonly address: string;
  readonly process: BuiltProcess<Heard, Look>;
}

export class Town implements AsyncDisposable {
  readonly #program: string;
  readonly #processes = new Set<Resident["process"]>();
  readonly #size: number;
  #residents: readonly Resident[] = [];
  #looks = 0;

  private constructor(program: string, size: number) {
    this.#program = program;
    this.#size = size;
  }

  /** Starts a node in each spot and waits until all is settled. */
  static async start(program: string, spots: readonly Spot[]): Promise<Town> {
    const town = new Town(program, spots.length);
    try {
      const [first, ...others] = spots as [Spot, ...Spot[]];
      await town.#moveIn(first);
      await Promise.all(others.map((spot) => town.#moveIn(spot)));
      await town.settled();
      return town;
    } catch (error) {
      await town[Symbol.asyncDispose]();
      throw error;
    }
  }

  get residents(): readonly Resident[] {
    return this.#residents;
  }

  others(than: Resident): readonly Resident[] {
    return this.#residents.filter((each) => each !== than);
  }

  /** What everybody but `except` has told of others since `sinceMs`. */
  news(sinceMs: number, except?: Resident): readonly News[] {
    return this.#residents
      .filter((each) => each !== except)
      .flatMap(({ process }) => process.heard)
      .filter((message): message is News => message.type === "news" && message.atMs >= sinceMs);
  }

  /** When each of the others has declared a resident dead, or those that have when time is up. */
  async declaredDead(
    resident: Resident,
    sinceMs: number,
    withinMs: number,
  ): Promise<readonly number[]> {
    const others = this.others(resident);
    const untilMs = performance.now() + withinMs;
    const times = () =>
      others.flatMap(({ process }) => {
        const isMeant = (message: Heard): message is News =>
          message.type === "news" &&
          message.event === "node-down" &&
          message.of === resident.id &&
          message.atMs >= sinceMs;
        const first = process.heard.find(isMeant);
        return first === undefined ? [] : [first.atMs];
      });
    while (times().length < others.length && performance.now() < untilMs) await sleep(LOOK_MS);
    return times();
  }

  /** Ends a resident's process for good; a new node, which is another one, takes its spot. */
  async replace(resident: Resident, cleared: () => Promise<void>): Promise<void> {
    this.#residents = this.others(resident);
    await resident.process[Symbol.asyncDispose]();
    this.#processes.delete(resident.process);
    await cleared();
    await this.#moveIn(resident.spot);
    await this.settled();
  }

  /** Waits until all list all, nobody is suspected and every link is up. @throws {Error} in vain */
  async settled(): Promise<void> {
    const untilMs = performance.now() + SETTLED_MS_MAX;
    for (;;) {
      this.#looks += 1;
      for (const { process } of this.#residents) process.tell({ look: this.#looks });
      await sleep(LOOK_MS);
      const views = this.#residents.map(({ process }) => viewOf(process, this.#looks));
      if (views.length === this.#size && views.every((view) => this.#isSettled(view))) return;
      if (performance.now() < untilMs) continue;
      throw new Error(`The cluster did not settle: ${JSON.stringify(views)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#processes];
    await Promise.all(all.map((each) => each[Symbol.asyncDispose]()));
  }

  #isSettled(view: View | undefined): boolean {
    if (view === undefined) return false;
    const { members, suspects, links } = view;
    return members === this.#size && suspects === 0 && links === this.#size - 1;
  }

  async #moveIn(spot: Spot): Promise<void> {
    const peers = this.#residents.slice(0, TOLD_OF).map(({ address }) => address);
    const task: NodeTask = { host: spot.host, peers };
    const { namespace } = spot;
    const process = new BuiltProcess<Heard, Look>(
      this.#program,
      task,
      namespace === undefined ? {} : { namespace },
    );
    this.#processes.add(process);
    const { id, address } = await process.first("up", START_MS_MAX);
    this.#residents = [...this.#residents, { spot, id, address, process }];
  }
}

/** What it answered to that look, if it has. */
function viewOf(process: Resident["process"], look: number): View | undefined {
  const isMeant = (message: Heard): message is View =>
    message.type === "view" && message.look === look;
  return process.heard.findLast(isMeant);
}

/** Crew: the node processes of one run: started, told to talk and to switch, killed, and asked for their books. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TopologyName } from "@foundation/overlay";
import type { Random } from "@foundation/core";
import { BuiltProcess } from "../processes/built-process.js";
import { systemMs } from "../processes/system-time.js";
import type { Survivor } from "./balance.js";
import type { Books, FromNode, NodeTask, Told } from "./messages.js";

const START_MS_MAX = 60_000;
const SETTLED_MS_MAX = 120_000;
const SWITCHED_MS_MAX = 60_000;
const LOOK_MS = 250;
/** So many nodes broadcast; they are not killed, so that what they sent is known. */
const ORIGINS = 4;
/** A newcomer is told of so many others. */
const TOLD_OF = 3;

interface Hand {
  readonly id: string;
  readonly address: string;
  readonly process: BuiltProcess<FromNode, Told>;
}

export class Crew implements AsyncDisposable {
  readonly #program: string;
  readonly #everyMs: number;
  readonly #killed = new Set<Hand>();
  readonly #processes: Hand["process"][] = [];
  #hands: readonly Hand[] = [];
  #looks = 0;

  private constructor(program: string, everyMs: number) {
    this.#program = program;
    this.#everyMs = everyMs;
  }

  /** All list all, and talk. */
  static async start(program: string, nodes: number, everyMs: number): Promise<Crew> {
    const crew = new Crew(program, everyMs);
    try {
      for (let index = 0; index < TOLD_OF; index += 1) await crew.#join(index);
      const others = Array.from({ length: nodes - TOLD_OF }, (_, i) => crew.#join(TOLD_OF + i));
      await Promise.all(others);
      await crew.#until(SETTLED_MS_MAX, (all) => all.every(({ members }) => members === nodes));
      for (const { process } of crew.#hands) process.tell({ type: "begin" });
      return crew;
    } catch (error) {
      await crew[Symbol.asyncDispose]();
      throw error;
    }
  }

  get #living(): readonly Hand[] {
    return this.#hands.filter((hand) => !this.#killed.has(hand));
  }

  /** One node is told; answers how long it took until all that live have switched. */
  async switchTo(to: TopologyName, random: Random): Promise<number> {
    const sinceMs = systemMs();
    const seen = new Map(this.#hands.map((hand) => [hand, switchesTo(hand, to).length]));
    const living = this.#living;
    living[Math.floor(random.next() * living.length)]?.process.tell({ type: "switch", to });
    const isOver = () =>
      this.#living.every((hand) => switchesTo(hand, to).length > (seen.get(hand) ?? 0));
    while (!isOver()) {
      if (systemMs() - sinceMs > SWITCHED_MS_MAX) return Number.POSITIVE_INFINITY;
      await sleep(LOOK_MS / 10);
    }
    const last = this.#living.map((hand) => switchesTo(hand, to).at(-1)?.atMs ?? 0);
    return Math.max(...last) - sinceMs;
  }

  /** SIGKILL for one that broadcasts nothing. */
  kill(random: Random): void {
    const candidates = this.#living.filter((hand) => this.#hands.indexOf(hand) >= ORIGINS);
    const victim = candidates[Math.floor(random.next() * candidates.length)];
    if (victim === undefined) return;
    this.#killed.add(victim);
    victim.process.signal("SIGKILL");
  }

  /** Nobody talks any more; the books when they are balanced, or as they are when time is up. */
  async quiet(
    withinMs: number,
    isBalanced: (survivors: readonly Survivor[]) => boolean,
  ): Promise<readonly Survivor[]> {
    for (const { process } of this.#living) process.tell({ type: "quiet" });
    let survivors: readonly Survivor[] = [];
    await this.#until(withinMs, (all) => {
      survivors = this.#living.map(({ id }, i) => ({ id, books: all[i] as Books }));
      return isBalanced(survivors);
    }).catch(() => undefined);
    return survivors;
  }

  /** How often a survivor was declared dead by another one. */
  wrongDeaths(): number {
    const living = new Set(this.#living.map(({ id }) => id));
    return this.#living
      .flatMap(({ process }) => process.heard)
      .filter((message) => message.type === "down" && living.has(message.of)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((each) => each[Symbol.asyncDispose]()));
  }

  async #join(index: number): Promise<void> {
    const peers = this.#hands.slice(0, TOLD_OF).map(({ address }) => address);
    const isOrigin = index < ORIGINS;
    const task: NodeTask = { index, peers, isOrigin, everyMs: this.#everyMs };
    const process = new BuiltProcess<FromNode, Told>(this.#program, task);
    this.#processes.push(process);
    const { id, address } = await process.first("up", START_MS_MAX);
    this.#hands = [...this.#hands, { id, address, process }];
  }

  /** Looks at the books of all that live until they are as they should be. @throws {Error} in vain */
  async #until(withinMs: number, isRight: (all: readonly Books[]) => boolean): Promise<void> {
    const untilMs = performance.now() + withinMs;
    for (;;) {
      this.#looks += 1;
      for (const { process } of this.#living) process.tell({ type: "look", look: this.#looks });
      const all = await this.#answers(untilMs);
      if (all !== undefined && isRight(all)) return;
      if (performance.now() > untilMs) throw new Error("The cluster did not settle in time");
      await sleep(LOOK_MS);
    }
  }

  /** What all answered to the latest look; undefined when time is up. */
  async #answers(untilMs: number): Promise<readonly Books[] | undefined> {
    for (;;) {
      const all = this.#living.map(({ process }) => booksOf(process, this.#looks));
      if (all.every((books) => books !== undefined)) return all;
      if (performance.now() > untilMs) return undefined;
      await sleep(LOOK_MS / 10);
    }
  }
}

function booksOf(process: Hand["process"], look: number): Books | undefined {
  const isMeant = (message: FromNode): message is Books =>
    message.type === "books" && message.look === look;
  return process.heard.findLast(isMeant);
}

function switchesTo({ process }: Hand, to: TopologyName) {
  return process.heard.flatMap((message) =>
    message.type === "switched" && message.to === to ? [message] : [],
  );
}

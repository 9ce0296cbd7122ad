/**
 * Clients: each asks one thing after the other, of whichever voter, and writes down when it asked and what it was told.
 *
 * They stand outside of what is killed, so nothing they were told is lost with it. Keys are in use for some seconds and
 * then never again: what nobody knows the outcome of may happen later, and each such operation makes a key's history
 * harder to judge.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { nodeClock } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { createHistoryRecorder } from "@foundation/testkit";
import type { Input, Output } from "./messages.js";
import type { Voters } from "./voters.js";

const KEYS = 8;
const KEYS_USED_MS = 4_000;
const TIMEOUT_MS = 3_000;
const FINAL_TIMEOUT_MS = 20_000;
const PAUSE_MS_MAX = 30;

export class Clients {
  readonly recorder = createHistoryRecorder<Input, Output>({ clock: nodeClock() });
  readonly #voters: Voters;
  readonly #random: Random;
  readonly #keys = new Set<string>();
  readonly #beganMs = performance.now();
  readonly #counts = { ok: 0, "not-applied": 0, unknown: 0 };
  #written = 0;
  #isOver = false;

  constructor(voters: Voters, random: Random) {
    this.#voters = voters;
    this.#random = random;
  }

  /** How requests ended so far. */
  get counts(): Readonly<Record<"ok" | "not-applied" | "unknown", number>> {
    return this.#counts;
  }

  /** So many clients at once, until `stop`. */
  async run(clients: number): Promise<void> {
    await Promise.all(Array.from({ length: clients }, (_, i) => this.#client(`client-${i}`)));
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Reads every key there ever was, by each voter in turn. @throws {Error} one cannot be read */
  async readAll(): Promise<void> {
    let voter = 0;
    for (const key of this.#keys) {
      voter = (voter + 1) % this.#voters.count;
      await this.#finalRead(voter, key);
    }
  }

  async #finalRead(voter: number, key: string): Promise<void> {
    const untilMs = performance.now() + FINAL_TIMEOUT_MS;
    while (!(await this.#ask("reader", voter, key, { type: "get" }))) {
      if (performance.now() > untilMs) throw new Error(`${key} cannot be read after the heal`);
      await sleep(PAUSE_MS_MAX);
    }
  }

  async #client(name: string): Promise<void> {
    const random = this.#random.fork(name);
    const below = (bound: number) => Math.floor(random.next() * bound);
    const seen = new Map<string, string | null>();
    while (!this.#isOver) {
      const [voter] = this.#voters.running.toSorted(() => random.next() - 0.5);
      if (voter !== undefined) {
        const key = this.#key(below(KEYS));
        await this.#ask(name, voter, key, this.#input(below(10), seen.get(key) ?? null), seen);
      }
      await sleep(1 + below(PAUSE_MS_MAX));
    }
  }

  /** True when it was answered. */
  async #ask(
    name: string,
    voter: number,
    key: string,
    input: Input,
    seen?: Map<string, string | null>,
  ): Promise<boolean> {
    const operation = this.recorder.invoke({ process: name, key, input });
    const answer = await this.#voters.ask(voter, key, input, TIMEOUT_MS);
    this.#counts[answer?.outcome ?? "unknown"] += 1;
    if (answer?.outcome === "ok") {
      operation.ok(answer.output);
      if (input.type === "get") seen?.set(key, answer.output as string | null);
      return true;
    }
    if (answer?.outcome === "not-applied") operation.notApplied();
    else operation.unknown();
    return false;
  }

  /** Reads as often as it writes; compares with what it saw last, so that most comparisons hold. */
  #input(die: number, expected: string | null): Input {
    if (die < 4) return { type: "get" };
    if (die === 9) return { type: "delete" };
    this.#written += 1;
    const value = `w${this.#written}`;
    return die < 7 ? { type: "put", value } : { type: "compareAndSet", expected, value };
  }

  #key(index: number): string {
    const age = Math.floor((performance.now() - this.#beganMs) / KEYS_USED_MS);
    const key = `chaos/${age}/${index}`;
    this.#keys.add(key);
    return key;
  }
}

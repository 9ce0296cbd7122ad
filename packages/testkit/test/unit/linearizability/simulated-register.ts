/**
 * A register served to concurrent clients, without time or network: a seed decides when each operation starts, takes
 * effect and ends. It is right, unless a fault is planted in it.
 */
import { seededRandom } from "@foundation/core/testing";
import type { HistoryOperation, RegisterInput, RegisterOutput } from "../../../src/index.js";

export type Value = number | null;
export type RegisterOperation = HistoryOperation<RegisterInput<Value>, RegisterOutput<Value>>;

export interface SimulatedRegisterOptions {
  readonly seed: number | string;
  readonly key?: string;
  readonly operations: number;
  readonly clients: number;
  /** How many of a hundred operations get no answer; half of those take effect, some of them much later. */
  readonly unknownPercent?: number;
  /** Values that are written: few of them make equal writes. @default each value once */
  readonly values?: number;
  /** How many of a hundred operations are compare-and-sets. @default 20 */
  readonly compareAndSetPercent?: number;
  readonly fault?: "stale-read" | "lost-write" | "double-apply" | "wrong-compare";
}

/** How long an operation takes at most, and how long a fault of the register goes back or waits. */
const LASTS = 20;
const FAULT_AFTER = 60;

interface Planned {
  readonly client: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Infinity: it never takes effect. */
  readonly appliedAt: number;
}

export function simulatedRegister(options: SimulatedRegisterOptions): RegisterOperation[] {
  const { key = "x", fault, compareAndSetPercent = 20 } = options;
  const random = seededRandom(options.seed);
  const percent = (share: number) => random.next() * 100 < share;
  const plan = planned(options);
  const history: RegisterOperation[] = [];
  /** What the register held from when on. */
  const past: { readonly from: number; readonly value: Value }[] = [{ from: 0, value: null }];
  const valueAt = (at: number) => past.findLast(({ from }) => from <= at)?.value ?? null;
  const again: { readonly at: number; readonly value: Value }[] = [];
  let written = 0;
  for (const { client, startedAt, endedAt, appliedAt } of plan) {
    while (again.length > 0 && (again[0]?.at ?? 0) <= appliedAt) {
      const write = again.shift();
      if (write) past.push({ from: write.at, value: write.value });
    }
    const value = valueAt(appliedAt);
    const times = { process: `c${client}`, key, startedAt, endedAt };
    const fresh = (written += 1) % (options.values ?? Number.POSITIVE_INFINITY);
    const faulty = percent(5);
    if (percent(compareAndSetPercent)) {
      const expected = percent(60) ? value : fresh - 3;
      const set = expected === value || (fault === "wrong-compare" && faulty);
      if (set && appliedAt !== Number.POSITIVE_INFINITY)
        past.push({ from: appliedAt, value: fresh });
      const input = { type: "compareAndSet", expected, value: fresh } as const;
      history.push({ ...times, input, output: set });
    } else if (percent(50)) {
      const seen = fault === "stale-read" && faulty ? valueAt(appliedAt - FAULT_AFTER) : value;
      history.push({ ...times, input: { type: "read" }, output: seen });
    } else {
      const lost = (fault === "lost-write" && faulty) || appliedAt === Number.POSITIVE_INFINITY;
      if (!lost) past.push({ from: appliedAt, value: fresh });
      if (fault === "double-apply" && faulty) {
        again.push({ at: appliedAt + FAULT_AFTER, value: fresh });
      }
      history.push({ ...times, input: { type: "write", value: fresh } });
    }
  }
  return history;
}

/** Operations of clients that each do one after another, in the order in which they take effect. */
function planned(options: SimulatedRegisterOptions): readonly Planned[] {
  const { clients, operations, unknownPercent = 0 } = options;
  const random = seededRandom(`${options.seed} plan`);
  const freeAt = Array.from({ length: clients }, () => random.next() * LASTS);
  const plan = Array.from({ length: operations }, (_, index): Planned => {
    const client = index % clients;
    const startedAt = freeAt[client] ?? 0;
    const lasts = random.next() * LASTS;
    const answered = startedAt + lasts;
    freeAt[client] = answered + random.next();
    if (random.next() * 100 >= unknownPercent) {
      const appliedAt = startedAt + random.next() * lasts;
      return { client, startedAt, endedAt: answered, appliedAt };
    }
    const late = startedAt + random.next() * LASTS * 5;
    const appliedAt = random.next() < 0.5 ? late : Number.POSITIVE_INFINITY;
    return { client, startedAt, endedAt: Number.POSITIVE_INFINITY, appliedAt };
  });
  return plan.sort((a, b) => (a.appliedAt < b.appliedAt ? -1 : Number(a.appliedAt > b.appliedAt)));
}

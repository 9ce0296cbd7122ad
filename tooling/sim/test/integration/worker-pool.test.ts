import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { Outcome, Task } from "../../src/task.js";
import { WorkerPool, type PoolSettings } from "../../src/worker-pool.js";

const file = fileURLToPath(new URL("fixtures/worker.mjs", import.meta.url));
const settings = { file, execArgv: [], jobs: 2, stuckAfterMs: 30_000 } as const;
const tasksOf = (...seeds: readonly string[]): readonly Task[] =>
  seeds.map((seed) => ({ type: "stack", options: { seed, nodesMin: 3, nodesMax: 3, forMs: 1 } }));

let pool: WorkerPool | undefined;
afterEach(() => pool?.stop());

/** Outcomes in the order of the tasks, with the process that played each. */
async function play(seeds: readonly string[], change: Partial<PoolSettings> = {}) {
  pool = new WorkerPool({ ...settings, ...change });
  const outcomes: (Outcome & { readonly pid?: number })[] = [];
  await pool.play(tasksOf(...seeds), (outcome, index) => (outcomes[index] = outcome));
  return outcomes;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the pool of workers", () => {
  test("plays every task once, in as many processes as it has jobs, and leaves none behind", async () => {
    const seeds = Array.from({ length: 20 }, (_, index) => `ok-${index}`);
    const outcomes = await play(seeds);
    expect(outcomes.map(({ seed }) => seed)).toEqual(seeds);
    expect(outcomes.every(({ violation }) => violation === undefined)).toBe(true);
    const pids = new Set(outcomes.map(({ pid }) => pid ?? 0));
    expect(pids.size).toBeLessThanOrEqual(2);
    expect([...pids].filter(isAlive)).toEqual([]);
    expect(pool?.pids).toEqual([]);
  });

  test("a worker that crashes is the violation of its seed, with what it said last, and the others go on", async () => {
    const outcomes = await play(["ok-1", "exit-2", "ok-3", "throw-4", "ok-5", "ok-6"]);
    const [, exited, , threw] = outcomes;
    expect(exited?.violation).toMatch(/^seed exit-2: the worker process \d+ .* exit code 7/);
    expect(exited?.violation).toContain("said before the end");
    expect(threw?.violation).toContain("TypeError: a bug of the stack");
    expect(exited?.hash).toBeUndefined();
    const passed = outcomes.filter(({ violation }) => violation === undefined);
    expect(passed.map(({ seed }) => seed)).toEqual(["ok-1", "ok-3", "ok-5", "ok-6"]);
  });

  test("a worker that is killed in the middle is the violation of its seed", async () => {
    const tell = (pid: string) => process.kill(Number(pid), "SIGKILL");
    const [held, other] = await play(["hold-1", "ok-2"], { jobs: 1, tell });
    expect(held?.violation).toMatch(/^seed hold-1: .* was ended by SIGKILL/);
    expect(other?.violation).toBeUndefined();
  });

  test("a worker that loops is killed, and is the violation of its seed", async () => {
    const [stuck, other] = await play(["loop-1", "ok-2"], { jobs: 1, stuckAfterMs: 1_500 });
    expect(stuck?.violation).toMatch(/^seed loop-1: .* stuck: .* 1500 ms/);
    expect(stuck?.violation).toContain("said before the loop");
    expect(other).toMatchObject({ seed: "ok-2", hash: "0123456789abcdef" });
  });

  test("a worker that holds too much memory is replaced, and what it played counts", async () => {
    const outcomes = await play(["fat-1", "fat-2", "ok-3", "ok-4"], { jobs: 1 });
    expect(outcomes.every(({ violation }) => violation === undefined)).toBe(true);
    const [one, two, three, four] = outcomes.map(({ pid }) => pid);
    expect(new Set([one, two, three]).size).toBe(3);
    expect(four).toBe(three);
  });

  test("is stopped by its signal: its workers end, nothing more is begun, and what was done stays", async () => {
    const stopping = new AbortController();
    const pids: number[] = [];
    const tell = (pid: string) => {
      pids.push(Number(pid));
      stopping.abort();
    };
    const { signal } = stopping;
    const outcomes = await play(["ok-1", "hold-2", "ok-3"], { jobs: 1, tell, signal });
    expect(outcomes.map(({ seed }) => seed)).toEqual(["ok-1"]);
    expect(pids.filter(isAlive)).toEqual([]);
    await expect(play(["ok-1"], { signal })).resolves.toEqual([]);
  });

  test("fails with what the worker said when none can start", async () => {
    const broken = { file: `${file}.gone`, jobs: 2 };
    await expect(play(["ok-1", "ok-2", "ok-3"], broken)).rejects.toThrow(/while it started/);
  });
});

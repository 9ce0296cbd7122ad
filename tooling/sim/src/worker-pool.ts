/**
 * WorkerPool: plays tasks in as many processes as there are cores. Seeds share nothing, so they may run in any order.
 *
 * Invariants: each task that was begun has one outcome, whatever happens to its worker; after `stop` no process of the
 * pool is left and no further task is begun.
 */
import type { Outcome, Task } from "./task.js";
import { WorkerProcess, type WorkerSettings } from "./worker-process.js";

export interface PoolSettings extends WorkerSettings {
  /** Processes at once. */
  readonly jobs: number;
  /** Stops the pool when it is aborted. */
  readonly signal?: AbortSignal;
}

export class WorkerPool {
  readonly #settings: PoolSettings;
  readonly #workers = new Set<WorkerProcess>();
  #isStopped = false;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
    if (settings.signal?.aborted) this.stop();
    settings.signal?.addEventListener("abort", () => this.stop(), { once: true });
  }

  /** Process ids of the workers there are. */
  get pids(): readonly number[] {
    return [...this.#workers].flatMap(({ pid }) => pid ?? []);
  }

  /**
   * Plays tasks until there are none or the pool is stopped. `take` gets each outcome as soon as it is there, with the
   * number of its task; what a stop interrupted has none.
   * @throws when a worker cannot start
   */
  async play(
    tasks: Iterable<Task>,
    take: (outcome: Outcome, index: number) => void,
  ): Promise<void> {
    const numbered = numberedTasks(tasks);
    const lane = async (): Promise<void> => {
      let worker: WorkerProcess | undefined;
      try {
        while (!this.#isStopped) {
          const next = numbered.next();
          if (next.done) return;
          worker = await this.#workerAfter(worker);
          const outcome = await worker.play(next.value.task);
          if (!this.#isStopped) take(outcome, next.value.index);
        }
      } catch (error) {
        if (this.#isStopped) return;
        this.stop();
        throw error;
      } finally {
        if (worker) await this.#dismiss(worker);
      }
    };
    const lanes = Array.from({ length: this.#settings.jobs }, lane);
    const results = await Promise.allSettled(lanes);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** Kills all workers; a `play` that is under way ends. */
  stop(): void {
    this.#isStopped = true;
    for (const worker of this.#workers) worker.stop();
  }

  async #workerAfter(worker: WorkerProcess | undefined): Promise<WorkerProcess> {
    if (worker?.isUsable) return worker;
    if (worker) await this.#dismiss(worker);
    if (this.#isStopped) throw new Error("The pool was stopped");
    const fresh = new WorkerProcess(this.#settings);
    this.#workers.add(fresh);
    try {
      await fresh.ready();
    } catch (error) {
      await this.#dismiss(fresh);
      throw error;
    }
    return fresh;
  }

  async #dismiss(worker: WorkerProcess): Promise<void> {
    await worker.end();
    this.#workers.delete(worker);
  }
}

function* numberedTasks(tasks: Iterable<Task>): Generator<{ task: Task; index: number }, void> {
  let index = 0;
  for (const task of tasks) yield { task, index: index++ };
}

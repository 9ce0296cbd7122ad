/**
 * WorkerProcess: one child process that plays tasks, as its parent sees it.
 *
 * A seed may end its process (out of memory, a fault of the engine) or never end (a loop at one instant of virtual time).
 * Neither may take the hunt along: `play` always gives an outcome, and a dead or stuck worker is a violation of the seed
 * it played, with the end of what it wrote to its standard error.
 */
import { fork, type ChildProcess } from "node:child_process";
import { performance } from "node:perf_hooks";
import { huntLimits } from "./limits.js";
import { outcomeWithout, type FromWorker, type Outcome, type Task } from "./task.js";

export interface WorkerSettings {
  /** The program of a worker. */
  readonly file: string;
  /** Node's own arguments: the same as the parent's, so that it reads the same sources. */
  readonly execArgv: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly rssBytesMax?: number;
  /** Real time after the last sign of life of a task, in milliseconds. */
  readonly stuckAfterMs: number;
  readonly tell?: (line: string) => void;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What is under way: how to go on when the worker answers, and when it ends. */
interface Waiting {
  readonly hear: (message: FromWorker) => void;
  readonly lose: (ended: Ended) => void;
}

export class WorkerProcess {
  readonly #settings: WorkerSettings;
  readonly #child: ChildProcess;
  #stderr = "";
  #ended: Ended | undefined;
  #isStopped = false;
  #isFull = false;
  #waiting: Waiting | undefined;
  readonly #closed: Promise<void>;

  constructor(settings: WorkerSettings) {
    this.#settings = settings;
    this.#child = fork(settings.file, [], {
      execArgv: [...settings.execArgv],
      env: settings.env ?? process.env,
      // The standard output is the parent's, for its report: what a worker prints goes beside it.
      stdio: ["ignore", 2, "pipe", "ipc"],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-huntLimits.stderrCharsMax);
    });
    this.#child.on("message", (message) => this.#waiting?.hear(message as FromWorker));
    this.#child.on("error", (error) => (this.#stderr += `${error.message}\n`));
    this.#closed = new Promise((resolve) => {
      // Not "exit": what it wrote last has been read only when its pipes have closed.
      this.#child.on("close", (code, signal) => {
        this.#ended = { code, signal };
        this.#waiting?.lose(this.#ended);
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** False when its next task belongs to a new worker: it has ended, or it holds too much memory. */
  get isUsable(): boolean {
    return this.#ended === undefined && !this.#isStopped && !this.#isFull;
  }

  /** What it wrote last. */
  get stderrTail(): string {
    return this.#stderr.trimEnd().split("\n").slice(-huntLimits.stderrLinesMax).join("\n");
  }

  /** Waits until it has loaded what it plays. @throws when it ends before, or takes too long */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (what: string) => {
        clearTimeout(timer);
        this.#waiting = undefined;
        reject(new Error(`A worker process ${what}:\n${this.stderrTail}`));
      };
      const limit = huntLimits.startWallMsMax;
      const timer = setTimeout(() => {
        this.stop();
        refuse(`did not start within ${limit / 1_000} s`);
      }, limit);
      const lose = (ended: Ended) => refuse(`${howItEnded(ended)} while it started`);
      this.#waiting = {
        lose,
        hear: ({ type }) => {
          if (type !== "ready") return;
          clearTimeout(timer);
          this.#waiting = undefined;
          resolve();
        },
      };
      if (this.#ended) lose(this.#ended);
    });
  }

  /** Plays one task. Never rejects. */
  play(task: Task): Promise<Outcome> {
    const startedMs = performance.now();
    return new Promise((resolve) => {
      let why: string | undefined;
      let timer: NodeJS.Timeout | undefined;
      const watch = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          why = `was stuck: it gave no sign of life for ${this.#settings.stuckAfterMs} ms`;
          this.stop();
        }, this.#settings.stuckAfterMs);
      };
      const finish = (outcome: Outcome) => {
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve(outcome);
      };
      this.#waiting = {
        hear: (message) => {
          if (message.type === "tell") {
            watch();
            this.#settings.tell?.(message.line);
          } else if (message.type === "done") {
            const limit = this.#settings.rssBytesMax ?? huntLimits.workerRssBytesMax;
            this.#isFull = message.rssBytes > limit;
            finish(message.outcome);
          }
        },
        lose: (ended) => {
          const what = why ?? howItEnded(ended);
          const violation = this.#lostViolation(task.options.seed, what);
          finish(outcomeWithout(task, violation, performance.now() - startedMs));
        },
      };
      watch();
      if (this.#ended) this.#waiting.lose(this.#ended);
      // A worker that ends while this is sent tells so by its end.
      else this.#child.send(task, () => {});
    });
  }

  /** Kills it at once: also one that loops cannot ignore that. */
  stop(): void {
    this.#isStopped = true;
    this.#child.kill("SIGKILL");
  }

  /** Lets an idle one end; resolves when it is gone. */
  async end(): Promise<void> {
    this.stop();
    await this.#closed;
  }

  #lostViolation(seed: string, what: string): string {
    const tail = this.stderrTail;
    const said = tail === "" ? "It wrote nothing to its standard error." : `It wrote:\n${tail}`;
    return `seed ${seed}: the worker process ${this.pid} that played it ${what}. ${said}`;
  }
}

function howItEnded({ code, signal }: Ended): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
}

/** WorkerProcess: a Node process of a contestant that answers orders, one at a time. */
import { fork, type ChildProcess } from "node:child_process";
import { Unavailable } from "../suite.js";

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
  readonly unavailable?: boolean;
}

/** So long an order may take; then its process is stuck. */
const ORDER_MS_MAX = 60_000;

export class WorkerProcess<Order extends object> implements AsyncDisposable {
  readonly #process: ChildProcess;
  #settle: ((answer: Answer) => void) | undefined;

  /** Starts the module in a process of its own, with the loader and conditions of this one. */
  constructor(module: URL) {
    this.#process = fork(module, [], { execArgv: [...process.execArgv] });
    this.#process.on("message", (answer) => this.#settle?.(answer as Answer));
    this.#process.on("exit", (code, signal) =>
      this.#settle?.({ error: `The process of a contestant ended with ${code ?? signal}` }),
    );
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  ask(order: Order): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answered = ({ result, error, unavailable }: Answer) => {
        clearTimeout(timer);
        this.#settle = undefined;
        if (error === undefined) resolve(result);
        else reject(unavailable === true ? new Unavailable(error) : new Error(error));
      };
      const late = `The process of a contestant gave no answer in ${ORDER_MS_MAX} ms`;
      const timer = setTimeout(() => answered({ error: late }), ORDER_MS_MAX);
      this.#settle = answered;
      if (this.#process.exitCode !== null) answered({ error: "The process has ended" });
      else this.#process.send(order);
    });
  }

  /** Ends the process; waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#settle = undefined;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await gone;
  }
}

/** The other side: carries out what the parent asks, and ends with it. */
export function answerOrders<Order>(obey: (order: Order) => Promise<unknown>): void {
  const answer = (message: Answer) => void process.send?.(message);
  process.on("message", (order: Order) => {
    obey(order).then(
      (result) => answer({ result }),
      (error: unknown) => {
        const unavailable = error instanceof Unavailable;
        answer({ error: unavailable ? error.message : String(error), unavailable });
      },
    );
  });
  process.on("disconnect", () => process.exit(0));
}

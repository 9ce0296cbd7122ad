/**
 * The overlay suite: one connection between two processes; 100-byte events a second, and requests a
 * second with 1 and with 100 under way, beside bare `ws`.
 *
 * Events are counted where they arrive, from the first to the last; the sender obeys the
 * contestant's own backpressure.
 */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Reading, Suite } from "../suite.js";
import type { Order } from "./worker.js";

const OURS = "foundation";
const JSON_FRAMES = "ws json, one a frame";
const MSGPACKR = "ws msgpackr, batched";
const EVENTS = "events/s";
const CALLS_1 = "calls/s, 1 in flight";
const CALLS_100 = "calls/s, 100 in flight";
/** Of both processes together: says more than rates on a machine that is not quiet. */
const CPU = "CPU µs/event";
/** What is sustained is measured, not how soon the compiler has done its work. */
const WARM_UP_MS = 1_500;
const MEASURE_MS = 1_000;

export const overlaySuite: Suite = {
  name: "overlay",
  contestants: [OURS, JSON_FRAMES, MSGPACKR],
  measures: [
    ...[EVENTS, CALLS_1, CALLS_100].map((name) => ({ name, decimals: 0 })),
    { name: CPU, decimals: 2 },
  ],
  aims: [
    { measure: EVENTS, of: OURS, against: JSON_FRAMES, bound: "at least", target: 4 },
    { measure: EVENTS, of: OURS, against: MSGPACKR, bound: "at least", target: 0.4 },
  ],
  measure,
};

async function measure(contestant: string): Promise<readonly Reading[]> {
  const server = new Worker();
  const client = new Worker();
  try {
    const address = (await server.ask({ type: "serve", contestant })) as string;
    await client.ask({ type: "connect", contestant, address });
    // Each way of calling is warmed up by itself: what was compiled for batches is compiled anew for
    // single messages.
    await client.ask({ type: "calls", inFlight: 100, durationMs: WARM_UP_MS });
    await client.ask({ type: "calls", inFlight: 1, durationMs: WARM_UP_MS });
    const calls1 = await client.ask({ type: "calls", inFlight: 1, durationMs: MEASURE_MS });
    const calls100 = await client.ask({ type: "calls", inFlight: 100, durationMs: MEASURE_MS });
    await client.ask({ type: "events", durationMs: WARM_UP_MS });
    await settled(server);
    await server.ask({ type: "reset" });
    const cpuBefore = await cpuOf(server, client);
    await client.ask({ type: "events", durationMs: MEASURE_MS });
    const { count, elapsedMs } = await settled(server);
    const cpu = (await cpuOf(server, client)) - cpuBefore;
    return [
      { contestant, measure: EVENTS, value: (count / elapsedMs) * 1_000 },
      { contestant, measure: CALLS_1, value: calls1 as number },
      { contestant, measure: CALLS_100, value: calls100 as number },
      { contestant, measure: CPU, value: cpu / count },
    ];
  } finally {
    await client.end();
    await server.end();
  }
}

/** Microseconds of CPU that both processes have used. */
async function cpuOf(server: Worker, client: Worker): Promise<number> {
  const [a, b] = await Promise.all([server.ask({ type: "cpu" }), client.ask({ type: "cpu" })]);
  return (a as number) + (b as number);
}

interface Count {
  readonly count: number;
  readonly elapsedMs: number;
}

/** The server's count once nothing arrives any more. */
async function settled(server: Worker): Promise<Count> {
  let last = (await server.ask({ type: "count" })) as Count;
  for (let quiet = 0; quiet < 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const next = (await server.ask({ type: "count" })) as Count;
    quiet = next.count === last.count ? quiet + 1 : 0;
    last = next;
  }
  return last;
}

class Worker {
  readonly #process: ChildProcess;
  #answer: ((message: { result?: unknown; error?: string }) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor() {
    const file = fileURLToPath(new URL("./worker.ts", import.meta.url));
    this.#process = fork(file, [], { execArgv: [...process.execArgv] });
    this.#process.on("message", (message) =>
      this.#answer?.(message as { result?: unknown; error?: string }),
    );
    this.#process.on("exit", (code) =>
      this.#fail?.(new Error(`A benchmark process ended with code ${code}`)),
    );
  }

  ask(order: Order): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#answer = ({ result, error }) =>
        error === undefined ? resolve(result) : reject(new Error(error));
      this.#process.send(order);
    });
  }

  /** Ends the process; waits until it is gone. */
  async end(): Promise<void> {
    this.#fail = undefined;
    if (this.#process.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await gone;
  }
}

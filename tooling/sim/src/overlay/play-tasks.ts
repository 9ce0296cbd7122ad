/**
 * playTasks: each experiment in a process of its own, as many at once as there are cores.
 *
 * Experiments share nothing, and a process that ends gives back what ten thousand nodes held.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { nameOf, type Answer, type FromWorker, type Task } from "./task.js";

const workerFile = fileURLToPath(new URL("worker.ts", import.meta.url));
/**
 * In MiB: messages live for some tens of virtual milliseconds, and would be copied out of a small young generation. That
 * of a process with a thousand directories saved a fifth of its time.
 */
const youngSpace = ["--min-semi-space-size=64", "--max-semi-space-size=128"];

/**
 * The answers in the order of their tasks.
 *
 * @throws when a process ends without an answer, or the signal is aborted; then none is left
 */
export async function playTasks(
  tasks: readonly Task[],
  jobs: number,
  signal: AbortSignal,
  tell: (task: Task, what: string | Answer) => void,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const numbered = tasks.entries();
  const failing = new AbortController();
  const either = AbortSignal.any([signal, failing.signal]);
  const lane = async (): Promise<void> => {
    for (const [number, task] of numbered) {
      const answer = await playOne(task, either, (line) => tell(task, line));
      answers[number] = answer;
      tell(task, answer);
    }
  };
  const lanes = Array.from({ length: jobs }, async () => {
    try {
      await lane();
    } catch (error) {
      failing.abort();
      throw error;
    }
  });
  const results = await Promise.allSettled(lanes);
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return answers;
}

function playOne(task: Task, signal: AbortSignal, onLine: (line: string) => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answer: Answer | undefined;
    const child = fork(workerFile, [], {
      execArgv: [...process.execArgv, ...youngSpace],
      // The standard output is the parent's, for its report.
      stdio: ["ignore", 2, 2, "ipc"],
      serialization: "advanced",
    });
    const stop = () => child.kill("SIGKILL");
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    child.on("error", reject);
    child.on("message", (message: FromWorker) => {
      if (message.type === "tell") return onLine(message.line);
      answer = message.answer;
      child.disconnect();
    });
    child.on("exit", (code, ended) => {
      signal.removeEventListener("abort", stop);
      if (answer !== undefined) return resolve(answer);
      const how = ended === null ? `with exit code ${code}` : `by ${ended}`;
      reject(new Error(`The process that played ${nameOf(task)} ended ${how}`));
    });
    child.send(task, () => {});
  });
}

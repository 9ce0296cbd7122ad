/** HostedProcess: one node process in its namespace, from the outside: commands by number, signals, its end. */
import { fork, type ChildProcess } from "node:child_process";
import type { FromHosted, HostedOptions, ToHosted } from "./host-messages.js";

const limits = { upMs: 30_000, answerMs: 60_000, outputCharsMax: 20_000 } as const;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class HostedProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  /** Its end, with everything it printed read. */
  readonly ended: Promise<void>;
  #output = "";
  #seq = 0;

  /** @param program the bundled `hosted-node.ts` */
  constructor(
    program: string,
    namespace: string,
    options: HostedOptions,
    env: Readonly<Record<string, string>>,
  ) {
    this.#name = options.name;
    const node = [process.execPath, "--enable-source-maps"];
    this.#child = fork(program, [JSON.stringify(options)], {
      // `ip netns exec` becomes the program it is given: same process, same channel.
      execPath: "ip",
      execArgv: ["netns", "exec", namespace, ...node],
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-limits.outputCharsMax);
      });
    }
    this.ended = new Promise((resolve) => {
      this.#child.once("close", () => {
        const error = new Error(`the process of ${this.#name} has ended\n${this.#output}`);
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#waiting.clear();
        resolve();
      });
    });
    this.#child.on("message", (message) => this.#heard(message as FromHosted));
  }

  /** Resolves with the node's key when its cluster handle is there. */
  up(): Promise<string> {
    // The start is answered like a command, under the number 0.
    return this.#answer(0, limits.upMs) as Promise<string>;
  }

  ask(command: ToHosted["command"]): Promise<unknown> {
    this.#seq += 1;
    const seq = this.#seq;
    const answer = this.#answer(seq, limits.answerMs);
    if (this.#child.connected) this.#child.send({ seq, command } satisfies ToHosted);
    else this.#waiting.get(seq)?.reject(new Error(`the process of ${this.#name} has ended`));
    return answer;
  }

  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  #answer(seq: number, withinMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`${this.#name} gave no answer\n${this.#output}`));
      const timer = setTimeout(late, withinMs);
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(seq);
        act();
      };
      this.#waiting.set(seq, {
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      });
    });
  }

  #heard(message: FromHosted): void {
    if (message.type === "up") return this.#waiting.get(0)?.resolve(message.key);
    const waiting = this.#waiting.get(message.seq);
    if (message.type === "answer") waiting?.resolve(message.answer);
    else waiting?.reject(new Error(`${this.#name}: ${message.message}`));
  }
}

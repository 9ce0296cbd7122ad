/**
 * BuiltProcess: a Node process of a built program that tells what happens to it, as messages with a
 * type. It ends with whoever started it: its program does so when the channel closes.
 */
import { fork, type ChildProcess } from "node:child_process";

export interface BuiltProcessOptions {
  readonly cwd?: string;
  /** Beside those of this process, without what would configure Foundation. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of Node, e.g. `--expose-gc`. */
  readonly flags?: readonly string[];
  /** The network namespace to run in. @default this process's own */
  readonly namespace?: string;
}

/** What a process printed to its standard error is kept to this length: the last of it. */
const OUTPUT_CHARS_MAX = 4_000;

export class BuiltProcess<Heard extends { readonly type: string }, Told extends object>
  implements AsyncDisposable
{
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  readonly #heard: Heard[] = [];
  readonly #watchers = new Set<() => void>();
  #output = "";
  #end: string | undefined;

  constructor(program: string, argument: object, options: BuiltProcessOptions = {}) {
    const { cwd, env = {}, flags = [], namespace } = options;
    // `ip netns exec` becomes the program it is given: same process, same channel.
    const inside =
      namespace === undefined
        ? { execArgv: [...flags] }
        : { execPath: "ip", execArgv: ["netns", "exec", namespace, process.execPath, ...flags] };
    this.#child = fork(program, [JSON.stringify(argument)], {
      ...inside,
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...unconfigured(process.env), ...env },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#output = (this.#output + text).slice(-OUTPUT_CHARS_MAX);
    });
    this.#child.on("message", (message) => {
      this.#heard.push(message as Heard);
      this.#look();
    });
    this.#gone = new Promise<void>((resolve) => {
      const ended = (how: string) => {
        this.#end ??= how;
        this.#look();
        resolve();
      };
      this.#child.once("close", (code, signal) => ended(`ended with ${code ?? signal}`));
      this.#child.on("error", ({ message }) => ended(`failed: ${message}`));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** All it has told, in order. */
  get heard(): readonly Heard[] {
    return this.#heard;
  }

  /** The first message of a type, now or later. @throws {Error} when it ends before, or is late */
  first<Type extends Heard["type"]>(
    type: Type,
    withinMs: number,
  ): Promise<Extract<Heard, { readonly type: Type }>> {
    type Meant = Extract<Heard, { readonly type: Type }>;
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.#watchers.delete(look);
      };
      const fail = (why: string) => {
        stop();
        reject(new Error(`A process told no "${type}": it ${why}\n${this.#output}`));
      };
      const look = () => {
        const found = this.#heard.find((message): message is Meant => message.type === type);
        if (found !== undefined) {
          stop();
          resolve(found);
        } else if (this.#end !== undefined) fail(this.#end);
      };
      const timer = setTimeout(() => fail(`took more than ${withinMs} ms`), withinMs);
      this.#watchers.add(look);
      look();
    });
  }

  tell(message: Told): void {
    if (this.#child.connected) this.#child.send(message);
  }

  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Ends the process, also a stopped one, and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end === undefined) this.#child.kill("SIGKILL");
    await this.#gone;
  }

  #look(): void {
    for (const look of [...this.#watchers]) look();
  }
}

function unconfigured(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(env).filter(([name]) => !name.startsWith("FOUNDATION_"));
  return Object.fromEntries(entries);
}

/**
 * Erlang nodes over distribution on loopback, with a port mapper of their own. A node writes a line
 * of JSON for whoever started it, which is all this knows of the programs in `erlang/`. Started for
 * one reading, ended after it.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Unavailable } from "../suite.js";
import { end, freePorts, listening, requireProgram, scratchFolder } from "./programs.js";

const COOKIE = "bench";
const ANSWER_MS_MAX = 60_000;

export interface ErlangPair extends AsyncDisposable {
  readonly pids: readonly [server: number, client: number];
  /** Gives the sender one line and waits for its answer. */
  ask(line: string): Promise<Record<string, number>>;
}

/** Where Erlang nodes meet: a port mapper and a compiled program. Nodes end with it. */
export interface ErlangNodes extends AsyncDisposable {
  /** Starts a node `<name>@127.0.0.1` that runs a function of the program. */
  start(name: string, run: string, args: readonly string[]): ErlangNode;
  /** Starts a virtual machine whose program starts its distribution itself. */
  startUnnamed(run: string, args: readonly string[]): ErlangNode;
}

/** One node that answers, one that sends and is told by lines. @throws {Unavailable} without erl and erlc */
export async function erlangPair(): Promise<ErlangPair> {
  const nodes = await erlangNodes("bench_peer");
  try {
    const server = nodes.start("server", "serve", []);
    await server.answer();
    const client = nodes.start("client", "drive", ["server@127.0.0.1"]);
    await client.answer();
    return {
      pids: [server.pid, client.pid],
      ask: (line) => client.ask(line),
      [Symbol.asyncDispose]: () => nodes[Symbol.asyncDispose](),
    };
  } catch (error) {
    await nodes[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * @param program a module in `erlang/`, without its ending
 * @throws {Unavailable} without erl and erlc
 */
export async function erlangNodes(program: string): Promise<ErlangNodes> {
  requireProgram("erl", "erlang-base");
  requireProgram("erlc", "erlang-base");
  requireProgram("epmd", "erlang-base");
  const source = fileURLToPath(new URL(`../../erlang/${program}.erl`, import.meta.url));
  const stack = new AsyncDisposableStack20();
  try {
    const folder = stack.use(await scratchFolder());
    const compiled = spawnSync("erlc", ["-o", folder.path, source], { encoding: "utf8" });
    if (compiled.status !== 0) throw new Unavailable(`erlc: ${compiled.stdout}${compiled.stderr}`);
    const [mapperPort = 0] = await freePorts(1);
    const env = {
      ...process.env,
      HOME: folder.path,
      ERL_EPMD_ADDRESS: "127.0.0.1",
      ERL_EPMD_PORT: `${mapperPort}`,
    };
    const mapper = spawn("epmd", ["-address", "127.0.0.1", "-port", `${mapperPort}`], {
      stdio: "ignore",
      env,
    });
    stack.use({ [Symbol.asyncDispose]: () => end(mapper) });
    await listening(mapperPort);
    const startWith = (naming: readonly string[], run: string, args: readonly string[]) => {
      const own = [...naming, "-setcookie", COOKIE, "-start_epmd", "false"];
      const loopback = ["-kernel", "inet_dist_use_interface", "{127,0,0,1}", "-noshell"];
      const what = ["-pa", folder.path, "-s", program, run, "-extra", ...args];
      const child = spawn("erl", [...own, ...loopback, ...what], {
        stdio: ["pipe", "pipe", "inherit"],
        env,
      });
      return stack.use(new ErlangNode(child));
    };
    const start: ErlangNodes["start"] = (name, run, args) =>
      startWith(["-name", `${name}@127.0.0.1`], run, args);
    const startUnnamed: ErlangNodes["startUnnamed"] = (run, args) => startWith([], run, args);
    return { start, startUnnamed, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
}

export class ErlangNode implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #waiter: (() => void) | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error("An Erlang node needs a pipe");
    createInterface({ input: child.stdout }).on("line", (line) => {
      // Erlang's own reports go the same way.
      if (!line.startsWith("{") || !line.endsWith("}")) return;
      this.#lines.push(line);
      this.#waiter?.();
    });
    child.once("exit", () => this.#waiter?.());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  ask(line: string): Promise<Record<string, number>> {
    this.tell(line);
    return this.answer();
  }

  /** The next line it writes. */
  async answer(): Promise<Record<string, number>> {
    const isOver = () => this.#lines.length > 0 || this.#child.exitCode !== null;
    const late = setTimeout(() => this.#child.kill("SIGKILL"), ANSWER_MS_MAX);
    while (!isOver()) {
      await new Promise<void>((resolve) => {
        this.#waiter = resolve;
      });
      if (this.#child.signalCode !== null) break;
    }
    clearTimeout(late);
    const line = this.#lines.shift();
    if (line === undefined) throw new Error("An Erlang node ended or gave no answer in time");
    return JSON.parse(line) as Record<string, number>;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return end(this.#child);
  }
}

/** What Node 24's AsyncDisposableStack does, as far as it is needed here. */
class AsyncDisposableStack20 implements AsyncDisposable {
  readonly #resources: AsyncDisposable[] = [];

  use<T extends AsyncDisposable>(resource: T): T {
    this.#resources.push(resource);
    return resource;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const resource of this.#resources.splice(0).toReversed()) {
      await resource[Symbol.asyncDispose]();
    }
  }
}

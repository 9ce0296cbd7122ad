/**
 * createKernel: the processes of one node.
 *
 * The shell around `protocol/`: it runs handlers, awaits the async ones, keeps time through the
 * clock and turns what happens into answers, exits and notices. Semantics follow Erlang's
 * gen_server where JavaScript allows: one message at a time, links, monitors, `killed` cannot be
 * refused. Unlike there, a FoundationError thrown by a call's handler is an answer, not a crash.
 *
 * Invariants: every call gets exactly one answer, or its deadline passed before it began; a call
 * answered with anything but a reply, ERR_HANDLER_FAILED or ERR_OUTCOME_UNKNOWN never ran; after
 * the end of a process nothing of it runs that had not begun; DOWN comes after the last answer.
 */
import { coreErrors } from "../errors/errors.js";
import type { FoundationError } from "../errors/foundation-error.js";
import type { Boot, NodeId } from "../ids/node-id.js";
import { createCodec } from "../codec/codec.js";
import type { Codec } from "../ports/codec.js";
import type { Runtime } from "../ports/runtime.js";
import type { ProcessDefinition } from "./definition.js";
import type { Ending } from "./ending.js";
import { Execution } from "./execution.js";
import type {
  Delivery,
  DeliveryOutcome,
  ExitReason,
  FrozenProcess,
  Kernel,
  Pid,
  ProcessSnapshot,
  ProcessSummary,
  SpawnOptions,
} from "./kernel-port.js";
import { noUpgrade, startAborted } from "./kernel-errors.js";
import { processLimits, type KernelLimits } from "./limits.js";
import { LocalProcess, type Monitor } from "./local-process.js";

/** What `createKernel` takes. */
export interface KernelOptions {
  readonly node: NodeId;
  readonly boot: Boot;
  readonly runtime: Pick<Runtime, "clock" | "logger" | "meter">;
  /** Copies states: that of the messenger, so that what can be moved here can be sent. @default `createCodec()` */
  readonly codec?: Codec;
  /** @default the values of `processLimits` */
  readonly limits?: Partial<KernelLimits>;
}

/**
 * Makes the kernel of a node. It holds no timer and no handle while its processes are idle.
 *
 * @example
 * ```ts
 * import { createBoot, createKernel, createNodeId, defineProcess, localRef } from "@foundation/core"
 * import { nodeRuntime } from "@foundation/core"
 *
 * const runtime = nodeRuntime()
 * const node = createNodeId(runtime.random)
 * const kernel = createKernel({ node, boot: createBoot(1, runtime.random), runtime })
 * const greeter = defineProcess({
 *   name: "docs.greeter",
 *   init: () => ({ greeted: 0 }),
 *   call: { greet: ({ state }, name: string) => `Hello ${name}, you are number ${++state.greeted}` },
 * })
 * const pid = await kernel.spawn(greeter, undefined)
 * console.log(await localRef({ kernel, clock: runtime.clock, definition: greeter, pid }).call("greet", "Ann"))
 * await kernel.close()
 * ```
 */
export function createKernel(options: KernelOptions): Kernel {
  return new LocalKernel(options);
}

class LocalKernel implements Kernel {
  readonly node: NodeId;
  readonly boot: Boot;
  readonly #execution: Execution;
  readonly #ending: Ending;
  readonly #limits: KernelLimits;
  #serial = 0;
  #closing: Promise<void> | undefined = undefined;

  constructor({ node, boot, runtime, codec = createCodec(), limits }: KernelOptions) {
    this.node = node;
    this.boot = boot;
    this.#limits = { ...processLimits, ...limits };
    this.#execution = new Execution(runtime, codec, this.#limits);
    this.#ending = this.#execution.ending;
  }

  async spawn(
    definition: ProcessDefinition,
    args: unknown,
    options: SpawnOptions = {},
  ): Promise<Pid> {
    if (this.#closing !== undefined) {
      throw coreErrors.ERR_CLOSED(
        `The kernel of node ${this.node} is closed: it starts no "${definition.name}"`,
        { what: "kernel" },
      );
    }
    const { install } = options;
    if (install !== undefined && install.version !== definition.version && !definition.upgrade) {
      throw noUpgrade(definition, install.version);
    }
    if (options.signal?.aborted) throw startAborted(definition.name, options.signal);
    const limit = this.#limits.processesMax;
    if (this.#ending.processes.size >= limit) {
      throw coreErrors.ERR_QUEUE_FULL(
        `Node ${this.node} runs ${limit} processes (processesMax) and starts no more`,
        { queue: "processes", limit, unit: "messages" },
      );
    }
    const pid = Object.freeze({ node: this.node, boot: this.boot, serial: ++this.#serial });
    const now = this.#execution.clock.now();
    const process = new LocalProcess(pid, definition, options.label, now);
    this.#tieToParent(process, options);
    await this.#execution.start(process, args, options);
    return pid;
  }

  deliver(to: Pid, message: Delivery): DeliveryOutcome {
    const process = this.#find(to);
    if (process !== undefined) return this.#execution.accept(process, message);
    const wasOwn = to.node === this.node && to.boot === this.boot;
    return wasOwn ? this.#execution.handOver.forward(to.serial, message) : "no-process";
  }

  async freeze(
    pid: Pid,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<FrozenProcess> {
    return this.#execution.handOver.freeze(this.#require(pid), signal);
  }

  thaw(pid: Pid): void {
    const process = this.#find(pid);
    if (process !== undefined) this.#execution.handOver.thaw(process);
  }

  handOff(pid: Pid, forward: (message: Delivery) => void): void {
    this.#execution.handOver.handOff(this.#require(pid), forward);
  }

  async snapshot(pid: Pid): Promise<ProcessSnapshot> {
    return this.#execution.handOver.snapshot(this.#require(pid));
  }

  exit(pid: Pid, reason: ExitReason): void {
    const process = this.#find(pid);
    if (process !== undefined) this.#execution.exit(process, reason);
  }

  monitor(pid: Pid, down: (reason: ExitReason) => void): () => void {
    const monitor: Monitor = { active: true, down };
    const process = this.#find(pid);
    if (process !== undefined) {
      process.monitors.add(monitor);
    } else {
      const reason = this.#reasonOf(pid);
      this.#execution.clock.endOfTurn(() => this.#ending.tell(monitor, reason));
    }
    return () => {
      monitor.active = false;
      process?.monitors.delete(monitor);
    };
  }

  link(a: Pid, b: Pid): () => void {
    for (const pid of [a, b]) this.#requireOwn(pid);
    if (a.serial === b.serial) return () => {};
    const [first, second] = [this.#find(a), this.#find(b)];
    if (first !== undefined && second !== undefined) {
      this.#ending.links.link(a.serial, b.serial);
    } else if (first !== undefined) {
      this.#ending.endLinked(first, b, this.#reasonOf(b));
    } else if (second !== undefined) {
      this.#ending.endLinked(second, a, this.#reasonOf(a));
    }
    return () => this.#ending.links.unlink(a.serial, b.serial);
  }

  find(pid: Pid): ProcessSummary | undefined {
    const process = this.#find(pid);
    return process === undefined || process.phase === "starting" ? undefined : summaryOf(process);
  }

  list(): readonly ProcessSummary[] {
    const summaries: ProcessSummary[] = [];
    for (const process of this.#ending.processes.values()) {
      if (process.phase !== "starting") summaries.push(summaryOf(process));
    }
    return summaries;
  }

  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#endAll(options.graceMs ?? this.#limits.closeGraceMs);
    return this.#closing;
  }

  async #endAll(graceMs: number): Promise<void> {
    const newestFirst = [...this.#ending.processes.values()].reverse();
    const grace = this.#execution.clock.setTimer(graceMs, () => {
      for (const process of newestFirst) this.#execution.exit(process, { type: "killed" });
    });
    for (const process of newestFirst) {
      if (process.phase === "ended") continue;
      this.#execution.exit(process, { type: "shutdown" });
      await new Promise<void>((resolve) => {
        this.monitor(process.pid, () => resolve());
      });
    }
    grace.cancel();
    this.#execution.handOver.close();
  }

  #tieToParent(process: LocalProcess, { parent, link }: SpawnOptions): void {
    if (parent === undefined || link !== true) return;
    this.#requireOwn(parent);
    if (this.#find(parent) === undefined) {
      throw coreErrors.ERR_NO_PROCESS(
        `Process ${parent.serial} of node ${this.node} has ended, so nothing was started in its name`,
        { process: String(parent.serial) },
      );
    }
    this.#ending.links.link(parent.serial, process.pid.serial, true);
  }

  #find(pid: Pid): LocalProcess | undefined {
    if (pid.node !== this.node || pid.boot !== this.boot) return undefined;
    return this.#ending.processes.get(pid.serial);
  }

  #require(pid: Pid): LocalProcess {
    const process = this.#find(pid);
    if (process === undefined || process.exitReason !== undefined) throw gone(pid);
    return process;
  }

  #reasonOf(pid: Pid): ExitReason {
    const own = pid.node === this.node && pid.boot === this.boot;
    const known = own ? this.#ending.reasons.get(pid.serial) : undefined;
    return known ?? { type: "error", error: gone(pid) };
  }

  #requireOwn(pid: Pid): void {
    if (pid.node === this.node) return;
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `link ties processes of one node: expected a pid of ${this.node}, found one of ${pid.node}`,
      { argument: "pid", expected: `a pid of node ${this.node}`, found: pid.node },
    );
  }
}

function summaryOf(process: LocalProcess): ProcessSummary {
  return {
    pid: process.pid,
    definition: process.definition.name,
    label: process.label,
    mailboxLength: process.mailbox.length,
    startedAt: process.startedAt,
  };
}

function gone(pid: Pid): FoundationError {
  const process = `${pid.serial} of node ${pid.node}`;
  return coreErrors.ERR_NO_PROCESS(
    `Process ${process} is not running here: it ended long ago, or belongs to another boot`,
    { process },
  );
}

/** A kernel on virtual time, and the means to look at what it does. */
import { createKernel } from "../../../src/process/kernel.js";
import type { ProcessDefinition } from "../../../src/process/definition.js";
import type {
  CallOutcome,
  Delivery,
  ExitReason,
  Kernel,
  Pid,
} from "../../../src/process/kernel-port.js";
import type { KernelLimits } from "../../../src/process/limits.js";
import { localRef } from "../../../src/process/local-ref.js";
import type { ProcessRef } from "../../../src/process/typed-definition.js";
import { createBoot, createNodeId } from "../../../src/ids/index.js";
import { memoryRuntime, type MemoryRuntime } from "../../../src/testing/index.js";

export interface World extends Omit<MemoryRuntime, "storage" | "transport"> {
  readonly kernel: Kernel;
  /** A unique name for a definition: the catalogue lasts as long as the test file. */
  name(): string;
  ref<D extends ProcessDefinition>(definition: D, pid: Pid): ProcessRef<D>;
  /** Starts a process and gives its pid and a reference to it. */
  start<D extends ProcessDefinition>(
    definition: D,
    args?: unknown,
  ): Promise<{ pid: Pid; ref: ProcessRef<D> }>;
  /** What a monitor is told, in order. */
  watch(pid: Pid): ExitReason[];
}

let names = 0;

export function world(limits: Partial<KernelLimits> = {}): World {
  const runtime = memoryRuntime({ seed: "kernel" });
  const node = createNodeId(runtime.random);
  const boot = createBoot(1, runtime.random);
  const kernel = createKernel({ node, boot, runtime, limits });
  const ref = <D extends ProcessDefinition>(definition: D, pid: Pid) =>
    localRef({ kernel, clock: runtime.clock, definition, pid });
  return {
    ...runtime,
    kernel,
    ref,
    name: () => `test.${++names}`,
    async start(definition, args) {
      const pid = await kernel.spawn(definition, args);
      return { pid, ref: ref(definition, pid) };
    },
    watch(pid) {
      const reasons: ExitReason[] = [];
      kernel.monitor(pid, (reason) => reasons.push(reason));
      return reasons;
    },
  };
}

/** A call as the kernel takes it, which remembers its answers. */
export function call(
  handler: string,
  more: Partial<Extract<Delivery, { type: "call" }>> = {},
): Extract<Delivery, { type: "call" }> & { readonly answers: CallOutcome[] } {
  const answers: CallOutcome[] = [];
  return {
    type: "call",
    handler,
    payload: undefined,
    sender: undefined,
    trace: undefined,
    deadline: undefined,
    signal: undefined,
    reply: (outcome) => answers.push(outcome),
    ...more,
    answers,
  };
}

export function cast(handler: string, payload?: unknown): Delivery {
  return { type: "cast", handler, payload, sender: undefined, trace: undefined };
}

export function info(payload: unknown): Delivery {
  return { type: "info", payload, sender: undefined, trace: undefined };
}

/** A promise that settles when the test says so. */
export function gate<T = void>(): {
  promise: Promise<T>;
  open(value: T): void;
  fail(e: unknown): void;
} {
  let open: (value: T) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

/** The code an operation is rejected with. */
export async function codeOf(operation: Promise<unknown>): Promise<string | undefined> {
  try {
    await operation;
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

export const NORMAL: ExitReason = { type: "normal" };
export const SHUTDOWN: ExitReason = { type: "shutdown" };
export const KILLED: ExitReason = { type: "killed" };

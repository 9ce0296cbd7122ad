/**
 * VirtualProcess: `process` as code of a simulated node finds it: its own signals, its own end, its own clock.
 *
 * An application that handles SIGTERM and exits would otherwise listen to the test's process and end it. Listeners for
 * signals and for the end of the process are kept by boot; `process.exit` ends the simulated process and never returns:
 * it throws something that nobody is told of.
 */
import { EventEmitter } from "node:events";
import { ambientRuntime, type Runtime } from "@foundation/core";
import { standIn, type Any, type Holder } from "./stand-in.js";

/** What tells of a process itself. Other events (warnings) are the test's. */
const OWN = /^(?:SIG[A-Z0-9]+|exit|beforeExit|uncaughtException|unhandledRejection|disconnect)$/;
const TERMINATES = new Set<unknown>(["SIGTERM", "SIGINT"]);
const METHODS = [
  "on",
  "once",
  "addListener",
  "prependListener",
  "prependOnceListener",
  "off",
  "removeListener",
  "removeAllListeners",
  "listeners",
  "rawListeners",
  "listenerCount",
] as const;

/** Unwinds the stack of code that has called `process.exit`. */
class ProcessEnded extends Error {
  override readonly name = "ProcessEnded";

  constructor() {
    super("process.exit was called by code of a simulated node: nothing of it runs from here on");
  }
}

/** Whether a node's code was left by way of `process.exit`. */
export function isProcessEnd(reason: unknown): boolean {
  return reason instanceof ProcessEnded;
}

/** Stand-ins for members of `process`. @param exit ends the simulated process */
export function virtualProcess(exit: (node: Runtime, code: number) => void): Holder {
  const world = process as unknown as Holder;
  const own = processesOfNodes();
  const stands: Holder = {};
  for (const method of METHODS) {
    const real = world[method] as Any;
    stands[method] = function (this: unknown, ...args: unknown[]): unknown {
      const node = OWN.test(String(args[0])) ? ambientRuntime() : undefined;
      if (node === undefined) return Reflect.apply(real, this, args);
      const events = own(node);
      const given: unknown = Reflect.apply(events[method] as Any, events, args);
      return given === events ? this : given;
    };
  }
  const end = (node: Runtime, code: unknown): never => {
    const exitCode = Number(code ?? process.exitCode ?? 0);
    own(node).emit("exit", exitCode);
    exit(node, exitCode);
    throw new ProcessEnded();
  };
  const hrtime = standIn(world["hrtime"] as Any, ({ clock }, since) => {
    const [seconds, nanos] = (since ?? [0, 0]) as readonly [number, number];
    const elapsed = nanosOf(clock.now()) - (BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
    return [Number(elapsed / 1_000_000_000n), Number(elapsed % 1_000_000_000n)];
  });
  const { bigint } = process.hrtime as unknown as { readonly bigint: Any };
  return {
    ...stands,
    exit: standIn(world["exit"] as Any, end),
    hrtime: Object.assign(hrtime, { bigint: standIn(bigint, ({ clock }) => nanosOf(clock.now())) }),
    uptime: standIn(world["uptime"] as Any, ({ clock }) => clock.now() / 1_000),
  };
}

/** The listeners of each boot: those for signals hear those of the node. */
function processesOfNodes(): (node: Runtime) => EventEmitter {
  const processes = new WeakMap<Runtime, EventEmitter>();
  return (node) => {
    const found = processes.get(node);
    if (found) return found;
    const events = new EventEmitter();
    events.setMaxListeners(0);
    processes.set(node, events);
    const heard = new Map<unknown, () => void>();
    events.on("newListener", (event) => {
      if (!TERMINATES.has(event) || heard.has(event)) return;
      heard.set(
        event,
        node.signals.onTerminate(
          (signal) => void (signal === event && events.emit(signal, signal)),
        ),
      );
    });
    events.on("removeListener", (event) => {
      if (events.listenerCount(event) > 0) return;
      heard.get(event)?.();
      heard.delete(event);
    });
    return events;
  };
}

function nanosOf(ms: number): bigint {
  return BigInt(Math.round(ms * 1_000_000));
}

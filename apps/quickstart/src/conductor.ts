/**
 * The conductor: starts the node processes, kills them, and keeps the books.
 *
 * It never takes part in the cluster. Time is its own monotonic clock, so that "after the last one starts" and "after
 * kill -9" are measured from outside, process start included.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { CallEnded, FromNode, ToNode } from "./messages.js";

/** What the conductor knows of one node process. */
export interface NodeView {
  readonly index: number;
  readonly child: ChildProcess;
  name: string;
  state: "starting" | "up" | "formed" | "killed" | "left" | "failed";
  nodes: number;
  subscribed: boolean;
  rested: boolean;
  ok: number;
  unknown: number;
  refused: number;
  received: number;
  duplicates: number;
}

export interface Conductor {
  readonly nodes: readonly NodeView[];
  readonly journal: string;
  readonly calls: readonly CallEnded[];
  /** When the last process was started, by `now()`. */
  readonly lastStartAt: number;
  now(): number;
  start(): NodeView;
  tell(node: NodeView, message: ToNode): void;
  kill(node: NodeView): void;
  /** The node whose process answered last, if it still runs. */
  host(): NodeView | undefined;
  /** Resolves once `condition` holds; rejects after `withinMs`, saying `what` did not happen. */
  until(what: string, condition: () => boolean, withinMs: number): Promise<number>;
  onMessage(listener: (node: NodeView, message: FromNode) => void): void;
  /** Lines that node processes log. */
  onLog(listener: (line: string) => void): void;
  /** Ends every process that still runs and removes the journal. */
  close(): Promise<void>;
}

export interface ConductorOptions {
  readonly expected: number;
  /** Environment of the node processes, beside the conductor's own. */
  readonly env: Readonly<Record<string, string>>;
}

/** How long a node may take to leave before it is killed, in ms. */
const leaveMs = 5_000;

export function createConductor({ expected, env }: ConductorOptions): Conductor {
  const folder = mkdtempSync(join(tmpdir(), "foundation-quickstart-"));
  const nodes: NodeView[] = [];
  const calls: CallEnded[] = [];
  const listeners: ((node: NodeView, message: FromNode) => void)[] = [];
  const logListeners: ((line: string) => void)[] = [];
  const waiting = new Set<() => void>();
  let lastStartAt = 0;

  const now = () => performance.now();
  const recheck = () => {
    for (const check of waiting) check();
  };

  function start(): NodeView {
    lastStartAt = now();
    const child = fork(nodeFile(), [String(expected)], {
      // The cluster is named after the package whose folder a process is started in.
      cwd: dirname(nodeFile()),
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const node = newView(nodes.length + 1, child);
    nodes.push(node);
    if (child.stderr !== null) {
      createInterface(child.stderr).on("line", (line) => {
        for (const listener of logListeners) listener(line);
      });
    }
    child.on("message", (message: FromNode) => {
      note(node, message, calls);
      for (const listener of listeners) listener(node, message);
      recheck();
    });
    child.on("exit", (code) => {
      if (node.state !== "killed") node.state = code === 0 ? "left" : "failed";
      recheck();
    });
    return node;
  }

  function until(what: string, condition: () => boolean, withinMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        waiting.delete(check);
      };
      const check = () => {
        const failed = nodes.find((node) => node.state === "failed");
        if (failed !== undefined) {
          done();
          reject(new Error(`node ${failed.index} ended unexpectedly; its output is above`));
        } else if (condition()) {
          done();
          resolve(now());
        }
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`${what} did not happen within ${withinMs} ms`));
      }, withinMs);
      waiting.add(check);
      check();
    });
  }

  async function close(): Promise<void> {
    const running = nodes.filter(runs);
    for (const node of running) if (node.child.connected) node.child.send({ type: "leave" });
    const timer = setTimeout(() => {
      for (const node of running) node.child.kill("SIGKILL");
    }, leaveMs);
    await Promise.all(running.map(ended));
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  }

  return {
    nodes,
    calls,
    now,
    start,
    until,
    close,
    journal: join(folder, "orders.journal"),
    get lastStartAt() {
      return lastStartAt;
    },
    tell: (node, message) => void node.child.send(message),
    kill(node) {
      node.state = "killed";
      node.child.kill("SIGKILL");
    },
    host() {
      const pid = calls.findLast((call) => call.outcome === "ok")?.pid;
      return nodes.find((node) => node.child.pid === pid && runs(node));
    },
    onMessage: (listener) => void listeners.push(listener),
    onLog: (listener) => void logListeners.push(listener),
  };
}

/** True while the process runs. */
export function runs(node: NodeView): boolean {
  return node.state === "starting" || node.state === "up" || node.state === "formed";
}

function nodeFile(): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return fileURLToPath(new URL(`./node.${extension}`, import.meta.url));
}

function newView(index: number, child: ChildProcess): NodeView {
  return {
    index,
    child,
    name: `node ${index}`,
    state: "starting",
    nodes: 0,
    subscribed: false,
    rested: false,
    ok: 0,
    unknown: 0,
    refused: 0,
    received: 0,
    duplicates: 0,
  };
}

function note(node: NodeView, message: FromNode, calls: CallEnded[]): void {
  switch (message.type) {
    case "up":
      node.name = message.name;
      node.state = "up";
      return;
    case "membership":
      node.nodes = message.nodes;
      return;
    case "formed":
      node.state = "formed";
      return;
    case "subscribed":
      node.subscribed = true;
      return;
    case "called":
      calls.push(message);
      node[message.outcome] += 1;
      return;
    case "received":
      node.received = message.total;
      node.duplicates = message.duplicates;
      return;
    case "rested":
      node.rested = true;
      return;
    case "started":
      return;
    default:
      message satisfies never;
  }
}

function ended(node: NodeView): Promise<void> {
  if (!runs(node)) return Promise.resolve();
  return new Promise((resolve) => node.child.once("exit", () => resolve()));
}

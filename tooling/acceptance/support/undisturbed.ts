/**
 * Two good nodes that go on calling each other while something hostile happens to them, and the
 * hostile sockets. What "the node is undisturbed" means here: not one of these calls fails.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, expect } from "@jest/globals";
import { isFoundationError, type Cluster, type StartOptions } from "@foundation/foundation";
import { WebSocket } from "ws";
import { startNode, uniqueName, type TestNode } from "./clusters.js";
import { counter } from "./definitions.js";

/** A pair under load. */
export interface Pair {
  readonly name: string;
  readonly a: TestNode;
  readonly b: TestNode;
  /** Ends the load and checks it: calls went through, also since the pair was made, and none failed. */
  undisturbed(): Promise<void>;
}

/** Starts two nodes; each calls a process on the other until `undisturbed()`. */
export async function pairUnderLoad(options: StartOptions = {}): Promise<Pair> {
  const name = uniqueName();
  const [a, b] = await Promise.all([
    startNode({ name, node: { name: "a" }, ...options }),
    startNode({ name, node: { name: "b" }, ...options }),
  ]);
  await Promise.all([a.cluster.ready(), b.cluster.ready()]);
  const loops = [await callLoop(a.cluster, b.cluster), await callLoop(b.cluster, a.cluster)];
  const undisturbed = async () => {
    const before = loops.map((loop) => loop.calls());
    await Promise.all(loops.map((loop, i) => loop.reaches((before[i] ?? 0) + 20)));
    const failures = (await Promise.all(loops.map((loop) => loop.stop()))).flat();
    expect(failures).toEqual([]);
    expect(a.cluster.nodes()).toHaveLength(2);
    expect(b.cluster.nodes()).toHaveLength(2);
  };
  return { name, a, b, undisturbed };
}

const running: { stop(): Promise<unknown> }[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((loop) => loop.stop()));
});

/** Calls from one node to a process of the other, one at a time. */
async function callLoop(from: Cluster, to: Cluster) {
  const name = `load-${to.self.name}`;
  const on = to.self.id;
  const ref = await from.startProcess(counter, { from: 0 }, { name, on, wait: "visible" });
  const failures: unknown[] = [];
  let calls = 0;
  let stopped = false;
  const loop = async () => {
    for (; !stopped; calls += 1) {
      try {
        await ref.call("add", 1, { timeout: "5s" });
      } catch (error) {
        failures.push(error);
      }
      await nextTurn();
    }
  };
  const ended = loop();
  const made = {
    calls: () => calls,
    reaches: async (count: number) => {
      while (calls < count) await nextTurn();
    },
    stop: async () => {
      stopped = true;
      await ended;
      return failures;
    },
  };
  running.push(made);
  return made;
}

/** Polls, a turn of the event loop at a time, until the condition holds. */
export async function eventually(what: string, holds: () => boolean, withinMs = 5_000) {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resume) => setTimeout(resume, 5));
  }
}

/** The advice that a node's health gives, as one text. */
export async function adviceOf({ cluster }: TestNode): Promise<string> {
  return (await cluster.health()).recommendations.join("\n");
}

/** Every line a node logged at warn or above. */
export function warningsOf({ log }: TestNode): string {
  const loud = log.lines.filter(({ level }) => level === "warn" || level === "error");
  return loud.map(({ message }) => message).join("\n");
}

/** What a rejected promise or a throwing function gave; fails the test when it is no typed error. */
export async function refusalOf(run: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await run();
  } catch (error) {
    if (isFoundationError(error)) return error;
    throw new Error(`expected a FoundationError, found ${String(error)}`, { cause: error });
  }
  throw new Error(`expected a refusal, but nothing was refused by ${String(run)}`);
}

/** A bare socket past the upgrade, with its first answer and its close code. */
export async function rawLink(address: string) {
  const socket = new WebSocket(`${address}/_foundation`, ["foundation.1"]);
  socket.on("error", () => {});
  const frames: string[] = [];
  socket.on("message", (data) => frames.push(String(data)));
  const closed = once(socket, "close").then(([code]) => code as number);
  await once(socket, "open");
  return { socket, frames, closed };
}

/** A bare TCP connection. */
export async function rawSocket(address: string): Promise<Socket> {
  const socket = connect(Number(new URL(address).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  return socket;
}

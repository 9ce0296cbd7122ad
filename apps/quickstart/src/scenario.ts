/**
 * The scenario, once: three processes form a cluster, share one process, lose a node to kill -9, and go on.
 *
 * The live demonstration and the check run the same steps; they differ in what they show.
 */
import { readFileSync } from "node:fs";
import { balance, type Books } from "./books.js";
import { runs, type Conductor, type NodeView } from "./conductor.js";

export const expectedNodes = 3;

/** Limits of each step, in ms: past them the run has failed. */
const stepMs = { form: 30_000, start: 10_000, call: 10_000, failover: 30_000, rest: 10_000 };
/** Calls that must have succeeded from each node before the kill, and from each survivor after it. */
const callsEach = 100;

export interface ScenarioResult extends Books {
  /** From the start of the last process until all of them list all of them, in ms. */
  readonly formationMs: number;
  /** From kill -9 until a survivor's call succeeds again, in ms. */
  readonly failoverMs: number;
  readonly received: number;
  /** Messages that reached one subscriber twice. */
  readonly receivedTwice: number;
}

/** Runs it. `step` is told of each thing that happened, in words. */
export async function runScenario(
  conductor: Conductor,
  step: (text: string) => void,
  pauseMs: number,
): Promise<ScenarioResult> {
  const formationMs = await form(conductor, step);
  await shareProcess(conductor, step);
  await pause(pauseMs);
  const failoverMs = await loseHost(conductor, step);
  await pause(pauseMs);
  await rest(conductor);
  const books = balance(conductor.calls, readFileSync(conductor.journal, "utf8"));
  const sum = (of: (node: NodeView) => number) =>
    conductor.nodes.reduce((total, node) => total + of(node), 0);
  return {
    ...books,
    formationMs: Math.round(formationMs),
    failoverMs: Math.round(failoverMs),
    received: sum((node) => node.received),
    receivedTwice: sum((node) => node.duplicates),
  };
}

async function form(conductor: Conductor, step: (text: string) => void): Promise<number> {
  step(`starting ${expectedNodes} processes, with no configuration`);
  for (let i = 0; i < expectedNodes; i += 1) conductor.start();
  const all = () => conductor.nodes.every((node) => node.state === "formed");
  const at = await conductor.until("a cluster of three", all, stepMs.form);
  const formationMs = at - conductor.lastStartAt;
  step(`all of them list all of them, ${Math.round(formationMs)} ms after the last one started`);
  return formationMs;
}

async function shareProcess(conductor: Conductor, step: (text: string) => void): Promise<void> {
  const [first] = conductor.nodes;
  if (first === undefined) throw new Error("no node was started");
  const subscribed = () => conductor.nodes.every((node) => node.subscribed);
  await conductor.until("a subscription on every node", subscribed, stepMs.start);
  let started = false;
  conductor.onMessage((_node, message) => {
    started ||= message.type === "started";
  });
  conductor.tell(first, { type: "start", journal: conductor.journal });
  await conductor.until('the start of "orders"', () => started, stepMs.start);
  step('"orders" is started once for the whole cluster; now every node calls it and publishes');
  for (const node of conductor.nodes) conductor.tell(node, { type: "work" });
  const called = () => conductor.nodes.every((node) => node.ok >= callsEach);
  await conductor.until("calls from every node", called, stepMs.call);
  step(`each node has called it, and it lives on ${conductor.host()?.name ?? "?"}`);
}

async function loseHost(conductor: Conductor, step: (text: string) => void): Promise<number> {
  const victim = conductor.host();
  if (victim === undefined) throw new Error('nobody knows where "orders" lives');
  const killedAt = conductor.now();
  conductor.kill(victim);
  step(`kill -9 ${victim.child.pid}: ${victim.name} is gone, with "orders" and what it was doing`);
  const killedPid = victim.child.pid;
  let answeredBy: number | undefined;
  conductor.onMessage((_node, message) => {
    if (message.type !== "called" || message.outcome !== "ok") return;
    if (message.pid !== killedPid) answeredBy ??= message.pid;
  });
  const back = () => answeredBy !== undefined;
  const at = await conductor.until('"orders" on another node', back, stepMs.failover);
  const failoverMs = at - killedAt;
  const ms = Math.round(failoverMs);
  step(`"orders" answers again, from ${conductor.host()?.name ?? "?"}, ${ms} ms after the kill`);
  const survivors = conductor.nodes.filter(runs);
  const enough = survivors.map((node) => node.ok + callsEach);
  const called = () => survivors.every((node, i) => node.ok >= (enough[i] ?? 0));
  await conductor.until("calls from every survivor", called, stepMs.call);
  return failoverMs;
}

async function rest(conductor: Conductor): Promise<void> {
  const alive = conductor.nodes.filter(runs);
  for (const node of alive) conductor.tell(node, { type: "rest" });
  await conductor.until("rest", () => alive.every((node) => node.rested), stepMs.rest);
}

function pause(ms: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, ms));
}

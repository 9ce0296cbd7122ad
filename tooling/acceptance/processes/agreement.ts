/** Agreement: what must hold of a cluster in which nothing is wrong any more. */
import { isFoundationError } from "@foundation/core";
import type { Mortals } from "./mortals.js";
import type { Part } from "./parts/part.js";
import { runOn } from "../support/run-on.js";
import type { Node, ProcessNode, Sim } from "./process-node.js";
import { definitionOf } from "./workload.js";

const WITHIN = "120s";
/** What supervision and anti-entropy need at least, and after which nothing more may change. */
const QUIET_MS = 6_000;
const QUIET_MS_MAX = 60_000;

/** Resolves when every node is up and lists all others alive. @throws when they never do */
export async function untilAgreed(sim: Sim): Promise<void> {
  const all = sim.nodes.length;
  const isComplete = (node: Node) => {
    if (node.state !== "up" || node.app === undefined) return false;
    const members = node.within(({ face }) => face.nodes());
    return members.length === all && members.every(({ status }) => status === "alive");
  };
  if (!(await sim.until(() => sim.nodes.every(isComplete), WITHIN))) {
    const views = sim.nodes.map(({ name, app }) => {
      const seen = app?.face.nodes().map((member) => `${member.name} ${member.status}`);
      return `${name}: ${seen?.join(", ") ?? "has not started"}`;
    });
    throw new Error(`the nodes do not agree who is there:\n${views.join("\n")}`);
  }
}

/** Identities that nobody stops. */
export interface Expected {
  readonly all: readonly string[];
  /** Those that must run. */
  readonly living: readonly string[];
  /** Processes that run besides: the supervision trees. */
  readonly beside?: () => number;
}

/**
 * What is still wrong when nothing may change any more: one instance of each identity, the same for every node; no other
 * runs; nothing is lost or back.
 */
export async function wrongAtRest(
  sim: Sim,
  expected: Expected,
  mortals: Mortals,
  parts: readonly Part[],
): Promise<readonly string[]> {
  const untilMs = sim.clock.now() + QUIET_MS_MAX;
  for (;;) {
    await sim.run(QUIET_MS);
    const wrong = [...(await judgeRest(sim, expected, mortals))];
    // What news reached whom is a matter of rounds of anti-entropy, for them as for the processes.
    for (const part of parts) wrong.push(...((await part.judge?.()) ?? []));
    if (wrong.length === 0 || sim.clock.now() > untilMs) return wrong;
  }
}

async function judgeRest(
  sim: Sim,
  { living: identities, all, beside = () => 0 }: Expected,
  mortals: Mortals,
): Promise<readonly string[]> {
  const wrong = [...mortals.judge()];
  const failed = Math.max(...sim.nodes.map((node) => node.within(({ face }) => face.failed())));
  const instances = new Set<string>();
  const living = [...identities, ...mortals.living];
  for (const identity of living) {
    const asked = sim.nodes.map((node) => runOn(sim, node, (own) => whoServes(own, identity)));
    const answers = new Set(await sim.settle(Promise.all(asked)));
    const isOne = answers.size === 1 && ![...answers].some((answer) => answer.startsWith("error"));
    // Given up after too many crashes on purpose: it need not run, and must not be two.
    const isGivenUp = failed > 0 && [...answers].every((answer) => answer.includes("crashes"));
    if (!isOne && !isGivenUp)
      wrong.push(`${identity} is answered by ${[...answers].join(" and ")}`);
    for (const answer of answers) if (!answer.startsWith("error")) instances.add(answer);
  }
  const here = sim.nodes.map((node) => hereOf(node));
  const total = here.reduce((sum, count) => sum + count, 0);
  const unclear = await unclearOf(sim, [...mortals.unclear, ...all]);
  for (const answer of unclear) instances.add(answer);
  const expected = instances.size + beside();
  if (total !== expected) {
    const seen = sim.nodes.map(({ name, app }) => `${name}: ${app?.face.labels?.() ?? "?"}`);
    wrong.push(
      `${instances.size} identities are served, ${expected} processes are known and ${total} run: ${here.join(", ")} (${seen.join("; ")})`,
    );
  }
  return wrong;
}

/** Of identities that may run or not, those that do. */
async function unclearOf(sim: Sim, identities: readonly string[]): Promise<readonly string[]> {
  const [node] = sim.nodes;
  if (node === undefined) return [];
  const asked = identities.map((identity) => runOn(sim, node, (own) => whoServes(own, identity)));
  return (await sim.settle(Promise.all(asked))).filter((answer) => !answer.startsWith("error"));
}

function hereOf(node: Node): number {
  return node.within(({ face }) => face.here());
}

/** Asked again when the connection was lost: a half-open one is known only after something was sent on it. */
async function whoServes({ face }: ProcessNode, identity: string, tries = 3): Promise<string> {
  try {
    const ref = face.process(definitionOf(identity), identity);
    return await ref.call("who", undefined, { timeout: "5s" });
  } catch (error) {
    if (tries > 1 && isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) {
      return whoServes({ face } as ProcessNode, identity, tries - 1);
    }
    return `error ${String(error)}`;
  }
}

/** Who serves each of the identities, as any node finds it: one may have been given up after too many crashes on purpose. */
export async function instancesOf(
  sim: Sim,
  identities: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const node = sim.nodes.find(({ state }) => state === "up");
  if (node === undefined) return new Map();
  const asked = identities.map((identity) => runOn(sim, node, (own) => whoServes(own, identity)));
  const answers = await sim.settle(Promise.all(asked));
  const served = answers.map((answer, index) => [identities[index] as string, answer] as const);
  return new Map(served.filter(([, answer]) => !answer.startsWith("error")));
}

/** Of the identities, those that answer. */
export async function servedOf(
  sim: Sim,
  identities: readonly string[],
): Promise<readonly string[]> {
  return [...(await instancesOf(sim, identities)).keys()];
}

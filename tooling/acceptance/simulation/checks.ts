/** Checks: what must hold of a simulated cluster. Each gives the sentences that are not true. */
import { isFoundationError } from "@foundation/core";
import type { Simulator } from "@foundation/testkit";
import { ledger, type Journal } from "./journal.js";
import type { MapBook } from "./map-book.js";
import type { StackNode } from "./stack-node.js";
import { identities, localNames, type Outcome, type Workload } from "./workload.js";

type Sim = Simulator<StackNode>;

/** Errors after which nothing of the call may ever run, whatever `retryable` says. */
const notRun = new Set(["ERR_NO_PROCESS", "ERR_NODE_UNREACHABLE", "ERR_TIMEOUT"]);

/** No call reported as done that did not run once; none reported as not done that ran; nothing twice. */
export function balanceBooks(
  { outcomes }: { readonly outcomes: readonly Outcome[] },
  journal: Journal,
): readonly string[] {
  const wrong: string[] = [];
  for (const { id, code, retryable, message, what = "" } of outcomes) {
    const times = journal.times(id);
    const isNotRun = retryable || notRun.has(code);
    if (code === "ok" && times !== 1) {
      wrong.push(`${id} was reported done and ran ${times} times (${what})`);
    } else if (isNotRun && times > 0) {
      const ran = journal.ran.get(id)?.map(({ instance, atMs }) => `on ${instance} at ${atMs} ms`);
      wrong.push(`${id} ran ${ran} although its caller was told ${code}: ${message} (${what})`);
    }
  }
  for (const [id, entries] of journal.ran) {
    if (entries.length < 2) continue;
    const runs = entries.map(({ instance, atMs }) => `${instance} at ${atMs} ms`);
    wrong.push(`${id} ran ${entries.length} times: ${runs.join(", ")}`);
  }
  return wrong;
}

/** What nodes and workload saw while it happened. */
export function seenWrong(sim: Sim, workload: Workload): readonly string[] {
  const nodes = sim.nodes.flatMap(({ name, app }) =>
    [...(app?.violations ?? []), ...(app?.told.violations ?? [])].map((what) => `${name}: ${what}`),
  );
  return [...nodes, ...workload.violations];
}

/** Every node is up and lists exactly all nodes, alive. */
export function directoriesAgree(sim: Sim): boolean {
  const views = sim.nodes.map(({ app }) => app?.members ?? "not started");
  const [first = ""] = views;
  const isComplete = first.split("\n").length === sim.nodes.length && !/not started/.test(first);
  return isComplete && !/(suspect|draining)$/m.test(first) && views.every((view) => view === first);
}

/** Every node has the same names and the same children. */
export function registriesAgree(sim: Sim): boolean {
  const views = sim.nodes.map(({ app }) => app?.registryView ?? "not started");
  return views.every((view) => view === views[0]);
}

/** Where a replicated map is not what was written, on any node. */
export function mapDifferences(sim: Sim, book: MapBook): readonly string[] {
  return book.differences(
    sim.nodes.flatMap(({ name, app }) => {
      if (app?.map === undefined) return [];
      return [{ name, writer: app.key, entries: new Map(app.map.entries()) }];
    }),
  );
}

/** What each node lists, for a message about their disagreement. */
export function views(sim: Sim, of: "members" | "registryView"): string {
  return sim.nodes.map(({ name, app }) => `${name}:\n${app?.[of] ?? "not started"}`).join("\n");
}

/** What serves under the names of the workload. */
export interface Serving {
  readonly wrong: readonly string[];
  /** All processes that run. */
  readonly instances: ReadonlySet<string>;
}

/** Asks each node who answers under each name: the same instance everywhere, and no other runs. */
export async function oneInstanceEach(sim: Sim): Promise<Serving> {
  const wrong: string[] = [];
  const instances = new Set<string>();
  const first = sim.nodes[0]?.app as StackNode;
  const running = localNames.filter((name) => first.cluster.registry.lookup(name) !== undefined);
  for (const name of [...identities, ...running]) {
    const asked = sim.nodes.map((node) => node.within((own) => whoServes(own, name)));
    const answers = await sim.settle(Promise.all(asked));
    const different = new Set(answers);
    if (different.size !== 1 || [...different].some((answer) => answer.startsWith("error"))) {
      wrong.push(`${name} is answered by ${answers.join(" and ")}`);
    }
    for (const answer of answers) instances.add(answer);
  }
  const here = sim.nodes.map(({ app }) => (app as StackNode).cluster.info().processes.here);
  const total = here.reduce((sum, count) => sum + count, 0);
  if (total !== instances.size) {
    wrong.push(
      `${instances.size} names are served, but ${total} processes run: ${here.join(", ")}`,
    );
  }
  return { wrong, instances };
}

/** Asked again when the connection was lost: a half-open one is known only after something was sent on it. */
async function whoServes(node: StackNode, name: string, tries = 3): Promise<string> {
  try {
    return await node.cluster.process(ledger, name).call("who", undefined, { timeout: "5s" });
  } catch (error) {
    if (tries > 1 && isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) {
      return whoServes(node, name, tries - 1);
    }
    return `error ${String(error)}`;
  }
}

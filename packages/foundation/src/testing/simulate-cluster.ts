/**
 * simulateCluster: a user's own application on a simulated cluster, decided by a seed.
 *
 * The one rule: `app` is the program, called at each start of a node as the operating system would start it. It calls
 * `startCluster` itself; inside a simulation that finds clock, network, disk and peers of its node without being told.
 */
import { parseDuration } from "@foundation/core";
import { loadConfigFile } from "@foundation/core/config";
import { createSimulator, type SimulatedHost, type Simulator } from "@foundation/testkit";
import type { Cluster } from "../cluster.js";
import { loadSeats } from "../consensus/seats.js";
import { startCluster } from "../start-cluster.js";
import { NodeUnderTest, type Running } from "./cluster-node.js";
import { ClusterUnderTest } from "./cluster-under-test.js";
import { faultPlan } from "./faults.js";
import { simulationLimits } from "./limits.js";
import { Nemesis } from "./nemesis.js";
import { linkConditions } from "./network-presets.js";
import {
  checkOptions,
  plannedNodes,
  type NodePlan,
  type NodesOption,
  type SimulateClusterOptions,
} from "./options.js";
import { Passage } from "./passage.js";
import { takeRejections } from "./rejections.js";
import { freshSeed, replayedSeed, type Seed } from "./seed.js";
import type { SimulatedCluster } from "./simulated-cluster.js";
import { virtualGlobals } from "./virtual-globals.js";
import { isProcessEnd } from "./virtual-process.js";

/**
 * Starts the application on every node; resolves when each has returned, or is in a cluster and has not returned for ten
 * seconds of virtual time. The nodes may not have found each other yet: that is what `formed()` waits for.
 *
 * @throws {ERR_INVALID_ARGUMENT} @throws {ERR_SIMULATION_FAILED} an application failed to start
 * @throws {ERR_TIMEOUT} one did not start within 30 s of virtual time
 *
 * @example
 * ```ts
 * import { simulateCluster } from "@foundation/foundation/testing"
 *
 * await using sim = await simulateCluster({ nodes: 3, seed: 42 })
 * const [a, b, c] = sim.nodes
 * await sim.formed()
 * sim.partition([a, b], c)
 * await sim.eventually(() => a.cluster.nodes().length === 2, { within: "30s" })
 * sim.heal()
 * await sim.formed()
 * ```
 */
export function simulateCluster<const Nodes extends NodesOption, App = Cluster>(
  options: SimulateClusterOptions<Nodes, App>,
): Promise<SimulatedCluster<App, Nodes>> {
  return openSimulation(options, replayedSeed() ?? options?.seed ?? freshSeed());
}

/** The simulation of exactly this seed. */
export async function openSimulation<Nodes extends NodesOption, App>(
  options: SimulateClusterOptions<Nodes, App>,
  seed: Seed,
): Promise<SimulatedCluster<App, Nodes>> {
  checkOptions(options);
  const { faults = "none", network = "lan", wallLimit = simulationLimits.wallMs } = options;
  const plans = plannedNodes(options.nodes, options.options);
  const usual = linkConditions(network);
  const wallMs = parseDuration(wallLimit, "wallLimit");
  // A file that is a module is loaded by real input and output: here, so that nodes find it loaded.
  for (const cwd of foldersOf(plans)) await loadConfigFile(cwd).catch(() => undefined);
  await loadSeats();
  const { verbose = false, guard = "usual", watchdog = simulationLimits.watchdogMs } = options;
  const watchdogMs = parseDuration(watchdog, "watchdog");
  const sim = createSimulator<Running<App>>({
    seed,
    conditions: usual,
    verbose,
    guard,
    watchdogMs,
  });
  const passage = new Passage(sim, wallMs);
  const undo = [
    tellWhoseEndWasForgotten(sim.seed),
    takeRejections((node, reason) => {
      if (!isProcessEnd(reason)) passage.nodeFailed(node, "a promise was left rejected", reason);
    }),
    // Last, so that it ends first: a failed wait may go on, and close, as code of the node that failed.
    virtualGlobals(({ host }, code) => {
      if (host === undefined) return;
      sim.note("exit", `process.exit(${code})`, host.name);
      sim.crash(host.name);
    }),
  ];
  const close = () => {
    const untold = passage.close();
    for (const step of undo.reverse()) step();
    sim.close();
    if (untold !== undefined) throw untold;
  };
  try {
    const random = sim.random.fork("faults");
    const plan = faultPlan(faults, random);
    const nodes = plans.map((each, index) => nodeOf({ sim, passage, options }, each, index));
    const hasReturned = (name: string) =>
      nodes.some((node) => node.name === name && node.hasReturned);
    const nemesis = plan && new Nemesis(sim, plan, random, hasReturned);
    const cluster = new ClusterUnderTest<App, Nodes>({
      sim,
      passage,
      nodes,
      usual,
      nemesis,
      close,
    });
    await started(cluster, nodes);
    nemesis?.start();
    return cluster;
  } catch (error) {
    passage.tell();
    close();
    throw error;
  }
}

/** Nothing but virtual time could go on, and nobody lets it: a test runner says no more than that the process ended. */
function tellWhoseEndWasForgotten(seed: string): () => void {
  const tell = (): void => {
    process.stderr.write(
      `The simulation of seed ${seed} was never closed. Either a test waits for something of a node without sim.settle, ` +
        "sim.eventually or node.run, and so no time passes; or it ended without close().\n",
    );
  };
  process.once("beforeExit", tell);
  return () => void process.off("beforeExit", tell);
}

/** A program that has started a cluster may still prepare something before it returns, or may never return. */
async function started(
  cluster: Pick<ClusterUnderTest<unknown, NodesOption>, "eventually" | "now" | "run">,
  nodes: readonly NodeUnderTest<unknown>[],
): Promise<void> {
  const check = () => {
    const late = nodes.find(({ isReady }) => !isReady);
    if (late) throw new Error(`node ${late.name} has neither returned nor started a cluster`);
  };
  await cluster.eventually(check, { what: "The application has not started" });
  const untilMs = cluster.now + simulationLimits.returnGraceMs;
  while (cluster.now < untilMs && !nodes.every(({ hasReturned }) => hasReturned)) {
    await cluster.run(simulationLimits.everyMs);
  }
}

interface Making<App> {
  readonly sim: Simulator<Running<App>>;
  readonly passage: Passage<Running<App>>;
  readonly options: SimulateClusterOptions<NodesOption, App>;
}

function nodeOf<App>(
  { sim, passage, options }: Making<App>,
  { name, options: own }: NodePlan,
  index: number,
): NodeUnderTest<App> {
  // Without an app the type parameter App is Cluster: the default says so.
  const start = options.app ?? (() => startCluster(own) as Promise<App>);
  sim.addNode(name, (host) => {
    const running: Running<App> = { host };
    const run = async (): Promise<void> => {
      running.outcome = { app: await start(contextOf(host, index, own)) };
    };
    // Not waited for, since a program need not return.
    run().catch((error: unknown) => {
      if (!isProcessEnd(error)) passage.nodeFailed(name, "the application failed", error);
    });
    return running;
  });
  return new NodeUnderTest(name, index, sim, passage);
}

function contextOf(
  { name, boot, runtime }: SimulatedHost,
  index: number,
  options: NodePlan["options"],
) {
  return { name, index, boot, options, runtime };
}

function foldersOf(plans: readonly NodePlan[]): ReadonlySet<string> {
  return new Set(plans.map(({ options: { cwd = process.cwd() } }) => cwd));
}

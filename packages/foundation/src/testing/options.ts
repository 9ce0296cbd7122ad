/**
 * Options of simulateCluster, and what its `nodes` say: how many, their names, or the options of each.
 */
import type { Duration, Runtime } from "@foundation/core";
import type { StartOptions } from "../config/cluster-config.js";
import type { Faults } from "./faults.js";
import { invalidArgument, isPlain, refuseUnknown } from "./invalid-argument.js";
import { simulationLimits } from "./limits.js";
import type { Network } from "./network-presets.js";
import { checkSeed, type Seed } from "./seed.js";

/** How many, their names (of a-z, 0-9 and -), or the options of each by name. */
export type NodesOption = number | readonly string[] | Readonly<Record<string, StartOptions>>;

/** What an application is given when its node starts. An application that asks for nothing may ignore it. */
export interface NodeContext {
  /** The node's name, which is its host's too. */
  readonly name: string;
  /** 0 for the first node. */
  readonly index: number;
  /** 1 for the first start of this node. */
  readonly boot: number;
  /** What `simulateCluster` was given for this node, to hand to `startCluster`. */
  readonly options: StartOptions;
  /** The node's clock, chance, disk and network. `startCluster` takes them without being told. */
  readonly runtime: Runtime;
}

export interface SimulateClusterOptions<Nodes extends NodesOption = NodesOption, App = unknown> {
  /** How many nodes (then named a, b, c, …), their names, or the options of each by name. */
  readonly nodes: Nodes;
  /**
   * Your program: called at each start of each node, as the operating system would start it. It calls `startCluster`
   * itself and need not know of the simulation; what it returns is the node's `app`.
   * @default ({ options }) => startCluster(options)
   */
  readonly app?: (node: NodeContext) => App | Promise<App>;
  /** Decides everything that chance decides; SEED of the environment goes before. @default a fresh one */
  readonly seed?: Seed;
  /** For every node; those under `nodes` go before. */
  readonly options?: StartOptions;
  /** How links behave while nothing is wrong. @default "lan" */
  readonly network?: Network;
  /** What goes wrong by itself, until `heal()`. @default "none" */
  readonly faults?: Faults;
  /** Real time that one wait may take. @default "2m" */
  readonly wallLimit?: Duration;
  /**
   * Real time that one event may take before the process is ended, saying where it is stuck (exit code 70); 0: for ever, as
   * it is under a debugger. @default "10s"
   */
  readonly watchdog?: Duration;
  /** "thorough" finds more of what escapes from the simulation, and is slower. @default "usual" */
  readonly guard?: "usual" | "thorough";
  /** Keeps every timer and frame among the lines of the trace. @default false */
  readonly verbose?: boolean;
}

export interface NodePlan {
  readonly name: string;
  readonly options: StartOptions;
}

const WHERE = "simulateCluster";
const known: Readonly<Record<keyof SimulateClusterOptions, true>> = {
  app: true,
  faults: true,
  guard: true,
  network: true,
  nodes: true,
  options: true,
  seed: true,
  verbose: true,
  wallLimit: true,
  watchdog: true,
};

/**
 * What types cannot hold back in JavaScript. Nodes, network, faults and durations are looked at where they are read.
 * @throws {ERR_INVALID_ARGUMENT}
 */
export function checkOptions<App>(options: SimulateClusterOptions<NodesOption, App>): void {
  refuseUnknown(WHERE, "the options", options, Object.keys(known));
  const { app, guard = "usual", seed, verbose = false, options: common = {} } = options;
  if (app !== undefined && typeof app !== "function") {
    throw invalidArgument(WHERE, "app", "a function that starts your program", app);
  }
  if (guard !== "usual" && guard !== "thorough") {
    throw invalidArgument(WHERE, "guard", '"usual" or "thorough"', guard);
  }
  if (typeof verbose !== "boolean")
    throw invalidArgument(WHERE, "verbose", "true or false", verbose);
  if (!isPlain(common)) throw invalidArgument(WHERE, "options", "options of startCluster", common);
  if (seed !== undefined) checkSeed(WHERE, seed);
}

/** The nodes to make, in order. @throws {ERR_INVALID_ARGUMENT} */
export function plannedNodes(nodes: NodesOption, common: StartOptions = {}): readonly NodePlan[] {
  const plans = planned(nodes, common) ?? [];
  const count = plans.length;
  const isUnique = new Set(plans.map(({ name }) => name)).size === count;
  const areNamed = plans.every(({ name }) => NAME.test(name) && typeof name === "string");
  const haveOptions = plans.every(({ options }) => isPlain(options));
  const isCount = count >= 1 && count <= simulationLimits.nodesMax;
  if (isCount && isUnique && areNamed && haveOptions) return plans;
  const expected =
    `how many (1 to ${simulationLimits.nodesMax}), a list of different names made of a-z 0-9 -, ` +
    "or options of startCluster by such names";
  throw invalidArgument(WHERE, "nodes", expected, nodes);
}

const NAME = /^[a-z0-9-]+$/;

/** Undefined: it says no nodes at all. */
function planned(nodes: NodesOption, common: StartOptions): readonly NodePlan[] | undefined {
  if (typeof nodes === "number") {
    const isCount = Number.isSafeInteger(nodes) && nodes > 0 && nodes <= simulationLimits.nodesMax;
    const names = Array.from({ length: isCount ? nodes : 0 }, (_, index) => nameAt(index));
    return names.map((name) => ({ name, options: common }));
  }
  if (isList(nodes)) return nodes.map((name) => ({ name, options: common }));
  if (!isPlain(nodes)) return undefined;
  return Object.entries(nodes).map(([name, own]) => {
    return { name, options: isPlain(own) ? { ...common, ...own } : own };
  });
}

function isList(nodes: NodesOption): nodes is readonly string[] {
  return Array.isArray(nodes);
}

/** a to z, then n27, n28, … */
function nameAt(index: number): string {
  return index < 26 ? String.fromCharCode(97 + index) : `n${index + 1}`;
}

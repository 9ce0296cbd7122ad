/**
 * Strike: one fault of a plan, with everything that was drawn for it. A plan is plain data: it can be printed, kept in a
 * file, shortened and played again.
 */
import type { LinkConditions } from "@foundation/testkit";
import type { FaultName, TopologyMode } from "./swarm.js";

/** What a crashed node finds on its disk when it is started again. */
export type DiskAfter = "kept" | "wiped" | "restored";

/** An end of a node and its next start. */
export interface Restart {
  readonly node: string;
  readonly downMs: number;
  readonly disk: DiskAfter;
}

interface OneNode {
  readonly node: string;
}

interface OneNodeFor extends OneNode {
  readonly forMs: number;
}

interface Pair {
  readonly a: string;
  readonly b: string;
}

/** The parameters of each fault. */
interface Parameters {
  readonly partition: { readonly left: readonly string[]; readonly right: readonly string[] };
  readonly "one-way": Parameters["partition"];
  readonly isolate: OneNode;
  readonly heal: object;
  readonly reset: Pair;
  readonly "half-open": Pair;
  readonly crash: Restart;
  readonly power: Restart;
  readonly leave: Restart;
  /** Hands over, or tries to, and is gone without a farewell after so long. */
  readonly drain: Restart & { readonly afterMs: number };
  readonly storm: { readonly starts: readonly Restart[] };
  readonly pause: OneNodeFor;
  readonly suspend: OneNodeFor;
  readonly skew: OneNode & { readonly byMs: number };
  readonly jump: OneNode & { readonly byMs: number };
  readonly drift: OneNode & { readonly rate: number };
  readonly clog: Pair & { readonly conditions: LinkConditions; readonly bothWays: boolean };
  readonly starve: Pair & { readonly bytesPerMs: number };
  readonly "slow-node": OneNode & { readonly conditions: LinkConditions };
  readonly network: { readonly conditions: LinkConditions };
  /** The link between two goes and comes: how long it is away and back, in turns. */
  readonly flap: Pair & { readonly turnsMs: readonly number[] };
  readonly discovery: { readonly isOut: boolean };
  readonly "disk-stall": OneNodeFor;
  readonly "disk-full": OneNodeFor;
  /** Damage at rest, of one file or of any; what is damaged is met at the next start. */
  readonly "disk-corrupt": Restart & { readonly file: string | undefined };
  /** By hand, at one node, for all. */
  readonly switch: OneNode & { readonly to: TopologyMode };
}

export type Strike = {
  [Fault in FaultName]: {
    /** Since the faults began. */
    readonly atMs: number;
    readonly fault: Fault;
  } & Parameters[Fault];
}[FaultName];

export type Plan = readonly Strike[];

/** One line for people. */
export function describeStrike({ atMs, fault, ...parameters }: Strike): string {
  const shown = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${compact(value)}`);
  return [`${(atMs / 1_000).toFixed(3).padStart(8)} s`, fault, ...shown].join(" ");
}

function compact(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The plan without what names nodes that a smaller cluster has not. */
export function planFor(plan: Plan, names: ReadonlySet<string>): Plan {
  return plan.flatMap((strike) => withinNames(strike, names));
}

function withinNames(strike: Strike, names: ReadonlySet<string>): readonly Strike[] {
  const known = (name: string): boolean => names.has(name);
  if ("left" in strike) {
    const [left, right] = [strike.left.filter(known), strike.right.filter(known)];
    return left.length > 0 && right.length > 0 ? [{ ...strike, left, right }] : [];
  }
  if ("starts" in strike) {
    const starts = strike.starts.filter(({ node }) => known(node));
    return starts.length > 0 ? [{ ...strike, starts }] : [];
  }
  if ("a" in strike) return known(strike.a) && known(strike.b) ? [strike] : [];
  if ("node" in strike) return known(strike.node) ? [strike] : [];
  return [strike];
}

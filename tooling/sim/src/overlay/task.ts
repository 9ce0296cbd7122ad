/** Task: one experiment that a process of its own plays, and what it answers: plain data. */
import type {
  ChurnOrder,
  ChurnPlayed,
  CrashOrder,
  CrashPlayed,
  Found,
  SteadyOrder,
  SteadyPlayed,
  StormOrder,
  StormPlayed,
  WholeOrder,
  WholePlayed,
} from "../../../acceptance/overlay/index.js";
import type { OverlayOrder } from "./order.js";

export type Task =
  | { readonly type: "storm"; readonly order: StormOrder }
  | { readonly type: "steady"; readonly order: SteadyOrder }
  /** The same with few nodes, to compare what a node costs. */
  | { readonly type: "small"; readonly order: SteadyOrder }
  | { readonly type: "crash"; readonly order: CrashOrder }
  | { readonly type: "churn"; readonly order: ChurnOrder }
  /** Whole overlays: everything in one world. */
  | { readonly type: "whole"; readonly order: WholeOrder }
  /** A few of them, to compare what a node costs. */
  | { readonly type: "whole-small"; readonly order: WholeOrder };

export type Played =
  | { readonly type: "storm"; readonly played: StormPlayed }
  | { readonly type: "steady"; readonly played: SteadyPlayed }
  | { readonly type: "small"; readonly played: SteadyPlayed }
  | { readonly type: "crash"; readonly played: CrashPlayed }
  | { readonly type: "churn"; readonly played: ChurnPlayed }
  | { readonly type: "whole"; readonly played: WholePlayed }
  | { readonly type: "whole-small"; readonly played: WholePlayed };

export type Answer = Played & {
  readonly cpuMs: number;
  readonly rssBytesMax: number;
};

/** From a worker. */
export type FromWorker =
  /** It is still at it; `line` is for the person who waits. */
  | { readonly type: "tell"; readonly line: string }
  | { readonly type: "done"; readonly answer: Answer };

/** With so few nodes the costs of a node are compared. */
export const SMALL_NODES = 100;
export const crashShares = [0.3, 0.5, 0.8, 0.9] as const;
export const CHURN_PER_MINUTE = 0.1;
/** Above so many nodes the experiments are shorter, to end within minutes. */
const LARGE_NODES = 2_000;

/** How long experiments are, and how much is broadcast in them. */
interface Lengths {
  readonly shuffleCycles: number;
  readonly singleSource: number;
  readonly multiSource: number;
  readonly restMs: number;
  readonly stormMixMs: number;
  readonly crashSettleMs: number;
  readonly churnSettleMs: number;
  readonly churnMinutes: number;
  readonly churnBroadcastEveryMs: number;
}

const usual: Lengths = {
  shuffleCycles: 50,
  singleSource: 20,
  multiSource: 50,
  restMs: 30_000,
  stormMixMs: 200_000,
  crashSettleMs: 60_000,
  churnSettleMs: 30_000,
  churnMinutes: 10,
  churnBroadcastEveryMs: 1_000,
};
const large: Lengths = {
  ...usual,
  shuffleCycles: 35,
  multiSource: 20,
  stormMixMs: 100_000,
  crashSettleMs: 30_000,
  churnBroadcastEveryMs: 5_000,
};
const quickLengths = {
  shuffleCycles: 10,
  singleSource: 10,
  multiSource: 10,
  restMs: 20_000,
  stormMixMs: 20_000,
  crashSettleMs: 20_000,
  churnSettleMs: 20_000,
  churnMinutes: 1,
} as const;

export function lengthsOf({ nodes, quick }: Pick<OverlayOrder, "nodes" | "quick">): Lengths {
  const lengths = nodes > LARGE_NODES ? large : usual;
  return quick ? { ...lengths, ...quickLengths } : lengths;
}

/** The experiments with cores, those that take longest first. */
export function coreTasksOf(order: OverlayOrder): readonly Task[] {
  const { nodes, seed, parts } = order;
  const { shuffleCycles, singleSource, multiSource, restMs, ...lengths } = lengthsOf(order);
  const world = { seed, nodes };
  const tasks: Task[] = [];
  if (parts.includes("churn")) {
    const churn = {
      minutes: lengths.churnMinutes,
      perMinute: CHURN_PER_MINUTE,
      settleMs: lengths.churnSettleMs,
      broadcastEveryMs: lengths.churnBroadcastEveryMs,
    };
    tasks.push({ type: "churn", order: { ...world, ...churn } });
  }
  if (parts.includes("steady")) {
    const steady = { ...world, shuffleCycles, singleSource, multiSource, restMs };
    tasks.push({ type: "steady", order: steady });
    if (nodes > SMALL_NODES) {
      tasks.push({ type: "small", order: { ...steady, nodes: SMALL_NODES } });
    }
  }
  if (parts.includes("crash")) {
    const crash = { ...world, settleMs: lengths.crashSettleMs };
    for (const share of crashShares) tasks.push({ type: "crash", order: { ...crash, share } });
  }
  if (parts.includes("join")) {
    tasks.push({ type: "storm", order: { ...world, mixMs: lengths.stormMixMs } });
  }
  return tasks;
}

/** How a task is called where people read. */
export function nameOf(task: Task): string {
  return `${whatOf(task)}, ${task.order.nodes} nodes`;
}

function whatOf({ type, order }: Task): string {
  const percent = (share: number) => Math.round(share * 100);
  if (type === "crash") return `crash of ${percent(order.share)} %`;
  if (type !== "whole" || order.crashes.length === 0) return type;
  return `whole, crashes of ${order.crashes.map(percent).join(" and ")} %`;
}

export function foundBy({
  played,
}: Played): Pick<Found, "findingCount" | "findings" | "events" | "virtualMs"> {
  return played;
}

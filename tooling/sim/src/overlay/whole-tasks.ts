/** The experiments with whole overlays, and how long they are: shorter than those of cores, since all of it is played. */
import type { WholeOrder } from "../../../acceptance/overlay/index.js";
import type { OverlayOrder } from "./order.js";
import { CHURN_PER_MINUTE, crashShares, SMALL_NODES, type Task } from "./task.js";

type Lengths = Pick<WholeOrder, "startEveryMs" | "settleMs"> & {
  readonly look: NonNullable<WholeOrder["look"]>;
  readonly churnMs: number;
};

const usual: Lengths = {
  startEveryMs: 5,
  settleMs: 5_000,
  look: { mixMs: 20_000, restMs: 10_000, singleSource: 10, multiSource: 10 },
  churnMs: 60_000,
};
const quickLengths: Lengths = {
  ...usual,
  look: { mixMs: 10_000, restMs: 5_000, singleSource: 10, multiSource: 5 },
  churnMs: 20_000,
};
const CHURN_BROADCAST_EVERY_MS = 1_000;

export function wholeLengthsOf({ quick }: Pick<OverlayOrder, "quick">): Lengths {
  return quick ? quickLengths : usual;
}

/** All of it is one world; a small one beside it tells whether a node's cost depends on how many there are. */
export function wholeTasksOf(order: OverlayOrder): readonly Task[] {
  const { nodes, seed, parts } = order;
  const { look, churnMs, ...every } = wholeLengthsOf(order);
  const churn = {
    forMs: churnMs,
    perMinute: CHURN_PER_MINUTE,
    broadcastEveryMs: CHURN_BROADCAST_EVERY_MS,
  };
  const isLookedAt = parts.includes("steady");
  const all: WholeOrder = {
    ...every,
    seed,
    nodes,
    ...(isLookedAt && { look }),
    ...(parts.includes("churn") && { churn }),
    crashes: parts.includes("crash") ? crashShares : [],
  };
  const tasks: Task[] = [{ type: "whole", order: all }];
  if (isLookedAt && nodes > SMALL_NODES) {
    const few: WholeOrder = { ...every, seed, nodes: SMALL_NODES, look, crashes: [] };
    tasks.push({ type: "whole-small", order: few });
  }
  return tasks;
}

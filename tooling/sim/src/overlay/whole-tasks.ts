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

/**
 * Two worlds, since forming is what costs most: who crashed starts again before a larger part crashes. A small one beside
 * them tells whether a node's cost depends on how many there are.
 */
export function wholeTasksOf(order: OverlayOrder): readonly Task[] {
  const { nodes, seed, parts } = order;
  const { look, churnMs, ...every } = wholeLengthsOf(order);
  const churn = {
    forMs: churnMs,
    perMinute: CHURN_PER_MINUTE,
    broadcastEveryMs: CHURN_BROADCAST_EVERY_MS,
  };
  const isLookedAt = parts.includes("steady");
  const crashes = parts.includes("crash") ? crashShares : [];
  const first: WholeOrder = {
    ...every,
    seed,
    nodes,
    ...(isLookedAt && { look }),
    ...(parts.includes("churn") && { churn }),
    crashes: crashes.filter((_, place) => place % 2 === 0),
  };
  const others = crashes.filter((_, place) => place % 2 === 1);
  const tasks: Task[] = [{ type: "whole", order: first }];
  if (others.length > 0) {
    tasks.push({ type: "whole", order: { ...every, seed, nodes, crashes: others } });
  }
  if (isLookedAt && nodes > SMALL_NODES) {
    const few: WholeOrder = { ...every, seed, nodes: SMALL_NODES, look, crashes: [] };
    tasks.push({ type: "whole-small", order: few });
  }
  return tasks;
}

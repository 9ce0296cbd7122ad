/** A rebalancing under way, as its caller sees it: a promise, with its steps beside it. */
import type { PlannedMove } from "../../protocol/planned-moves.js";
import type { NotPlanned } from "../../protocol/rebalance.js";
import { underWay } from "../under-way.js";

/** A move that was tried and did not happen. */
export interface FailedMove {
  readonly move: PlannedMove;
  /** The code of the error. */
  readonly code: string;
  readonly why: string;
}

/** What was planned and what became of it. */
export interface RebalanceReport {
  /** In the order in which they help most; all of them, also those beyond `maxMoves`. */
  readonly planned: readonly PlannedMove[];
  readonly done: readonly PlannedMove[];
  readonly failed: readonly FailedMove[];
  /** Children that should move and cannot, and moves that a change made pointless. */
  readonly skipped: readonly NotPlanned[];
  /** `cancelled`: by the signal, a node that went, or another rebalancing. */
  readonly ended: "finished" | "dry-run" | "cancelled";
  /** Why it was cancelled. */
  readonly reason: string | undefined;
}

/** What happens, in this order; `moving` and what it became once for each move. */
export type RebalanceStep =
  | { readonly type: "planned"; readonly moves: number; readonly skipped: number }
  | { readonly type: "moving"; readonly move: PlannedMove }
  | { readonly type: "moved"; readonly move: PlannedMove }
  | { readonly type: "failed"; readonly move: PlannedMove; readonly code: string }
  | { readonly type: "skipped"; readonly identity: string; readonly why: string };

/**
 * A rebalancing under way. Await it, or `done`.
 *
 * @example
 * ```ts
 * import type { Registry } from "@foundation/registry"
 *
 * async function even(registry: Registry): Promise<void> {
 *   const { planned } = await registry.rebalance({ dryRun: true })
 *   console.log(`${planned.length} children would move`)
 *   const rebalancing = registry.rebalance({ maxMoves: 100, rate: 5 })
 *   for await (const step of rebalancing.progress) console.log(step.type)
 *   console.log((await rebalancing).ended)
 * }
 * ```
 */
export interface Rebalancing extends PromiseLike<RebalanceReport> {
  readonly done: Promise<RebalanceReport>;
  /** The steps; ends with the rebalancing. A slow reader misses the oldest. */
  readonly progress: AsyncIterableIterator<RebalanceStep>;
}

/** Runs the rebalancing, and gives its handle. */
export function rebalancing(
  stepsBuffer: number,
  run: (tell: (step: RebalanceStep) => void) => Promise<RebalanceReport>,
): Rebalancing {
  return underWay("rebalance", stepsBuffer, run);
}

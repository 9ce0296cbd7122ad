/** What `rebalance` takes, and how it is checked. */
import {
  checkOptionalBoolean,
  checkOptions,
  invalidArgument,
  parseDuration,
  type Duration,
} from "@foundation/core";
import type { RegistryLimits } from "../../limits.js";
import { isRecord } from "../../protocol/is-record.js";
import { parsePeers, type Peers } from "../../protocol/peers.js";

/** How far and how fast children are moved. */
export interface RebalancePace {
  /** Moves at most; the plan may have more. @default the limit `rebalanceMovesMax` */
  readonly maxMoves?: number | undefined;
  /** Moves begun a second, from 0.1 to 1,000; one at a time. @default 10 */
  readonly rate?: number | undefined;
  /** By what share of the average a node's children may differ from it, from 0 to 1. @default 0.1 */
  readonly tolerance?: number | undefined;
}

/** Options of `Registry.rebalance`. */
export interface RebalanceOptions extends RebalancePace {
  /** Only plan: the report says what would be moved. @default false */
  readonly dryRun?: boolean | undefined;
  /** Only children of this group, of this definition, or with names that begin so. @default all */
  readonly only?: Peers | undefined;
  /** How long one move may take, at most half of `rebalancePermitMs`. @default "10s" */
  readonly moveTimeout?: Duration | undefined;
  /** Ends it before the next move; what was moved stays. */
  readonly signal?: AbortSignal | undefined;
}

/** Whether the cluster rebalances by itself. */
export type AutomaticRebalance =
  | "off"
  | (RebalancePace & {
      /** When a node has joined. */
      readonly on: "join";
      /** How long after the last change of the membership. @default "30s" */
      readonly after?: Duration | undefined;
    });

/** Options with every default in its place. */
export interface CheckedRebalance {
  readonly dryRun: boolean;
  readonly maxMoves: number;
  readonly rate: number;
  readonly tolerance: number;
  readonly only: Peers | undefined;
  readonly moveTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

const PACE: readonly string[] = ["maxMoves", "rate", "tolerance"];
const KNOWN: readonly string[] = [...PACE, "dryRun", "only", "moveTimeout", "signal"];
const RATE = { default: 10, min: 0.1, max: 1_000 };
const TOLERANCE = 0.1;
const MOVE_TIMEOUT_MS = 10_000;
const AFTER_MS = 30_000;

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkRebalance(
  options: RebalanceOptions,
  limits: RegistryLimits,
): CheckedRebalance {
  checkOptions("rebalance", options, KNOWN);
  const { maxMoves = limits.rebalanceMovesMax, rate = RATE.default, only } = options;
  const { tolerance = TOLERANCE, moveTimeout, dryRun = false, signal } = options;
  if (!Number.isSafeInteger(maxMoves) || maxMoves < 0 || maxMoves > limits.rebalanceMovesMax) {
    throw invalid("maxMoves", `an integer from 0 to ${limits.rebalanceMovesMax}`, maxMoves);
  }
  checkOptionalBoolean("rebalance", "dryRun", options.dryRun);
  if (!(typeof rate === "number" && rate >= RATE.min && rate <= RATE.max)) {
    throw invalid("rate", `moves a second, from ${RATE.min} to ${RATE.max}`, rate);
  }
  if (!(typeof tolerance === "number" && tolerance >= 0 && tolerance <= 1)) {
    throw invalid("tolerance", "from 0 to 1", tolerance);
  }
  if (only !== undefined && (!isRecord(only) || parsePeers(only) === undefined)) {
    throw invalid("only", "an object with one of group, prefix and definition", only);
  }
  const moveTimeoutMs =
    moveTimeout === undefined ? MOVE_TIMEOUT_MS : parseDuration(moveTimeout, "moveTimeout");
  // The permit has to outlast a move and the pause after it.
  if (moveTimeoutMs > limits.rebalancePermitMs / 2) {
    throw invalid("moveTimeout", `at most ${limits.rebalancePermitMs / 2} ms`, moveTimeoutMs);
  }
  return { dryRun, maxMoves, rate, tolerance, only, moveTimeoutMs, signal };
}

/** The pause before the cluster rebalances by itself, and how; undefined when it does not. */
export function checkAutomatic(
  automatic: AutomaticRebalance | undefined,
  limits: RegistryLimits,
): { readonly afterMs: number; readonly options: CheckedRebalance } | undefined {
  if (automatic === undefined || automatic === "off") return undefined;
  const { on, after, ...pace } = automatic;
  if (on !== "join") throw invalid("rebalance", '"off" or { on: "join" }', on);
  const afterMs = after === undefined ? AFTER_MS : parseDuration(after, "rebalance.after");
  return { afterMs, options: checkRebalance(pace, limits) };
}

function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("rebalance", argument, expected, value);
}

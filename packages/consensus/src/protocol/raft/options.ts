/**
 * RaftOptions: what a member is made of, and the checks of what cannot work.
 */
import { coreErrors, resolveLimits, type NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { RAFT_LIMITS, RAFT_TIMES, type RaftLimits, type RaftTimes } from "../../limits.js";
import type { Recovered } from "./state.js";

export interface RaftOptions {
  readonly id: NodeId;
  /** The group's random id, the same on every member. */
  readonly group: string;
  readonly random: Random;
  /** What the disk holds: of a first voter `firstEntries`, of a later member nothing. */
  readonly recovered: Recovered;
  /** @default RAFT_TIMES, those of one data centre */
  readonly times?: Partial<RaftTimes>;
  /** @default RAFT_LIMITS */
  readonly limits?: Partial<RaftLimits>;
  /**
   * Answers reads by lease, without a round of heartbeats: linearizable only while no two members'
   * clocks differ in rate by more than `driftMax` (0.1: a tenth), and no member stands still between
   * deciding and answering. Equal on every member.
   *
   * @default none: every read costs a round
   */
  readonly lease?: { readonly driftMax: number };
}

/** Times that fit each other. */
export function checkedTimes(given: Partial<RaftTimes> | undefined): RaftTimes {
  const times = resolveLimits(RAFT_TIMES, given);
  if (times.electionMs >= 3 * times.heartbeatMs) return times;
  throw invalid("times.electionMs", "at least three heartbeats", String(times.electionMs));
}

/** What other members would call malformed must not be sent. */
export function checkedLimits(given: Partial<RaftLimits> | undefined): RaftLimits {
  const limits = resolveLimits(RAFT_LIMITS, given);
  const names = ["commandBytesMax", "membersMax", "appendEntriesMax", "chunkBytesMax"] as const;
  for (const name of names) {
    if (limits[name] <= RAFT_LIMITS[name]) continue;
    throw invalid(`limits.${name}`, `at most ${RAFT_LIMITS[name]}`, String(limits[name]));
  }
  return limits;
}

/** A part of one. */
export function checkedDrift(driftMax: number | undefined): number | undefined {
  if (driftMax === undefined || (driftMax > 0 && driftMax < 1)) return driftMax;
  throw invalid("lease.driftMax", "a number above 0 and below 1", String(driftMax));
}

function invalid(argument: string, expected: string, found: string): Error {
  const message = `${argument} must be ${expected}, found ${found}`;
  return coreErrors.ERR_INVALID_ARGUMENT(message, { argument, expected, found });
}

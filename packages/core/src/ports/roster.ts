/**
 * Roster: the committed list of a cluster's members, from which a quorum is counted.
 *
 * Guarantees: epochs grow by one, with one list for each; of two proposals from one epoch one is committed; majorities of
 * neighbouring epochs have a member in common, unless a change was forced. A node's copy never goes back.
 * Limit: the copy of a node that is cut off may be of an older epoch.
 */
import type { Duration } from "../duration.js";

/** A committed list. */
export interface RosterState {
  /** 0: nothing was committed yet. */
  readonly epoch: number;
  /** Sorted, without repetitions. */
  readonly members: readonly string[];
}

export interface RosterReadOptions {
  readonly signal?: AbortSignal;
  /** For the whole call. @default that of the store */
  readonly timeout?: Duration;
}

export interface ProposeOptions extends RosterReadOptions {
  /** The epoch that the proposal is made from. @default the one this node knows */
  readonly epoch?: number | undefined;
  /** Allows a change after which majorities of before and after need not overlap. @default false */
  readonly force?: boolean | undefined;
}

export interface Roster extends AsyncDisposable {
  /** Resolves when this node's copy is there. */
  ready(): Promise<void>;
  /** This node's copy. */
  current(): RosterState;
  /** The newest, asked of the store. @throws {ERR_CLOSED} */
  read(options?: RosterReadOptions): Promise<RosterState>;
  /**
   * Commits another list. Resolves to it when it is decided.
   *
   * @throws {ERR_ROSTER_EPOCH} another was committed since; {ERR_INVALID_ARGUMENT} the list is empty, too long, or too
   *   different; {ERR_OUTCOME_UNKNOWN} it may be committed
   */
  propose(members: Iterable<string>, options?: ProposeOptions): Promise<RosterState>;
  /** Whether those present are more than half of this node's copy. False while nothing is committed. */
  hasQuorum(present: Iterable<string>): boolean;
  /** Later lists, until the signal fires or it is closed. A slow reader is given the newest only. */
  watch(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<RosterState>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Migration: what the two nodes of a move decide, as two state machines without time or network.
 *
 * freeze → snapshot → the target installs a passive copy → the source writes the spec with the target as
 * owner: that write is the commit point → the mailbox follows → the target begins.
 *
 * Invariants:
 * - The source resumes only while it has not asked for the commit, or was told that it did not happen.
 * - The target begins only under the committed version. It may write that itself when the source has gone and
 *   nothing newer is known: the copy is the latest state there is, and an instance from `init` would know less.
 * - The source commits no later than `commitWithinMs` after it sent the copy, and the target, which got it
 *   later, holds it longer than that: a commit always finds its copy, unless the target died.
 * - The committed version outranks the takeover of whoever did not hear of it, so that a state that was
 *   handed over is not lost to an instance that began from nothing.
 */
import { assert } from "./assert.js";
import { compareVersions, sameOwner, type Owner, type SpecVersion } from "./child-spec.js";

/** A takeover writes generation + 1, by whoever believes that the owner is gone. A move outranks it. */
const GENERATIONS = 2;

/** How long the two sides wait for each other. */
export interface MigrationTimes {
  /** From the copy's leaving until the commit, at most. */
  readonly commitWithinMs: number;
  /** A passive copy without a word of its commit; longer than `commitWithinMs`. */
  readonly holdMs: number;
  /** A committed copy waits so long for the rest of the mailbox. */
  readonly handOverMs: number;
}

/** The version by which `target` owns what `base` was a version of; of a strong child, by its name's token. */
export function movedVersion(base: SpecVersion, target: Owner, token = 0): SpecVersion {
  const owner = { node: target.node, boot: target.boot };
  const generation = Math.max(base.generation + GENERATIONS, token);
  return { incarnation: base.incarnation, generation, owner, state: "running" };
}

/** Where the source stands. */
export type SourceState =
  | { readonly phase: "freezing" }
  | { readonly phase: "offering"; readonly commitBeforeMs: number }
  | { readonly phase: "committing" }
  | { readonly phase: "handing-over" }
  | { readonly phase: "ended"; readonly as: "stayed" | "moved" | "unknown" | "lost" };

/** What the source learns. */
export type SourceEvent =
  /** Nothing of the process runs any more, and its state is in hand. */
  | { readonly type: "frozen"; readonly nowMs: number }
  /** The target has installed the copy. `isCurrent`: this instance still is what the spec says. */
  | { readonly type: "accepted"; readonly nowMs: number; readonly isCurrent: boolean }
  /** It cannot be frozen, the target refused or died, the caller gave up, or the time is over. */
  | { readonly type: "failed" }
  | { readonly type: "committed" }
  /** It certainly was not committed, and never will be. */
  | { readonly type: "not-committed" }
  /** It may have been committed: this instance must not have any effect any more. */
  | { readonly type: "commit-unknown" }
  /** The target has begun. */
  | { readonly type: "begun" }
  /** It was told, and did not answer. */
  | { readonly type: "unanswered" };

/** What the source does. */
export type SourceEffect = "offer" | "withdraw" | "thaw" | "commit" | "hand-over" | "end";

/** The source's next state, and what it does on the way there, in order. */
export interface SourceStep {
  readonly state: SourceState;
  readonly effects: readonly SourceEffect[];
}

/** Decides for the source. Events that come too late change nothing. */
export function stepSource(
  state: SourceState,
  event: SourceEvent,
  times: MigrationTimes,
): SourceStep {
  assert(times.holdMs > times.commitWithinMs, "a copy is held longer than its commit may take");
  switch (state.phase) {
    case "freezing":
      if (event.type === "failed") return stay([]);
      if (event.type !== "frozen") return { state, effects: [] };
      return {
        state: { phase: "offering", commitBeforeMs: event.nowMs + times.commitWithinMs },
        effects: ["offer"],
      };
    case "offering":
      if (event.type === "failed") return stay(["thaw", "withdraw"]);
      if (event.type !== "accepted") return { state, effects: [] };
      if (!event.isCurrent || event.nowMs > state.commitBeforeMs) return stay(["thaw", "withdraw"]);
      return { state: { phase: "committing" }, effects: ["commit"] };
    case "committing":
      if (event.type === "not-committed") return stay(["thaw", "withdraw"]);
      if (event.type === "commit-unknown") return end("lost", ["end"]);
      if (event.type !== "committed") return { state, effects: [] };
      return { state: { phase: "handing-over" }, effects: ["hand-over"] };
    case "handing-over":
      if (event.type === "begun") return end("moved", []);
      return event.type === "unanswered" ? end("unknown", []) : { state, effects: [] };
    case "ended":
      return { state, effects: [] };
    default:
      return state satisfies never;
  }
}

function stay(effects: readonly SourceEffect[]): SourceStep {
  return end("stayed", effects);
}

function end(as: "stayed" | "moved" | "unknown" | "lost", effects: readonly SourceEffect[]) {
  return { state: { phase: "ended", as }, effects } as const;
}

/** A copy on the target. */
export interface PassiveCopy {
  readonly phase: "held" | "committed" | "begun" | "dropped";
  /** What it is a copy of. */
  readonly base: SpecVersion;
  /** This node. */
  readonly target: Owner;
  /** Counts the attempts of one start of the source: a later one replaces an earlier one. */
  readonly attempt: number;
  /** What is decided at this time if nothing is heard before. */
  readonly untilMs: number;
  readonly isSourceGone: boolean;
  /** Of the name by which a strong child was moved here, once that is known; else 0. */
  readonly token: number;
}

/** What the target learns. */
export type TargetEvent =
  /** The greatest version known of the child, by whatever way it came. */
  | { readonly type: "spec"; readonly version: SpecVersion; readonly nowMs: number }
  /** The source says that it is committed and that the whole mailbox was sent before. */
  | { readonly type: "handed-over"; readonly version: SpecVersion }
  /** This node is to take over what is known by this version. It then writes the moved version. */
  | { readonly type: "inherit"; readonly version: SpecVersion }
  | { readonly type: "withdrawn" }
  | { readonly type: "source-gone" }
  | { readonly type: "time"; readonly nowMs: number };

/** The copy after the event; `begun` and `dropped` are its last states and say what to do. */
export function stepTarget(
  copy: PassiveCopy,
  event: TargetEvent,
  times: MigrationTimes,
): PassiveCopy {
  if (copy.phase === "begun" || copy.phase === "dropped") return copy;
  switch (event.type) {
    case "spec":
      return heard(copy, event.version, event.nowMs, times);
    case "handed-over":
      return isMoveOf(copy, event.version) ? { ...copy, phase: "begun" } : copy;
    case "inherit":
      // Of a later version it is no copy: who ran that one went on from here.
      return {
        ...copy,
        phase: compareVersions(event.version, copy.base) === 0 ? "begun" : "dropped",
      };
    case "withdrawn":
      return copy.phase === "held" ? { ...copy, phase: "dropped" } : copy;
    case "source-gone":
      // What is left of its mailbox went with it; without a commit it may still be told by others.
      if (copy.phase === "committed") return { ...copy, phase: "begun" };
      return { ...copy, isSourceGone: true };
    case "time":
      if (event.nowMs < copy.untilMs) return copy;
      return { ...copy, phase: copy.phase === "committed" ? "begun" : "dropped" };
    default:
      return event satisfies never;
  }
}

function heard(
  copy: PassiveCopy,
  version: SpecVersion,
  nowMs: number,
  times: MigrationTimes,
): PassiveCopy {
  if (isMoveOf(copy, version)) {
    if (copy.phase === "committed") return copy;
    if (copy.isSourceGone) return { ...copy, phase: "begun" };
    return { ...copy, phase: "committed", untilMs: nowMs + times.handOverMs };
  }
  // A takeover that knew nothing of the move may yet be outranked by it; anything newer may not.
  const moved = movedVersion(copy.base, copy.target, copy.token);
  return compareVersions(version, moved) > 0 ? { ...copy, phase: "dropped" } : copy;
}

/** True for the version that commits this very copy. */
export function isMoveOf({ base, target, token }: PassiveCopy, version: SpecVersion): boolean {
  return compareVersions(version, movedVersion(base, target, token)) === 0;
}

/** The copy of a strong child, after a version by which it may have been moved here: that tells the token. */
export function learnToken(copy: PassiveCopy, version: SpecVersion): PassiveCopy {
  const { base, target } = copy;
  const isOwn = version.state === "running" && sameOwner(version.owner, target);
  const isNewer = version.generation > base.generation;
  if (!isOwn || !isNewer || version.incarnation !== base.incarnation) return copy;
  return { ...copy, token: version.generation };
}

/** A new copy, held until its time is over. */
export function passiveCopy(
  base: SpecVersion,
  target: Owner,
  attempt: number,
  nowMs: number,
  times: MigrationTimes,
): PassiveCopy {
  assert(!sameOwner(base.owner, target), "nothing is moved to where it is");
  const untilMs = nowMs + times.holdMs;
  return { phase: "held", base, target, attempt, untilMs, isSourceGone: false, token: 0 };
}

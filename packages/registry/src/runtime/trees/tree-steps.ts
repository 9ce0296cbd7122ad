/**
 * TreeSteps: what is being done to each child of a tree at the moment, one thing at a time.
 *
 * Starting and ending take as long as other nodes take. What the run wants meanwhile is not lost: a start that is cut off
 * becomes an end as soon as it lets go.
 *
 * Invariants: a child has at most one step; each step comes to one outcome, and after `closing` to none.
 */
import type { ChildSpec } from "../../protocol/child-spec.js";
import { TREE } from "../../protocol/tree-plan.js";
import type { SpecStore } from "../supervision/spec-store.js";
import { isOf, isOfAnother, type Fate, type TreeHands } from "./tree-hands.js";
import type { TreeMember } from "./tree-members.js";
import type { TreeSight } from "./tree-sight.js";

/** What a step came to. */
export type StepOutcome =
  | { readonly type: "started" }
  | { readonly type: "start-failed"; readonly error: unknown }
  | { readonly type: "ended" };

/** What steps work with. */
export interface TreeStepsParts {
  readonly specs: SpecStore;
  readonly hands: TreeHands;
  readonly sight: TreeSight;
  /** For a child that is a supervisor: resolves when its own children have started. */
  readonly ready: (identity: string, signal: AbortSignal) => Promise<void>;
  /** Another node ran the tree before this one. */
  readonly isTakenOver: boolean;
  /** Aborted when this node no longer runs the tree. */
  readonly closing: AbortSignal;
  /** What becomes of a child that is ended now. */
  readonly fateOf: (member: TreeMember) => Fate;
  readonly over: (member: TreeMember, outcome: StepOutcome) => void;
}

export class TreeSteps {
  readonly #parts: TreeStepsParts;

  constructor(parts: TreeStepsParts) {
    this.#parts = parts;
  }

  /** Starts a child; one that runs already is taken as it is. */
  start(member: TreeMember): void {
    const { sight, over } = this.#parts;
    const spec = sight.specOf(member);
    const isUp = spec?.state === "running" && sight.runsOnMember(spec);
    if (member.adopt || isUp) {
      member.adopt = false;
      return over(member, { type: "started" });
    }
    const abort = new AbortController();
    member.step = { abort, isCutOff: false };
    void this.#startStep(member, spec, abort.signal).then(
      () => this.#begun(member, { type: "started" }),
      (error: unknown) => this.#begun(member, { type: "start-failed", error }),
    );
  }

  /** Ends a child, or cuts its start off. */
  end(member: TreeMember): void {
    if (member.step === undefined) return this.#endStep(member);
    member.step.isCutOff = true;
    member.step.abort.abort();
  }

  async #startStep(
    { planned, place, identity }: TreeMember,
    spec: ChildSpec | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { hands, ready, specs, isTakenOver } = this.#parts;
    const other = specs.get(identity);
    if (spec === undefined && other !== undefined && isOf(other, place)) {
      // Two nodes supervised under one name, by different plans: this one's holds.
      await hands.end(identity, "stopped", place.shutdownMs, signal);
    }
    // It runs on a node that is gone: from now on it runs nowhere.
    if (spec?.state === "running") hands.settle(identity, "held");
    const ended = spec === undefined ? undefined : specs.get(identity);
    if (ended?.state === "failed") await hands.startAgain(ended, !planned.distribute, signal);
    else await hands.start(identity, planned, place, signal, isTakenOver);
    if (planned.definition === TREE) await ready(identity, signal);
  }

  #begun(member: TreeMember, outcome: StepOutcome): void {
    if (this.#parts.closing.aborted) return;
    const isCutOff = member.step?.isCutOff === true;
    member.step = undefined;
    if (isCutOff) return this.#endStep(member);
    this.#parts.over(member, outcome);
  }

  #endStep(member: TreeMember): void {
    const { hands, fateOf, closing, over, specs } = this.#parts;
    const fate = fateOf(member);
    const known = specs.get(member.identity);
    // What another start has is that one's to end.
    if (known !== undefined && isOfAnother(known, member.place)) {
      return over(member, { type: "ended" });
    }
    member.step = { abort: new AbortController(), isCutOff: false };
    void hands.end(member.identity, fate, member.place.shutdownMs, closing).then(() => {
      if (closing.aborted) return;
      member.step = undefined;
      if (fate === "told") hands.remember(member.planned, member.place);
      over(member, { type: "ended" });
    });
  }
}

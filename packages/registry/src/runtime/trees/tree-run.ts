/**
 * TreeRun: one supervision tree while this node runs its decisions.
 *
 * What to do is decided by the supervisor's pure core of `@foundation/core`, the same as on one node. Its inputs are read
 * from the specs of the children (`TreeSight`), which say where each one runs or how it ended, so that nothing depends on a
 * message that could be lost; its effects become one step after another of each child (`TreeSteps`). A run that begins with
 * children that run already (the tree was taken over) takes them as they are: a child that ended meanwhile is judged now.
 *
 * The intensity counts the restarts of the whole tree, from nothing when the tree is taken over: the times of the former
 * node are of another clock, and what made that node go is no failing of a child. The death of a child's node is not
 * counted either.
 *
 * Invariants: one step for each child at a time; after `close` nothing is started, ended or written; `stop` ends the
 * children in reverse order and leaves no spec of theirs.
 */
import {
  isFoundationError,
  Supervision as SupervisorCore,
  type ExitReason,
  type FoundationError,
  type Member,
  type SupervisionEffect,
  type SupervisionInput,
  type SupervisionOutcome,
  type Timer,
} from "@foundation/core";
import type { ChildSpec } from "../../protocol/child-spec.js";
import { identityIn } from "../../protocol/tree.js";
import type { PlannedChild, TreePlan } from "../../protocol/tree-plan.js";
import type { SpecStore } from "../supervision/spec-store.js";
import { isMember, type Wiring } from "../wiring.js";
import { idTaken, noChild, treeClosed, treeFull, treeGaveUp } from "./tree-errors.js";
import { isOf, type Fate, type TreeHands } from "./tree-hands.js";
import {
  freshMember,
  knownChildren,
  memberFrom,
  placeIn,
  supervised,
  type OwnTree,
  type TreeMember,
} from "./tree-members.js";
import { TreeSight } from "./tree-sight.js";
import { TreeSteps, type StepOutcome } from "./tree-steps.js";
import { TreeWaiters } from "./tree-waiters.js";

/** What a run works with. */
export interface TreeRunParts {
  readonly wiring: Wiring;
  readonly specs: SpecStore;
  readonly hands: TreeHands;
  /** Identities with a spec that names this tree as its supervisor. */
  readonly identities: () => readonly string[];
  /** For a child that is a supervisor: resolves when its own children have started. */
  readonly ready: (identity: string, signal: AbortSignal) => Promise<void>;
  /** Told once, when all children are stopped, and not after `close`. */
  readonly ended: (outcome: SupervisionOutcome, error: FoundationError | undefined) => void;
}

export class TreeRun {
  /** The version of the tree's spec that this run is of. */
  readonly spec: ChildSpec;
  readonly #parts: TreeRunParts;
  readonly #plan: TreePlan;
  readonly #own: OwnTree;
  readonly #sight: TreeSight;
  readonly #steps: TreeSteps;
  readonly #core: SupervisorCore;
  readonly #members = new Map<string, TreeMember>();
  readonly #backoffs = new Map<string, Timer>();
  readonly #waiters = new TreeWaiters();
  readonly #marked = new Set<string>();
  readonly #inputs: SupervisionInput[] = [];
  readonly #closing = new AbortController();
  readonly #ready: Promise<void>;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: unknown) => void = () => {};
  /** All of its children have started at least once. */
  isReady = false;
  #stopped: (() => void)[] = [];
  #phase: "running" | "stopping" | "ended" = "running";
  /**
   * What becomes of the children when the tree ends. Only a user's stop is for good: where the tree gives up and another
   * node runs it behind a cut, that one goes on with them; otherwise they are stopped because their tree is over.
   */
  #lastFate: Fate = "held";
  readonly #witnesses: readonly Member[];
  #busy = false;
  #order = 0;
  #lastError: FoundationError | undefined;
  #failure: FoundationError | undefined;

  constructor(parts: TreeRunParts, spec: ChildSpec, plan: TreePlan) {
    this.#parts = parts;
    this.spec = spec;
    this.#plan = plan;
    this.#witnesses = parts.wiring.membership.members();
    const { identity: supervisor, incarnation, generation } = spec;
    const own = { supervisor, incarnation, generation };
    this.#own = own;
    this.#sight = new TreeSight(parts.wiring.membership, parts.specs, own);
    this.#steps = new TreeSteps({
      ...parts,
      sight: this.#sight,
      isTakenOver: spec.generation > 1,
      closing: this.#closing.signal,
      fateOf: (member) => (this.#phase === "running" ? (member.fate ?? "held") : this.#lastFate),
      over: (member, outcome) => this.#stepOver(member, outcome),
    });
    this.#ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.#ready.catch(() => {});
    const members = knownChildren(own, plan, parts.specs, parts.identities());
    for (const member of members) this.#members.set(member.place.id, member);
    this.#order = members.reduce((most, { place }) => Math.max(most, place.order + 1), 0);
    const { maxRestarts, withinMs, backoffMs, backoffMsMax } = plan;
    const strategy = plan.strategy === "dynamic" ? "one-for-one" : plan.strategy;
    this.#core = new SupervisorCore(
      { strategy, maxRestarts, withinMs, backoffMs, backoffMsMax },
      members.map((member) => supervised(member)),
    );
  }

  /** True when its children were stopped or given up: there is nothing left to run. */
  get hasEnded(): boolean {
    return this.#phase === "ended";
  }

  /** True when somebody who was a member at the beginning is none now: another node may have gone on with the tree. */
  get mayBeShared(): boolean {
    const { membership } = this.#parts.wiring;
    return this.#witnesses.some(({ id, boot }) => !isMember({ node: id, boot }, membership));
  }

  get size(): number {
    return this.#members.size;
  }

  /** Begins: starts what does not run yet. */
  start(): void {
    for (const [id, { isTold }] of this.#members)
      if (isTold) this.#inputs.push({ type: "hold", id });
    this.#inputs.push({ type: "start" });
    this.lookAtAll();
  }

  /** Resolves when all children have started; rejects when they did not, or the tree ended. */
  whenReady(): Promise<void> {
    return this.#ready;
  }

  /** Reads what has become of every child. */
  lookAtAll(): void {
    for (const identity of this.#parts.identities()) this.#mark(identity);
    for (const id of this.#members.keys()) this.#marked.add(id);
    this.#work();
  }

  /** Reads what has become of one child. */
  look(identity: string): void {
    this.#mark(identity);
    this.#work();
  }

  /** Adds a child and resolves when it has started. @throws {ERR_QUEUE_FULL} @throws {ERR_INVALID_ARGUMENT} */
  startChild(planned: PlannedChild): Promise<void> {
    const { id } = planned;
    this.#assertRunning(id);
    if (this.#members.has(id)) throw idTaken(this.spec.identity, id);
    const limit = this.#plan.childrenMax;
    if (this.#members.size >= limit) throw treeFull(this.spec.identity, limit);
    const place = placeIn(this.#own, planned, this.#plan.strategy, this.#order++, true);
    const member = freshMember(planned, place);
    this.#members.set(id, member);
    const started = this.#waiters.until(id, "up");
    this.#inputs.push({ type: "add", child: supervised(member) });
    this.#work();
    return started;
  }

  /** Ends a child: one that was added or is temporary is forgotten, another keeps its place. False when there is none. */
  async endChild(id: string): Promise<boolean> {
    const member = this.#members.get(id);
    if (member === undefined) return false;
    this.#assertRunning(id);
    const { dynamic } = member.place;
    member.fate = dynamic ? "stopped" : "told";
    // As in OTP, a temporary child that is ended is no child any more.
    const isForgotten = dynamic || member.planned.restart === "temporary";
    const ended = this.#waiters.until(id, isForgotten ? "gone" : "down");
    this.#inputs.push({ type: isForgotten ? "remove" : "hold", id });
    this.#work();
    await ended;
    if (!dynamic && !this.#closing.signal.aborted) {
      this.#parts.hands.settle(member.identity, "told");
    }
    return true;
  }

  /** Ends a child if it runs, and starts it anew; resolves when it has started. @throws {ERR_NO_PROCESS} */
  async restartChild(id: string): Promise<void> {
    this.#assertRunning(id);
    if (!this.#members.has(id)) throw noChild(this.spec.identity, id);
    if (this.#core.statusOf(id) !== "down") {
      const ended = this.#waiters.until(id, "down");
      this.#inputs.push({ type: "hold", id });
      this.#work();
      await ended;
    }
    const started = this.#waiters.until(id, "up");
    this.#inputs.push({ type: "resume", id });
    this.#work();
    await started;
  }

  /** Ends all children in reverse order; resolves when none is left, or this node no longer runs the tree. */
  stop(): Promise<void> {
    if (this.#phase === "ended" || this.#closing.signal.aborted) return Promise.resolve();
    const stopped = new Promise<void>((resolve) => this.#stopped.push(resolve));
    if (this.#phase === "running") {
      this.#phase = "stopping";
      this.#lastFate = "dropped";
      this.#failure ??= treeClosed(this.spec.identity, "it was stopped");
      this.#inputs.push({ type: "stop" });
      this.#work();
    }
    return stopped;
  }

  /** This node no longer runs the tree: its children stay as they are. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#letGo(treeClosed(this.spec.identity, "its supervisor went to another node"));
    for (const resolve of this.#stopped.splice(0)) resolve();
  }

  #mark(identity: string): void {
    const { specs } = this.#parts;
    const place = specs.get(identity)?.rules?.tree;
    const id = place?.id ?? identity.slice(this.spec.identity.length + 1);
    this.#marked.add(id);
  }

  /** One input at a time, and then what has become of the children that are marked. */
  #work(): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (!this.#closing.signal.aborted && this.#phase !== "ended") {
        const input = this.#inputs.shift();
        if (input !== undefined) {
          const now = this.#parts.wiring.clock.now();
          for (const effect of this.#core.handle(input, now)) this.#run(effect);
          continue;
        }
        const [id] = this.#marked;
        if (id === undefined) break;
        this.#marked.delete(id);
        this.#see(id);
      }
    } finally {
      this.#busy = false;
    }
    this.#waiters.settle(
      (id) => this.#core.statusOf(id),
      (id) => this.#members.get(id)?.step !== undefined,
    );
  }

  /** Compares what the core believes of a child with its spec, and tells it what has changed. */
  #see(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return this.#seeStranger(id);
    if (member.step !== undefined) return;
    const status = this.#core.statusOf(id);
    const spec = this.#sight.specOf(member);
    const runs = spec?.state === "running";
    if (status === "down" && runs && this.#sight.runsOnMember(spec)) {
      this.#inputs.push({ type: "resume", id });
    } else if (status === "up") {
      const input = this.#sight.endOf(member, spec);
      if (input === undefined) return;
      if (input.type === "exited") this.#lastError = errorOf(input.reason) ?? this.#lastError;
      this.#inputs.push(input);
    }
  }

  /** A child of this tree that this run did not start: another node ran the tree too, before they met. */
  #seeStranger(id: string): void {
    const identity = identityIn(this.spec.identity, id);
    const spec = this.#parts.specs.get(identity);
    const place = spec?.rules?.tree;
    if (spec === undefined || place === undefined || spec.state === "stopped") return;
    if (!isOf(spec, this.#own) || this.#phase !== "running") return;
    if (place.dynamic) {
      const member = memberFrom(spec, place);
      this.#members.set(id, member);
      this.#order = Math.max(this.#order, place.order + 1);
      this.#inputs.push({ type: "add", child: supervised(member) });
    } else if (spec.state === "running") {
      const fate = this.#plan.children.some((child) => child.id === id) ? "told" : "stopped";
      const { hands } = this.#parts;
      void hands.end(identity, fate, place.shutdownMs, this.#closing.signal);
    }
  }

  #run(effect: SupervisionEffect): void {
    switch (effect.type) {
      case "start-child":
        return this.#begin(effect.id);
      case "stop-child":
        return this.#end(effect.id);
      case "set-backoff":
        return this.#setBackoff(effect.id, effect.delayMs);
      case "restarting":
        return this.#noteRestart(effect.id, effect.restarts);
      case "removed":
        return this.#forget(effect.id);
      case "ready":
        this.isReady = true;
        return this.#resolveReady();
      case "gave-up":
        return this.#giveUp(effect.restarts);
      case "stopped":
        return this.#finish(effect.outcome);
      default:
        effect satisfies never;
    }
  }

  #begin(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.fate = undefined;
    this.#steps.start(member);
  }

  #end(id: string): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.#steps.end(member);
  }

  /** What was being done to a child has come to its end. */
  #stepOver(member: TreeMember, outcome: StepOutcome): void {
    const { id } = member.place;
    switch (outcome.type) {
      case "started":
        member.ran = true;
        this.#inputs.push({ type: "started", id });
        break;
      case "start-failed":
        if (isFoundationError(outcome.error)) this.#lastError = outcome.error;
        this.#rejectStarter(id, outcome.error);
        this.#inputs.push({ type: "start-failed", id });
        break;
      case "ended":
        this.#inputs.push({ type: "exited", id, reason: { type: "shutdown" } });
        break;
      default:
        outcome satisfies never;
    }
    this.#marked.add(id);
    this.#work();
  }

  #setBackoff(id: string, delayMs: number): void {
    this.#backoffs.get(id)?.cancel();
    const timer = this.#parts.wiring.clock.setTimer(delayMs, () => {
      this.#backoffs.delete(id);
      this.#inputs.push({ type: "backoff-over", id });
      this.#work();
    });
    this.#backoffs.set(id, timer);
  }

  #noteRestart(id: string, restarts: number): void {
    const { logger, metrics } = this.#parts.wiring;
    metrics.restarts.add();
    const tree = this.spec.identity;
    const cause = this.#lastError?.message;
    logger.warn(`Supervisor "${tree}" restarts "${id}"`, { restarts, cause });
  }

  /** It will not come back: an added child leaves nothing, another its end, so that nobody starts it again. */
  #forget(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#members.delete(id);
    this.#backoffs.get(id)?.cancel();
    this.#backoffs.delete(id);
    if (member.place.dynamic) this.#parts.hands.settle(member.identity, "stopped");
    else this.#parts.hands.settle(member.identity, "told");
    this.#rejectStarter(id, treeClosed(this.spec.identity, "the child was ended"));
  }

  /** A first start that failed is its starter's; a restart that failed is tried again. */
  #rejectStarter(id: string, error: unknown): void {
    if (this.#members.get(id)?.ran !== true) this.#waiters.rejectStarter(id, error);
  }

  #giveUp(restarts: number): void {
    this.#phase = "stopping";
    const told = { restarts, withinMs: this.#plan.withinMs };
    this.#failure = treeGaveUp(this.spec.identity, told, this.#lastError);
    this.#parts.wiring.logger.error(this.#failure.message, { cause: this.#lastError?.message });
  }

  #finish(outcome: SupervisionOutcome): void {
    this.#phase = "ended";
    for (const identity of this.#parts.identities()) {
      const spec = this.#parts.specs.get(identity);
      if (spec === undefined || !isOf(spec, this.#own)) continue;
      this.#parts.hands.settle(identity, this.#lastFate);
    }
    const error = outcome === "start-failed" ? this.#lastError : this.#failure;
    this.#closing.abort();
    this.#letGo(error ?? treeClosed(this.spec.identity, "it has ended"));
    for (const resolve of this.#stopped.splice(0)) resolve();
    this.#parts.ended(outcome, error);
  }

  #letGo(error: FoundationError): void {
    for (const timer of this.#backoffs.values()) timer.cancel();
    this.#backoffs.clear();
    for (const { step } of this.#members.values()) step?.abort.abort();
    this.#rejectReady(error);
    this.#waiters.rejectAll(error);
  }

  #assertRunning(id: string): void {
    if (this.#phase === "running" && !this.#closing.signal.aborted) return;
    throw this.#failure ?? treeClosed(this.spec.identity, `"${id}" is not changed`);
  }
}

function errorOf(reason: ExitReason): FoundationError | undefined {
  return reason.type === "error" ? reason.error : undefined;
}

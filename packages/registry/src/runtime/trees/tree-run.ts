/**
 * TreeRun: one supervision tree while this node runs its decisions.
 *
 * What to do is decided by the supervisor's pure core of `@foundation/core`, the same as on one node. Its inputs are read
 * from the specs of the children, which say where each one runs or how it ended, so that nothing depends on a message that
 * could be lost; its effects are carried out by `TreeHands`. A run that begins with children that run already (the tree was
 * taken over) takes them as they are: a child that ended meanwhile is judged now.
 *
 * The intensity counts the restarts of the whole tree, from nothing when the tree is taken over: the times of the former
 * node are of another clock, and what made that node go is no failing of a child. The death of a child's node is not
 * counted either.
 *
 * Invariants: one step for each child at a time; after `close` nothing is started, ended or written; `stop` ends the
 * children in reverse order and leaves no spec of theirs.
 */
import {
  coreErrors,
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
import { TREE, type PlannedChild, type TreePlan } from "../../protocol/tree-plan.js";
import type { SpecStore } from "../supervision/spec-store.js";
import { isMember, type Wiring } from "../wiring.js";
import { isOf, type Fate, type TreeHands } from "./tree-hands.js";
import {
  freshMember,
  knownChildren,
  memberFrom,
  noChild,
  placeIn,
  supervised,
  type OwnTree,
  type TreeMember,
} from "./tree-members.js";

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

/** Somebody who waits until a child is up, or down, or forgotten. */
interface Waiter {
  readonly id: string;
  readonly until: "up" | "down" | "gone";
  resolve(): void;
  reject(error: unknown): void;
}

const NODE_DOWN = "its node is gone";

export class TreeRun {
  /** The version of the tree's spec that this run is of. */
  readonly spec: ChildSpec;
  readonly #parts: TreeRunParts;
  readonly #plan: TreePlan;
  readonly #core: SupervisorCore;
  readonly #members = new Map<string, TreeMember>();
  readonly #backoffs = new Map<string, Timer>();
  readonly #waiters = new Set<Waiter>();
  readonly #marked = new Set<string>();
  readonly #inputs: SupervisionInput[] = [];
  readonly #closing = new AbortController();
  readonly #ready: Promise<void>;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: unknown) => void = () => {};
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
    this.#ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.#ready.catch(() => {});
    const members = knownChildren(this.#own(), plan, parts.specs, parts.identities());
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
    if (this.#members.has(id)) throw this.#taken(id);
    const limit = this.#plan.childrenMax;
    if (this.#members.size >= limit) throw this.#full(limit);
    const place = placeIn(this.#own(), planned, this.#plan.strategy, this.#order++, true);
    const member = freshMember(planned, place);
    this.#members.set(id, member);
    const started = this.#until(id, "up");
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
    const ended = this.#until(id, isForgotten ? "gone" : "down");
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
      const ended = this.#until(id, "down");
      this.#inputs.push({ type: "hold", id });
      this.#work();
      await ended;
    }
    const started = this.#until(id, "up");
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
      this.#lastFate = "stopped";
      this.#failure ??= this.#closed("it was stopped");
      this.#inputs.push({ type: "stop" });
      this.#work();
    }
    return stopped;
  }

  /** This node no longer runs the tree: its children stay as they are. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#letGo(this.#closed("its supervisor went to another node"));
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
    this.#settleWaiters();
  }

  /** Compares what the core believes of a child with its spec, and tells it what has changed. */
  #see(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return this.#seeStranger(id);
    if (member.step !== undefined) return;
    const status = this.#core.statusOf(id);
    const spec = this.#specOf(member);
    const runs = spec?.state === "running";
    if (status === "down" && runs && this.#isMember(spec)) {
      this.#inputs.push({ type: "resume", id });
    } else if (status === "up") {
      const input = this.#endOf(member, spec);
      if (input === undefined) return;
      if (input.type === "exited") this.#lastError = errorOf(input.reason) ?? this.#lastError;
      this.#inputs.push(input);
    }
  }

  /** What a child that was up has come to; nothing while it runs, or others take it over. */
  #endOf(member: TreeMember, spec: ChildSpec | undefined): SupervisionInput | undefined {
    const { id, managed, dynamic } = member.place;
    const blameless = { reason: this.#crash(id, NODE_DOWN), blameless: true } as const;
    if (spec === undefined && this.#isOfAnotherPlan(member)) {
      return { type: "exited", id, ...blameless };
    }
    if (spec === undefined || spec.state === "stopped") {
      // Ended for good by somebody who held a reference to it.
      member.fate ??= dynamic ? "stopped" : "told";
      return { type: dynamic ? "remove" : "hold", id };
    }
    if (spec.state === "running") {
      if (!managed || this.#isMember(spec)) return undefined;
      return { type: "exited", id, ...blameless };
    }
    switch (spec.rules?.tree?.ended) {
      case "normal":
        return { type: "exited", id, reason: { type: "normal" } };
      case "held":
        return { type: "exited", id, ...blameless };
      case "told":
        member.fate ??= "told";
        return { type: "hold", id };
      case "crashed":
      case undefined:
        return { type: "exited", id, reason: this.#crash(id, spec.reason ?? "?") };
    }
  }

  /** A child of this tree that this run did not start: another node ran the tree too, before they met. */
  #seeStranger(id: string): void {
    const identity = identityIn(this.spec.identity, id);
    const spec = this.#parts.specs.get(identity);
    const place = spec?.rules?.tree;
    if (spec === undefined || place === undefined || spec.state === "stopped") return;
    if (!isOf(spec, this.#own()) || this.#phase !== "running") return;
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
    const spec = this.#specOf(member);
    const isUp = spec?.state === "running" && this.#isMember(spec);
    if (member.adopt || isUp) {
      member.adopt = false;
      member.ran = true;
      this.#inputs.push({ type: "started", id });
      this.#marked.add(id);
      return;
    }
    const abort = new AbortController();
    member.step = { abort, isCutOff: false };
    void this.#startStep(member, spec, abort.signal).then(
      () => this.#begun(member, undefined),
      (error: unknown) => this.#begun(member, error),
    );
  }

  async #startStep(
    { planned, place, identity }: TreeMember,
    spec: ChildSpec | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { hands, ready, specs } = this.#parts;
    const other = specs.get(identity);
    if (spec === undefined && other !== undefined && isOf(other, place)) {
      // Two nodes supervised under one name, by different plans: this one's holds.
      await hands.end(identity, "stopped", place.shutdownMs, signal);
    }
    // It runs on a node that is gone: from now on it runs nowhere.
    if (spec?.state === "running") hands.settle(identity, "held");
    const ended = spec === undefined ? undefined : specs.get(identity);
    if (ended?.state === "failed") await hands.startAgain(ended, !planned.distribute, signal);
    else await hands.start(identity, planned, place, signal, this.spec.generation > 1);
    if (planned.definition === TREE) await ready(identity, signal);
  }

  #begun(member: TreeMember, error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const { id } = member.place;
    const isCutOff = member.step?.isCutOff === true;
    member.step = undefined;
    if (isCutOff) return this.#endStep(member);
    if (error === undefined) {
      member.ran = true;
      this.#inputs.push({ type: "started", id });
    } else {
      if (isFoundationError(error)) this.#lastError = error;
      this.#rejectStarter(id, error);
      this.#inputs.push({ type: "start-failed", id });
    }
    this.#marked.add(id);
    this.#work();
  }

  #end(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    if (member.step === undefined) return this.#endStep(member);
    member.step.isCutOff = true;
    member.step.abort.abort();
  }

  #endStep(member: TreeMember): void {
    const { id, shutdownMs } = member.place;
    const fate: Fate = this.#phase === "running" ? (member.fate ?? "held") : this.#lastFate;
    member.step = { abort: new AbortController(), isCutOff: false };
    const { hands } = this.#parts;
    void hands.end(member.identity, fate, shutdownMs, this.#closing.signal).then(() => {
      if (this.#closing.signal.aborted) return;
      member.step = undefined;
      if (fate === "told") hands.remember(member.planned, member.place);
      this.#inputs.push({ type: "exited", id, reason: { type: "shutdown" } });
      this.#marked.add(id);
      this.#work();
    });
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
    this.#rejectStarter(id, this.#closed("the child was ended"));
  }

  #giveUp(restarts: number): void {
    this.#phase = "stopping";
    const { withinMs } = this.#plan;
    const supervisor = this.spec.identity;
    this.#failure = coreErrors.ERR_SUPERVISOR_GAVE_UP(
      `Supervisor "${supervisor}" gave up: ${restarts} restarts within ${withinMs} ms are more than ` +
        "maxRestarts allows; its children are stopped",
      { supervisor, restarts, withinMs },
      this.#lastError,
    );
    this.#parts.wiring.logger.error(this.#failure.message, { cause: this.#lastError?.message });
  }

  #finish(outcome: SupervisionOutcome): void {
    this.#phase = "ended";
    for (const identity of this.#parts.identities()) {
      const spec = this.#parts.specs.get(identity);
      if (spec === undefined || !isOf(spec, this.#own())) continue;
      this.#parts.hands.settle(identity, this.#lastFate);
    }
    const error = outcome === "start-failed" ? this.#lastError : this.#failure;
    this.#closing.abort();
    this.#letGo(error ?? this.#closed("it has ended"));
    for (const resolve of this.#stopped.splice(0)) resolve();
    this.#parts.ended(outcome, error);
  }

  #letGo(error: FoundationError): void {
    for (const timer of this.#backoffs.values()) timer.cancel();
    this.#backoffs.clear();
    for (const { step } of this.#members.values()) step?.abort.abort();
    this.#rejectReady(error);
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }

  #until(id: string, until: Waiter["until"]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ id, until, resolve, reject });
    });
  }

  #settleWaiters(): void {
    for (const waiter of this.#waiters) {
      const status = this.#core.statusOf(waiter.id) ?? "gone";
      const isOver = status === waiter.until || (status === "gone" && waiter.until === "down");
      if (!isOver || this.#members.get(waiter.id)?.step !== undefined) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** A first start that failed is its starter's; a restart that failed is tried again. */
  #rejectStarter(id: string, error: unknown): void {
    if (this.#members.get(id)?.ran === true) return;
    for (const waiter of this.#waiters) {
      if (waiter.id !== id || waiter.until !== "up") continue;
      this.#waiters.delete(waiter);
      waiter.reject(error);
    }
  }

  /** The spec of a child, unless it is of an earlier start of the tree or of another process. */
  #specOf({ identity, planned }: TreeMember): ChildSpec | undefined {
    const spec = this.#parts.specs.get(identity);
    if (spec === undefined || !isOf(spec, this.#own())) return undefined;
    return spec.definition === planned.definition ? spec : undefined;
  }

  #own(): OwnTree {
    const { identity: supervisor, incarnation, generation } = this.spec;
    return { supervisor, incarnation, generation };
  }

  #isMember(spec: ChildSpec): boolean {
    return isMember(spec.owner, this.#parts.wiring.membership);
  }

  #isOfAnotherPlan({ identity }: TreeMember): boolean {
    const spec = this.#parts.specs.get(identity);
    return spec !== undefined && spec.state !== "stopped" && isOf(spec, this.#own());
  }

  #crash(id: string, thrown: string): ExitReason {
    const message = `Child "${id}" of "${this.spec.identity}" ended: ${thrown}`;
    return { type: "error", error: coreErrors.ERR_HANDLER_FAILED(message, { thrown }) };
  }

  #assertRunning(id: string): void {
    if (this.#phase === "running" && !this.#closing.signal.aborted) return;
    throw this.#failure ?? this.#closed(`"${id}" is not changed`);
  }

  #closed(why: string): FoundationError {
    const what = `supervisor ${this.spec.identity}`;
    return coreErrors.ERR_CLOSED(`Supervisor "${this.spec.identity}" no longer runs: ${why}`, {
      what,
    });
  }

  #taken(id: string): FoundationError {
    return coreErrors.ERR_INVALID_ARGUMENT(
      `Supervisor "${this.spec.identity}" has a child "${id}" already: end it first, or choose another id`,
      { argument: "id", expected: "an id no other child has", found: id },
    );
  }

  #full(limit: number): FoundationError {
    return coreErrors.ERR_QUEUE_FULL(
      `Supervisor "${this.spec.identity}" has ${limit} children (maxChildren) and takes no more`,
      { queue: "children", limit, unit: "messages" },
    );
  }
}

function errorOf(reason: ExitReason): FoundationError | undefined {
  return reason.type === "error" ? reason.error : undefined;
}

/**
 * Supervision: what a supervisor does about children that end, as data.
 *
 * Strategies, restart policies and intensity are OTP's
 * (https://www.erlang.org/doc/system/sup_princ): children start in order and stop in reverse; when
 * one ends, itself, all, or itself and those after it are restarted; more than `maxRestarts`
 * restarts within `withinMs` mean that restarting does not help, and everything is stopped.
 *
 * Instead of a script for each strategy there are two facts for each child, whether it shall run
 * (`wanted`) and whether what runs now is to be replaced (`stale`), and one `reconcile` that takes
 * the next step towards them. So another failure halfway through a restart needs no case of its
 * own. Differences to OTP: a `name-conflict` is never restarted, since somebody else now serves
 * that name; children of one-for-one restart independently, so that a slow `init` holds up nobody.
 *
 * Invariants: a child is started only when nothing of it runs; in an ordered phase one child at a
 * time starts or stops; `restarts` never holds more than `maxRestarts` + 1 instants.
 */
import { assert } from "../../assert.js";
import type { ExitReason } from "../kernel-port.js";
import { isOrderly } from "./links.js";

/** Always again; again after an unorderly end; never again. */
export type RestartPolicy = "permanent" | "transient" | "temporary";

/** Who is restarted when one child ends: itself; all; itself and those that started after it. */
export type SupervisionStrategy = "one-for-one" | "one-for-all" | "rest-for-one";

export interface SupervisedChild {
  readonly id: string;
  readonly restart: RestartPolicy;
  /** Forgotten when it ends for good, and no reason to fail the supervisor's start. */
  readonly dynamic: boolean;
  /** It has run before this supervisor began: when it does not start, that is one more failure. @default false */
  readonly ran?: boolean;
}

export interface SupervisionRules {
  readonly strategy: SupervisionStrategy;
  readonly maxRestarts: number;
  readonly withinMs: number;
  /** Wait before a restart: doubled with each restart within `withinMs`. 0: none. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
}

export type SupervisionInput =
  | { readonly type: "start" }
  | { readonly type: "add"; readonly child: SupervisedChild }
  | { readonly type: "remove"; readonly id: string }
  /** It shall not run, and keeps its place. */
  | { readonly type: "hold"; readonly id: string }
  /** It shall run, whatever ended it before. */
  | { readonly type: "resume"; readonly id: string }
  | { readonly type: "started"; readonly id: string }
  | { readonly type: "start-failed"; readonly id: string }
  /** Ended, by itself or after `stop-child`; a start that `stop-child` cut off counts as ended. */
  | {
      readonly type: "exited";
      readonly id: string;
      readonly reason: ExitReason;
      /** Through no fault of the children, as when a node dies: not counted as a restart. @default false */
      readonly blameless?: boolean;
    }
  | { readonly type: "backoff-over"; readonly id: string }
  | { readonly type: "stop" };

export type SupervisionEffect =
  | { readonly type: "start-child"; readonly id: string }
  /** Answered by exactly one `exited`. */
  | { readonly type: "stop-child"; readonly id: string }
  | { readonly type: "set-backoff"; readonly id: string; readonly delayMs: number }
  /** Tells: a restart was decided, and how many there were within `withinMs`. */
  | { readonly type: "restarting"; readonly id: string; readonly restarts: number }
  /** Tells: the child will not come back. */
  | { readonly type: "removed"; readonly id: string }
  /** Every child has started for the first time. */
  | { readonly type: "ready" }
  /** Tells: the intensity was exceeded; the children are being stopped. */
  | { readonly type: "gave-up"; readonly restarts: number }
  /** Nothing runs any more. Comes once, last. */
  | { readonly type: "stopped"; readonly outcome: SupervisionOutcome };

export type SupervisionOutcome = "stopped" | "gave-up" | "start-failed";

/** Where a child is. */
export type ChildStatus = "down" | "waiting" | "starting" | "up" | "stopping";

interface ChildState {
  readonly child: SupervisedChild;
  status: ChildStatus;
  wanted: boolean;
  stale: boolean;
  forget: boolean;
  hasRun: boolean;
}

type Phase = "new" | "starting" | "running" | "stopping" | "ended";

export class Supervision {
  readonly #rules: SupervisionRules;
  readonly #children = new Map<string, ChildState>();
  #phase: Phase = "new";
  #outcome: SupervisionOutcome = "stopped";
  #restarts: number[] = [];
  #effects: SupervisionEffect[] = [];

  constructor(rules: SupervisionRules, children: readonly SupervisedChild[]) {
    this.#rules = rules;
    for (const child of children) this.#put(child);
  }

  /** Children in the order of their start, with where they are. */
  get children(): readonly { readonly id: string; readonly status: ChildStatus }[] {
    return [...this.#children.values()].map(({ child, status }) => ({ id: child.id, status }));
  }

  /** Where one child is; undefined when it is not known, or no more. */
  statusOf(id: string): ChildStatus | undefined {
    return this.#children.get(id)?.status;
  }

  handle(input: SupervisionInput, now: number): readonly SupervisionEffect[] {
    assert(this.#effects.length === 0, "effects of one input are handed out before the next");
    if (this.#phase !== "ended") this.#decide(input, now);
    else if (input.type === "add") this.#effects.push({ type: "removed", id: input.child.id });
    this.#reconcile();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #decide(input: SupervisionInput, now: number): void {
    switch (input.type) {
      case "start":
        assert(this.#phase === "new", "a supervisor starts once");
        this.#phase = "starting";
        return;
      case "add":
        this.#put(input.child);
        return;
      case "remove":
        this.#remove(input.id);
        return;
      case "hold":
        this.#hold(input.id);
        return;
      case "resume":
        this.#resume(input.id);
        return;
      case "started":
        return this.#started(this.#get(input.id));
      case "start-failed":
        return this.#startFailed(this.#get(input.id), now);
      case "exited":
        return this.#exited(this.#get(input.id), input, now);
      case "backoff-over": {
        const state = this.#children.get(input.id);
        if (state?.status === "waiting") state.status = "down";
        return;
      }
      case "stop":
        this.#stopAll("stopped");
        return;
      default:
        input satisfies never;
    }
  }

  #put(child: SupervisedChild): void {
    assert(!this.#children.has(child.id), "ids of children are unique");
    const wanted = this.#phase !== "stopping";
    this.#children.set(child.id, {
      child,
      status: "down",
      wanted,
      stale: false,
      forget: !wanted,
      hasRun: child.ran === true,
    });
  }

  #get(id: string): ChildState {
    const state = this.#children.get(id);
    assert(state !== undefined, "a child is known until nothing of it runs");
    return state;
  }

  #remove(id: string): void {
    const state = this.#children.get(id);
    if (state === undefined) return;
    state.wanted = false;
    state.forget = true;
    if (state.status === "waiting") state.status = "down";
  }

  #hold(id: string): void {
    const state = this.#children.get(id);
    if (state === undefined) return;
    state.wanted = false;
    if (state.status === "waiting") state.status = "down";
  }

  #resume(id: string): void {
    const state = this.#children.get(id);
    if (state === undefined || this.#phase === "stopping") return;
    state.wanted = true;
    state.forget = false;
  }

  #started(state: ChildState): void {
    if (state.status !== "starting") return;
    state.status = "up";
    state.hasRun = true;
  }

  /** A first start that fails is the starter's problem; a restart that fails is one more failure. */
  #startFailed(state: ChildState, now: number): void {
    const wasStopped = state.status === "stopping";
    assert(wasStopped || state.status === "starting", "only what starts fails to");
    state.status = "down";
    state.stale = false;
    if (wasStopped || this.#phase === "stopping") return;
    if (state.hasRun) {
      this.#restart(state, now);
    } else if (state.child.dynamic) {
      state.wanted = false;
      state.forget = true;
    } else {
      this.#stopAll("start-failed");
    }
  }

  #exited(
    state: ChildState,
    { reason, blameless }: { readonly reason: ExitReason; readonly blameless?: boolean },
    now: number,
  ): void {
    const wasStopped = state.status === "stopping";
    assert(wasStopped || state.status === "up", "only what runs ends");
    state.status = "down";
    state.stale = false;
    if (wasStopped || this.#phase === "stopping") return;
    if (isRestarted(state.child.restart, reason)) {
      if (blameless === true) for (const each of this.#affectedBy(state)) this.#renew(each);
      else this.#restart(state, now);
      return;
    }
    state.wanted = false;
    state.forget = state.child.dynamic || state.child.restart === "temporary";
  }

  #restart(failed: ChildState, now: number): void {
    const { maxRestarts, withinMs, backoffMs, backoffMsMax } = this.#rules;
    this.#restarts = [...this.#restarts.filter((at) => now - at < withinMs), now];
    const restarts = this.#restarts.length;
    if (restarts > maxRestarts) {
      this.#effects.push({ type: "gave-up", restarts });
      this.#stopAll("gave-up");
      return;
    }
    assert(restarts >= 1, "a restart counts itself");
    this.#effects.push({ type: "restarting", id: failed.child.id, restarts });
    for (const state of this.#affectedBy(failed)) this.#renew(state);
    if (backoffMs <= 0) return;
    failed.status = "waiting";
    const delayMs = Math.min(backoffMsMax, backoffMs * 2 ** (restarts - 1));
    this.#effects.push({ type: "set-backoff", id: failed.child.id, delayMs });
  }

  /** To be replaced by a fresh one, or, when it is temporary, ended for good. */
  #renew(state: ChildState): void {
    if (state.forget) return;
    state.wanted = state.child.restart !== "temporary";
    state.forget = !state.wanted;
    if (state.status === "up" || state.status === "starting") state.stale = true;
    if (state.status === "waiting") state.status = "down";
  }

  #affectedBy(failed: ChildState): ChildState[] {
    if (this.#rules.strategy === "one-for-one") return [failed];
    const all = [...this.#children.values()];
    return this.#rules.strategy === "one-for-all" ? all : all.slice(all.indexOf(failed));
  }

  #stopAll(outcome: SupervisionOutcome): void {
    if (this.#phase === "stopping") return;
    this.#phase = "stopping";
    this.#outcome = outcome;
    for (const state of this.#children.values()) {
      state.wanted = false;
      if (state.status === "waiting") state.status = "down";
    }
  }

  /** The next steps towards what is wanted: stops first and in reverse, then starts in order. */
  #reconcile(): void {
    if (this.#phase === "new" || this.#phase === "ended") return;
    this.#forgetEnded();
    const states = [...this.#children.values()];
    const ordered = this.#rules.strategy !== "one-for-one" || this.#phase !== "running";
    this.#stopSome(states.reverse(), ordered);
    this.#startSome(states.reverse(), ordered);
    this.#settle(states);
  }

  #forgetEnded(): void {
    for (const [id, state] of this.#children) {
      if (!state.forget || state.status !== "down") continue;
      this.#children.delete(id);
      this.#effects.push({ type: "removed", id });
    }
  }

  #stopSome(lastFirst: readonly ChildState[], ordered: boolean): void {
    if (ordered && lastFirst.some(({ status }) => status === "stopping")) return;
    for (const state of lastFirst) {
      if (state.status !== "up" && state.status !== "starting") continue;
      if (state.wanted && !state.stale) continue;
      state.status = "stopping";
      this.#effects.push({ type: "stop-child", id: state.child.id });
      if (ordered) return;
    }
  }

  #startSome(states: readonly ChildState[], ordered: boolean): void {
    if (ordered && states.some(({ status }) => status === "stopping")) return;
    for (const state of states) {
      if (!state.wanted || state.status === "up") continue;
      if (state.status === "down") {
        state.status = "starting";
        this.#effects.push({ type: "start-child", id: state.child.id });
      }
      if (ordered) return;
    }
  }

  #settle(states: readonly ChildState[]): void {
    if (this.#phase === "starting") {
      if (states.some(({ wanted, status }) => wanted && status !== "up")) return;
      this.#phase = "running";
      this.#effects.push({ type: "ready" });
    } else if (this.#phase === "stopping") {
      if (states.some(({ status }) => status !== "down")) return;
      this.#phase = "ended";
      this.#effects.push({ type: "stopped", outcome: this.#outcome });
    }
  }
}

/** Whether a child with that policy is started again after that end; not when it runs elsewhere. */
export function isRestarted(policy: RestartPolicy, reason: ExitReason): boolean {
  if (reason.type === "name-conflict" || reason.type === "migrated") return false;
  switch (policy) {
    case "permanent":
      return true;
    case "transient":
      return !isOrderly(reason);
    case "temporary":
      return false;
    default:
      return policy satisfies never;
  }
}

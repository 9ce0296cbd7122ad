/**
 * Trees: the supervision trees of the cluster, as one node has part in them.
 *
 * The node whose process stands for a tree runs it (`TreeRun`); any node may ask that one to do something with it. Which
 * runs there are is read from the specs and the children of this node whenever one of them changes, so a tree that is taken
 * over, drained or lost to another owner begins and ends here without a case of its own.
 *
 * Limits: `treeChildrenMax`, `treeDepthMax`, `treeStartMs`, `treeRetryMs`,
 * `treeFailuresMax`, `treeUnknownMs`.
 */
import {
  coreErrors,
  isFoundationError,
  type FoundationError,
  type InboundMessage,
  type SupervisionOutcome,
  type Timer,
} from "@foundation/core";
import {
  compareVersions,
  failedSpec,
  stoppedSpec,
  type ChildSpec,
} from "../../protocol/child-spec.js";
import {
  parsePlannedChild,
  parseTreePlan,
  TREE,
  type PlannedChild,
} from "../../protocol/tree-plan.js";
import { Patience } from "../patience.js";
import type { Starts } from "../supervision/starts.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import { CHANNEL, isMember, type Wiring } from "../wiring.js";
import { pause } from "./pause.js";
import { TreeHands } from "./tree-hands.js";
import { TreeIndex } from "./tree-index.js";
import { TreeRun } from "./tree-run.js";

const ASK = "registry.tree";

/** What the owner of a tree is asked. */
export type TreeRequest =
  | { readonly type: "ready" }
  | { readonly type: "stop" }
  | { readonly type: "start-child"; readonly child: PlannedChild }
  | { readonly type: "end-child"; readonly id: string }
  | { readonly type: "restart-child"; readonly id: string };

/** Supervision trees. */
export class Trees {
  readonly index: TreeIndex;
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #hands: TreeHands;
  readonly #runs = new Map<string, TreeRun>();
  /** Why trees ended that this node ran: who asks a moment later shall know. */
  readonly #failures = new Map<
    string,
    { readonly of: ChildSpec; readonly error: FoundationError }
  >();
  readonly #listeners = new Set<(identity: string, supervisor: string | undefined) => void>();
  readonly #stops: (() => void)[];
  /** Since when children are here whose tree is unknown. */
  readonly #unknown = new Map<string, number>();
  #sweep: Timer | undefined;
  #closed = false;

  constructor(wiring: Wiring, parts: SupervisionParts, supervision: Supervision, starts: Starts) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.index = new TreeIndex(parts.specs);
    this.#hands = new TreeHands(wiring, parts, supervision, starts, {
      stopChildren: (identity) => this.#runs.get(identity)?.stop() ?? Promise.resolve(),
    });
    supervision.onRunning = (identity) => {
      if (supervision.children.get(identity)?.definition.name === TREE) this.#settleRun(identity);
    };
    this.#stops = [
      parts.specs.subscribe((identity) => this.#changed(identity)),
      wiring.membership.subscribe(() => this.#lookAtAll()),
      wiring.messenger.handle(ASK, (message) => this.#serve(message)),
    ];
  }

  /** Trees that this node runs. */
  get running(): number {
    return this.#runs.size;
  }

  /** Calls the listener with each identity whose spec changed, and the supervisor it has or had. */
  subscribe(listener: (identity: string, supervisor: string | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Asks whoever runs the tree, for as long as the patience lasts; a request that may have had an effect is only repeated
   * when repeating it is safe.
   * @throws {ERR_NO_PROCESS} there is no such tree. @throws {ERR_SUPERVISOR_GAVE_UP}
   */
  async ask(name: string, request: TreeRequest, patience: Patience): Promise<unknown> {
    const { clock, limits, membership, self, messenger } = this.#wiring;
    for (;;) {
      patience.check(name);
      const spec = this.#parts.specs.get(name);
      if (spec === undefined || spec.definition !== TREE || spec.state !== "running") {
        throw this.#failureOf(name) ?? notRunning(name, spec);
      }
      const { node } = spec.owner;
      try {
        if (node === self.node) return await abortable(this.#answer(name, request), patience, name);
        if (isMember(spec.owner, membership)) {
          const route = { to: node, channel: CHANNEL, subject: ASK, key: name };
          return await messenger.request(route, [name, request], {
            timeoutMs: patience.remainingMs(),
            signal: patience.signal,
          });
        }
      } catch (error) {
        if (!mayAskAgain(error, request)) throw error;
      }
      await pause(clock, limits.treeRetryMs, patience.signal);
    }
  }

  close(): void {
    this.#closed = true;
    this.#sweep?.cancel();
    for (const stop of this.#stops) stop();
    this.#hands.close();
    for (const run of this.#runs.values()) run.close();
    this.#runs.clear();
    this.#listeners.clear();
  }

  #changed(identity: string): void {
    const supervisor = this.index.note(identity);
    if (supervisor !== undefined) this.#armSweep();
    if (supervisor !== undefined) this.#runs.get(supervisor)?.look(identity);
    const children = this.index.of(identity);
    if (this.#runs.has(identity) || this.#parts.specs.get(identity)?.definition === TREE) {
      this.#settleRun(identity);
    }
    // Whether their tree is over: supervision ends those that it is over for.
    for (const child of children) this.#supervision.mark(child);
    for (const listener of this.#listeners) listener(identity, supervisor);
  }

  #lookAtAll(): void {
    for (const run of [...this.#runs.values()]) run.lookAtAll();
  }

  /** Begins or ends the run of one tree here, as its process and its spec say. */
  #settleRun(identity: string): void {
    if (this.#closed) return;
    const child = this.#supervision.children.get(identity);
    const spec = this.#parts.specs.get(identity);
    const run = this.#runs.get(identity);
    const isHere =
      child?.spec !== undefined &&
      child.phase === "running" &&
      child.definition.name === TREE &&
      spec?.state === "running" &&
      compareVersions(child.spec, spec) === 0;
    if (run !== undefined && isHere && compareVersions(run.spec, spec) === 0) return;
    if (run !== undefined) this.#drop(identity, run);
    const plan = isHere ? parseTreePlan(spec.args) : undefined;
    if (!isHere || plan === undefined || child.pid === undefined) return;
    const { pid } = child;
    const begun = new TreeRun(
      {
        wiring: this.#wiring,
        specs: this.#parts.specs,
        hands: this.#hands,
        identities: () => this.index.of(identity),
        ready: (nested, signal) => this.#readyOf(nested, signal),
        ended: (outcome, error) => this.#ended(identity, begun, outcome, error),
      },
      spec,
      plan,
    );
    this.#runs.set(identity, begun);
    this.#failures.delete(identity);
    this.#wiring.kernel.monitor(pid, () => this.#drop(identity, begun));
    begun.start();
  }

  #drop(identity: string, run: TreeRun): void {
    run.close();
    if (this.#runs.get(identity) === run) this.#runs.delete(identity);
  }

  /** All children are stopped. A supervisor above is told by the end of this one's process. */
  #ended(
    identity: string,
    run: TreeRun,
    outcome: SupervisionOutcome,
    error: FoundationError | undefined,
  ): void {
    const { specs } = this.#parts;
    const { kernel } = this.#wiring;
    const pid = this.#supervision.children.get(identity)?.pid;
    const isNested = run.spec.rules?.tree !== undefined;
    if (outcome === "stopped") return;
    if (error !== undefined) this.#remember(run.spec, error);
    if (outcome === "start-failed" && !isNested) {
      // A stop would hold for whoever goes on with the tree behind a cut, too; a failure gives way to that one.
      const spec = run.mayBeShared
        ? failedSpec(run.spec, error?.message ?? "it did not start")
        : stoppedSpec(run.spec);
      specs.put(spec);
      return void this.#supervision.children.end(identity, { type: "shutdown" });
    }
    const reason = error ?? notRunning(identity, undefined);
    if (pid !== undefined) kernel.exit(pid, { type: "error", error: reason });
  }

  /** Why the tree of that name ended, unless it has been started again since. */
  #failureOf(name: string): FoundationError | undefined {
    const failure = this.#failures.get(name);
    const spec = this.#parts.specs.get(name);
    if (failure === undefined || spec === undefined) return failure?.error;
    const { incarnation, generation } = failure.of;
    const isSame = spec.incarnation === incarnation && spec.generation === generation;
    return isSame ? failure.error : undefined;
  }

  #remember(spec: ChildSpec, error: FoundationError): void {
    this.#failures.set(spec.identity, { of: spec, error });
    const [oldest] = this.#failures.keys();
    if (oldest === undefined || this.#failures.size <= this.#wiring.limits.treeFailuresMax) return;
    this.#failures.delete(oldest);
  }

  async #readyOf(identity: string, signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#wiring;
    const patience = new Patience(clock, limits.treeStartMs, signal);
    try {
      await this.ask(identity, { type: "ready" }, patience);
    } finally {
      patience.end();
    }
  }

  async #serve({ payload, signal }: InboundMessage): Promise<unknown> {
    const [name, request] = Array.isArray(payload) ? (payload as unknown[]) : [];
    const parsed = parseRequest(request);
    if (typeof name !== "string" || parsed === undefined) {
      throw coreErrors.ERR_INVALID_ARGUMENT(
        "A request to a supervision tree cannot be read: the node that sent it runs another version",
        { argument: "payload", expected: "a request of this version", found: typeof request },
      );
    }
    if (signal.aborted) throw notHere(name);
    return this.#answer(name, parsed);
  }

  async #answer(name: string, request: TreeRequest): Promise<unknown> {
    const run = this.#runs.get(name);
    if (run === undefined) throw this.#failureOf(name) ?? notHere(name);
    switch (request.type) {
      case "ready":
        await run.whenReady();
        return true;
      case "start-child":
        await run.startChild(request.child);
        return true;
      case "end-child":
        return run.endChild(request.id);
      case "restart-child":
        await run.restartChild(request.id);
        return true;
      case "stop":
        await this.#stop(name, run);
        return true;
      default:
        return request satisfies never;
    }
  }

  /** The children first, in reverse order; then the record of the tree, and its process. */
  async #stop(name: string, run: TreeRun): Promise<void> {
    await run.stop();
    // Whoever goes on with it is asked to stop it.
    if (!run.hasEnded) throw notHere(name);
    const { specs } = this.#parts;
    const spec = specs.get(name);
    const isThis = spec !== undefined && compareVersions(spec, run.spec) === 0;
    if (isThis) specs.put(stoppedSpec(spec));
    await this.#supervision.children.end(name, { type: "shutdown" });
    specs.flush();
  }

  /** What could not be seen when it happened is seen then. */
  #armSweep(): void {
    if (this.#sweep !== undefined || this.#closed) return;
    const { clock, limits } = this.#wiring;
    this.#sweep = clock.setTimer(limits.sweepIntervalMs, () => {
      this.#sweep = undefined;
      this.#lookAtAll();
      this.#dropUnknown(clock.now());
      if (this.#runs.size > 0 || !this.index.isEmpty) this.#armSweep();
    });
  }

  /** Every node that knew the tree has died, and these children came to be known later: nobody supervises them. */
  #dropUnknown(now: number): void {
    const { specs } = this.#parts;
    for (const supervisor of this.#unknown.keys()) {
      const isKnown = specs.get(supervisor) !== undefined;
      if (isKnown || this.index.of(supervisor).length === 0) this.#unknown.delete(supervisor);
    }
    for (const supervisor of this.index.supervisors()) {
      if (specs.get(supervisor) !== undefined) continue;
      const since = this.#unknown.get(supervisor) ?? now;
      this.#unknown.set(supervisor, since);
      if (now - since < this.#wiring.limits.treeUnknownMs) continue;
      this.#unknown.delete(supervisor);
      for (const identity of this.index.of(supervisor)) {
        const spec = specs.get(identity);
        if (spec !== undefined && spec.state !== "stopped") specs.put(stoppedSpec(spec));
      }
    }
  }
}

function parseRequest(value: unknown): TreeRequest | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, id, child } = value as { type?: unknown; id?: unknown; child?: unknown };
  if (type === "ready" || type === "stop") return { type };
  if (type === "start-child") {
    const planned = parsePlannedChild(child);
    return planned && { type, child: planned };
  }
  const isOfChild = type === "end-child" || type === "restart-child";
  return isOfChild && typeof id === "string" ? { type, id } : undefined;
}

/** The tree is on its way to another node, or the request had no effect, or may be made twice. */
function mayAskAgain(error: unknown, { type }: TreeRequest): boolean {
  if (!isFoundationError(error)) return false;
  if (error.code === "ERR_OUTCOME_UNKNOWN" || error.code === "ERR_CLOSED") {
    return type === "ready" || type === "end-child";
  }
  return error.code === "ERR_NODE_UNREACHABLE";
}

/** Gives up with the patience, though the work goes on. */
function abortable<T>(work: Promise<T>, patience: Patience, target: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      reject(coreErrors.ERR_ABORTED(`The caller of "${target}" gave up`, { target }));
    };
    if (patience.signal.aborted) return giveUp();
    patience.signal.addEventListener("abort", giveUp, { once: true });
    work.then(resolve, reject).finally(() => {
      patience.signal.removeEventListener("abort", giveUp);
    });
  });
}

function notHere(name: string): FoundationError {
  return coreErrors.ERR_NODE_UNREACHABLE(
    `Supervisor "${name}" does not run on this node, or not yet; the request had no effect`,
    { node: name, reason: "the tree is on its way to another node" },
  );
}

function notRunning(name: string, spec: ChildSpec | undefined): FoundationError {
  if (spec?.definition === TREE && spec.state === "failed") {
    return coreErrors.ERR_SUPERVISOR_GAVE_UP(
      `Supervisor "${name}" has given up, and its children are stopped: ${spec.reason ?? "?"}`,
      { supervisor: name, restarts: 0, withinMs: 0 },
    );
  }
  return coreErrors.ERR_NO_PROCESS(`No supervisor runs under "${name}"; start one with supervise`, {
    process: name,
  });
}

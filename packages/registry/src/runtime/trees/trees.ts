/**
 * Trees: the supervision trees of the cluster, as one node has part in them.
 *
 * The node whose process stands for a tree runs it (`TreeRun`); any node may ask that one to do something with it. Which
 * runs there are is read from the specs and the children of this node whenever one of them changes, so a tree that is taken
 * over, drained or lost to another owner begins and ends here without a case of its own.
 *
 * Invariants: at most one run of a tree here, and only while its process runs here in the version of its spec.
 * Limits: `treeStartMs` for a nested tree to start, `treeRetryMs` between two tries to reach the owner, `sweepIntervalMs`.
 */
import {
  coreErrors,
  type FoundationError,
  type InboundMessage,
  type SupervisionOutcome,
  type Timer,
} from "@foundation/core";
import {
  compareVersions,
  droppedSpec,
  failedSpec,
  stoppedSpec,
  type ChildSpec,
} from "../../protocol/child-spec.js";
import { parseTreePlan, TREE } from "../../protocol/tree-plan.js";
import { Patience } from "../patience.js";
import type { Starts } from "../supervision/starts.js";
import type { Supervision, SupervisionParts } from "../supervision/supervision.js";
import { CHANNEL, isMember, type Wiring } from "../wiring.js";
import { pause } from "./pause.js";
import { treeNotHere, treeNotRunning } from "./tree-errors.js";
import { TreeFailures } from "./tree-failures.js";
import { TreeHands } from "./tree-hands.js";
import { TreeIndex } from "./tree-index.js";
import { TreeOrphans } from "./tree-orphans.js";
import { mayAskAgain, parseTreeRequest, type TreeRequest } from "./tree-request.js";
import { TreeRun } from "./tree-run.js";

const ASK = "registry.tree";

/** Supervision trees. */
export class Trees {
  readonly index: TreeIndex;
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #hands: TreeHands;
  readonly #runs = new Map<string, TreeRun>();
  readonly #failures: TreeFailures;
  readonly #listeners = new Set<(identity: string, supervisor: string | undefined) => void>();
  readonly #stops: (() => void)[];
  readonly #orphans: TreeOrphans;
  #sweep: Timer | undefined;
  #closed = false;

  constructor(wiring: Wiring, parts: SupervisionParts, supervision: Supervision, starts: Starts) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    this.index = new TreeIndex(parts.specs);
    this.#failures = new TreeFailures(parts.specs, wiring.limits.treeFailuresMax);
    this.#orphans = new TreeOrphans(parts.specs, this.index, wiring.limits.treeUnknownMs);
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
        throw this.#failures.of(name) ?? treeNotRunning(name, spec);
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
    this.#failures.forget(identity);
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
    if (error !== undefined) this.#failures.remember(run.spec, error);
    if (outcome === "start-failed" && !isNested) {
      // A stop would hold for whoever goes on with the tree behind a cut, too; a failure gives way to that one.
      const spec = run.mayBeShared
        ? failedSpec(run.spec, error?.message ?? "it did not start")
        : takenBack(run.spec);
      specs.put(spec);
      return void this.#supervision.children.end(identity, { type: "shutdown" });
    }
    const reason = error ?? treeNotRunning(identity, undefined);
    if (pid !== undefined) kernel.exit(pid, { type: "error", error: reason });
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
    const parsed = parseTreeRequest(request);
    if (typeof name !== "string" || parsed === undefined) {
      throw coreErrors.ERR_INVALID_ARGUMENT(
        "A request to a supervision tree cannot be read: the node that sent it runs another version",
        { argument: "payload", expected: "a request of this version", found: typeof request },
      );
    }
    if (signal.aborted) throw treeNotHere(name);
    return this.#answer(name, parsed);
  }

  async #answer(name: string, request: TreeRequest): Promise<unknown> {
    const run = this.#runs.get(name);
    if (run === undefined) throw this.#failures.of(name) ?? treeNotHere(name);
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
        await this.#stop(name, run, stoppedSpec(run.spec));
        return true;
      case "take-back":
        // It may be another start of it by now, which is somebody else's.
        if (run.spec.incarnation !== request.incarnation) return true;
        if (run.isReady) return false;
        await this.#stop(name, run, takenBack(run.spec));
        return true;
      default:
        return request satisfies never;
    }
  }

  /** The children first, in reverse order; then the record of the tree, and its process. */
  async #stop(name: string, run: TreeRun, over: ChildSpec): Promise<void> {
    await run.stop();
    // Whoever goes on with it is asked to stop it.
    if (!run.hasEnded) throw treeNotHere(name);
    const { specs } = this.#parts;
    const spec = specs.get(name);
    const isThis = spec !== undefined && compareVersions(spec, run.spec) === 0;
    if (isThis) specs.put(over);
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
      this.#orphans.drop(clock.now());
      if (this.#runs.size > 0 || !this.index.isEmpty) this.#armSweep();
    });
  }
}

/** A start that came to nothing says nothing of others behind a cut; a stop by a user before it is not forgotten. */
function takenBack(spec: ChildSpec): ChildSpec {
  return parseTreePlan(spec.args)?.isAfterStop === true ? stoppedSpec(spec) : droppedSpec(spec);
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

/**
 * Children: the supervised processes of this node, each under its identity.
 *
 * A child is started, watched, and started again after a crash as its restart rule and intensity
 * say. Children of the distributed supervisor carry the spec by which they run; others have none.
 *
 * Invariants: at most one instance of an identity runs on this node; a child told to end never
 * starts again; `ended` resolves after the instance is gone; what `init` gets is a copy, so that
 * the arguments of the next start are the arguments of the first.
 * Limits: `restartsMax` within `restartsWithinMs`, `stopGraceMs` to end.
 */
import {
  coreErrors,
  isFoundationError,
  RenewedMap,
  type Delivery,
  type ExitReason,
  type Pid,
  type ProcessDefinition,
  type ProcessLease,
  type ProcessSnapshot,
  type SpawnOptions,
} from "@foundation/core";
import type { ChildSpec, Restart } from "../../protocol/child-spec.js";
import { judgeExit, type RestartHistory } from "../../protocol/restart-intensity.js";
import { TREE } from "../../protocol/tree-plan.js";
import { asFoundationError } from "../calls/foundation-errors.js";
import type { Snapshots } from "../snapshots/snapshots.js";
import { copyOf, explain, type Wiring } from "../wiring.js";

/** What a child is started from. */
export interface ChildStart {
  readonly identity: string;
  readonly definition: ProcessDefinition;
  readonly args: unknown;
  readonly restart: Restart;
  readonly meta: unknown;
  /** Its version in the cluster; undefined for a child of this node only. */
  readonly spec: ChildSpec | undefined;
  /** Whether other nodes shall find it under its identity. */
  readonly published: boolean;
  /** Its right to have effect, where it needs one; once that is lost it is not started again from here. */
  readonly lease?: ProcessLease | undefined;
}

/** What a copy begins with. */
export type Installed = Pick<SpawnOptions, "install" | "lease">;

/** A supervised process of this node. */
export interface Child extends ChildStart {
  readonly pid: Pid | undefined;
  /**
   * `tentative`: its first init runs, and its failure is the caller's, not the supervisor's. `passive`: a copy of another
   * node's child, which runs nothing until that is told to be this node's.
   */
  readonly phase: "tentative" | "starting" | "running" | "passive" | "ending";
}

/** Why a child is not started again by the node it ran on. */
export type ChildOutcome = "told" | "ended" | "gave-up" | "left-to-tree";

/** What the owner of the children is told. */
export interface ChildrenEvents {
  /** It runs under this pid, for the first time or again. */
  running(child: Child, pid: Pid): void;
  /** The instance is gone; it may come back, here or, when it migrated, elsewhere. */
  gone(child: Child, pid: Pid, reason: ExitReason): void;
  /**
   * It will not be started again: it was told to end, ended by its own rule, or was given up; or what follows is for the
   * supervisor of its tree to say.
   */
  finished(child: Child, outcome: ChildOutcome, reason: ExitReason): void;
}

interface Mutable extends Child {
  spec: ChildSpec | undefined;
  pid: Pid | undefined;
  phase: Child["phase"];
  history: RestartHistory;
  /** Why it was told to end. */
  endReason: ExitReason | undefined;
  /** Gives its start up while its `init` runs. */
  starting: AbortController | undefined;
  readonly ended: Promise<void>;
  readonly resolveEnded: () => void;
}

const NO_HISTORY: RestartHistory = [];

/** The supervised processes of this node. */
export class Children {
  readonly #wiring: Wiring;
  readonly #events: ChildrenEvents;
  readonly #snapshots: Snapshots;
  readonly #byIdentity = new RenewedMap<string, Mutable>();

  constructor(wiring: Wiring, events: ChildrenEvents, snapshots: Snapshots) {
    this.#wiring = wiring;
    this.#events = events;
    this.#snapshots = snapshots;
  }

  get size(): number {
    return this.#byIdentity.size;
  }

  get(identity: string): Child | undefined {
    return this.#byIdentity.get(identity);
  }

  /** The child whose instance has that pid. A child's process is labelled with its identity. */
  byPid(pid: Pid): Child | undefined {
    const identity = this.#wiring.kernel.find(pid)?.label;
    const child = identity === undefined ? undefined : this.#byIdentity.get(identity);
    return child?.pid?.serial === pid.serial ? child : undefined;
  }

  all(): readonly Child[] {
    return [...this.#byIdentity.values()];
  }

  /**
   * Starts a child for a caller: a failing `init` is thrown and nothing is left behind.
   * @throws {ERR_INIT_FAILED} @throws {ERR_CLOSED} @throws {ERR_QUEUE_FULL} @throws {ERR_ABORTED}
   */
  async start(start: ChildStart, signal?: AbortSignal): Promise<Pid> {
    const child = this.#add(start, "tentative");
    let pid: Pid;
    try {
      pid = await this.#spawn(child, signal);
    } catch (error) {
      this.#remove(child);
      const wasTold = child.endReason !== undefined && isFoundationError(error, "ERR_ABORTED");
      throw wasTold ? told(child) : error;
    }
    if (child.endReason === undefined) return pid;
    await child.ended;
    throw told(child);
  }

  /** Starts a child that shall run whatever its `init` does at first: restarts are judged. */
  async run(start: ChildStart): Promise<void> {
    await this.#tryToRun(this.#add(start, "starting"));
  }

  /**
   * Installs a copy of a child that runs elsewhere: it takes messages and runs none until `begin`.
   * @throws as `kernel.spawn` with an installed state
   */
  async install(start: ChildStart, installed: Installed, signal?: AbortSignal): Promise<Pid> {
    const child = this.#add(start, "passive");
    try {
      return await this.#spawn(child, signal, { ...installed, passive: true });
    } catch (error) {
      this.#remove(child);
      throw error;
    }
  }

  /** A copy is this node's child from now on, by that spec. @throws when its name cannot be published */
  begin(identity: string, spec: ChildSpec): void {
    const child = this.#byIdentity.get(identity);
    if (child?.phase !== "passive" || child.pid === undefined) return;
    child.spec = spec;
    child.phase = "running";
    this.#events.running(child, child.pid);
    this.#wiring.kernel.thaw(child.pid);
  }

  /** Ends a frozen child, which goes on elsewhere: its messages, also later ones, go to `forward`. */
  handOff(identity: string, forward: (message: Delivery) => void): void {
    const child = this.#byIdentity.get(identity);
    if (child?.phase !== "running" || child.pid === undefined) return;
    child.endReason = { type: "migrated" };
    child.phase = "ending";
    this.#wiring.kernel.handOff(child.pid, forward);
  }

  /** Ends the child and resolves when it is gone; resolves at once when there is none. */
  async end(identity: string, reason: ExitReason, graceMs?: number): Promise<void> {
    const child = this.#byIdentity.get(identity);
    if (child === undefined) return;
    if (child.endReason === undefined) {
      child.endReason = reason;
      child.phase = "ending";
      // Without a pid its init still runs, and may do so for ever.
      if (child.pid === undefined) child.starting?.abort();
      else this.#exit(child.pid, reason, child, graceMs);
    }
    await child.ended;
  }

  #add(start: ChildStart, phase: "tentative" | "starting" | "passive"): Mutable {
    if (this.#byIdentity.has(start.identity)) throw new Error(`"${start.identity}" runs already`);
    let resolveEnded = () => {};
    const ended = new Promise<void>((resolve) => {
      resolveEnded = resolve;
    });
    const { identity, definition, args, restart, meta, spec, published, lease } = start;
    // Field by field: each object that is spread from another, and has so many fields, gets a shape of its own.
    const child: Mutable = {
      identity,
      definition,
      args,
      restart,
      meta,
      spec,
      published,
      lease,
      phase,
      pid: undefined,
      history: NO_HISTORY,
      endReason: undefined,
      starting: undefined,
      ended,
      resolveEnded,
    };
    this.#byIdentity.set(start.identity, child);
    return child;
  }

  #remove(child: Mutable): void {
    if (this.#byIdentity.get(child.identity) === child) this.#byIdentity.delete(child.identity);
    if (child.spec === undefined) this.#snapshots.forget(child.identity);
    child.resolveEnded();
  }

  async #spawn(child: Mutable, signal?: AbortSignal, more?: SpawnOptions): Promise<Pid> {
    const { kernel, codec } = this.#wiring;
    const args = copyOf(child.args, codec);
    const starting = new AbortController();
    const giveUp = () => starting.abort(signal?.reason);
    if (signal?.aborted) giveUp();
    else signal?.addEventListener("abort", giveUp, { once: true });
    child.starting = starting;
    let pid: Pid;
    try {
      const { identity: label, lease } = child;
      // Only a child of the distributed supervisor ever moves: the state of others may be anything.
      const movable = child.spec !== undefined;
      const kept = this.#keptOf(child);
      const options = { label, signal: starting.signal, lease, movable, ...kept, ...more };
      pid = await kernel.spawn(child.definition, args, options);
    } finally {
      signal?.removeEventListener("abort", giveUp);
      child.starting = undefined;
    }
    child.pid = pid;
    this.#watch(child, pid);
    if (child.endReason !== undefined) {
      this.#exit(pid, child.endReason, child);
      return pid;
    }
    if (child.phase === "passive") return pid;
    child.phase = "running";
    try {
      this.#events.running(child, pid);
    } catch (error) {
      // Its name could not be published: it ends before anybody is told that it failed.
      await this.end(child.identity, { type: "shutdown" });
      throw error;
    }
    return pid;
  }

  /** Apart from the start: what is called at the end would keep the start's signals in memory for as long as it runs. */
  #watch(child: Mutable, pid: Pid): void {
    this.#wiring.kernel.monitor(pid, (reason) => this.#down(child, reason));
  }

  /** For a process that asks for it: its newest snapshot to go on from, and where the next ones go. */
  #keptOf(child: Mutable): SpawnOptions {
    if (child.definition.persist === undefined) return {};
    const snapshots = this.#snapshots;
    // Asked each time: a child that was moved here has another spec then.
    const onPersist = (snapshot: ProcessSnapshot) => snapshots.keep(child, snapshot);
    return { install: snapshots.latest(child), onPersist };
  }

  async #tryToRun(child: Mutable): Promise<void> {
    try {
      await this.#spawn(child);
    } catch (thrown) {
      // A closed kernel is no fault of the child: its spec stays, and another node takes it over.
      if (isFoundationError(thrown, "ERR_CLOSED")) return this.#remove(child);
      if (child.endReason !== undefined) return this.#endedWhileStarting(child, thrown);
      this.#judge(child, { type: "error", error: asFoundationError(thrown) });
    }
  }

  /** Told to end meanwhile, or its name could not be published: then the sweep tries again. */
  #endedWhileStarting(child: Mutable, error: unknown): void {
    const { logger } = this.#wiring;
    logger.debug("A child ended while it was started", { identity: child.identity, error });
    if (this.#byIdentity.get(child.identity) !== child) return;
    this.#remove(child);
    this.#events.finished(child, "told", child.endReason ?? { type: "shutdown" });
  }

  #down(child: Mutable, reason: ExitReason): void {
    const pid = child.pid;
    child.pid = undefined;
    if (pid !== undefined) this.#events.gone(child, pid, reason);
    this.#judge(child, reason);
  }

  #judge(child: Mutable, reason: ExitReason): void {
    if (child.lease?.isHeld === false) child.endReason ??= { type: "lease-lost" };
    const { clock, limits, logger, metrics } = this.#wiring;
    if (child.endReason !== undefined || child.phase === "passive") {
      this.#remove(child);
      return this.#events.finished(child, "told", child.endReason ?? reason);
    }
    const judge = judgeOf(child);
    if (judge !== "this-node") {
      this.#remove(child);
      return this.#events.finished(child, judge, reason);
    }
    const limit = { max: limits.restartsMax, withinMs: limits.restartsWithinMs };
    const { verdict, history } = judgeExit(
      reason,
      child.restart,
      child.history,
      clock.now(),
      limit,
    );
    child.history = history;
    const fields = { identity: child.identity, reason: explain(reason) };
    switch (verdict) {
      case "restart":
        metrics.restarts.add();
        logger.warn("A child ended and is started again", fields);
        child.phase = "starting";
        return void this.#tryToRun(child);
      case "give-up":
        metrics.failures.add();
        logger.error(
          `A child was given up: more than ${limit.max} restarts within ${limit.withinMs} ms`,
          fields,
        );
        this.#remove(child);
        return this.#events.finished(child, "gave-up", reason);
      case "end":
        logger.info("A child ended", fields);
        this.#remove(child);
        return this.#events.finished(child, "ended", reason);
      default:
        return verdict satisfies never;
    }
  }

  #exit(pid: Pid, reason: ExitReason, child: Mutable, graceMs?: number): void {
    const { kernel, clock, limits } = this.#wiring;
    kernel.exit(pid, reason);
    const waitMs = graceMs ?? limits.stopGraceMs;
    const timer = clock.setTimer(waitMs, () => kernel.exit(pid, { type: "killed" }));
    void child.ended.then(() => timer.cancel());
  }
}

/** A supervisor that ends has given up; what is in a tree is judged by its supervisor, wherever that one runs. */
function judgeOf({ spec }: Child): "this-node" | "left-to-tree" | "gave-up" {
  if (spec?.rules?.tree !== undefined) return "left-to-tree";
  return spec?.definition === TREE ? "gave-up" : "this-node";
}

function told(child: Child): Error {
  return coreErrors.ERR_NO_PROCESS(
    `"${child.identity}" was told to end while it was being started`,
    { process: child.identity },
  );
}

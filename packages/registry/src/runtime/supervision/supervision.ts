/**
 * Supervision: keeps what runs on this node in step with the specs of the cluster.
 *
 * Whenever a spec, the members, the definitions or a local child change, the children concerned are
 * marked, and at the end of the turn `decide` says what to do about each. A slow sweep marks all of
 * them again, so that a decision that could not be carried out is not forgotten.
 *
 * Invariants: nothing is decided about a child whose start or end is under way (its end marks it
 * again); a draining node starts nothing; a spec is written before the child it names is taken over.
 * Limits: `startsAtOnceMax` starts at once, the others wait their turn; `looksAtOnceMax` children
 * looked at in one turn; `sweepIntervalMs`.
 */
import type { ExitReason, NodeId, Pid, Timer } from "@foundation/core";
import type { Place } from "../../protocol/candidates.js";
import {
  compareVersions,
  droppedSpec,
  failedSpec,
  sameOwner,
  stoppedSpec,
  takeoverSpec,
  type ChildSpec,
  type Owner,
} from "../../protocol/child-spec.js";
import { isStrong } from "../../protocol/strong.js";
import { decide, type Decision } from "../../protocol/takeover.js";
import { endedSpec, endOf, isOver } from "../../protocol/tree.js";
import { Children, type Child, type ChildOutcome, type ChildStart } from "./children.js";
import type { DefinitionBoard } from "../names/definition-board.js";
import type { NameStore } from "../names/name-store.js";
import type { PartitionGuard } from "../partition/partition-guard.js";
import type { StrongNames } from "../strong/strong-names.js";
import { StrongTakeovers } from "../strong/strong-takeovers.js";
import type { Snapshots } from "../snapshots/snapshots.js";
import type { SpecStore } from "./spec-store.js";
import type { Patience } from "../patience.js";
import type { Placing } from "../placement/placing.js";
import { explain, isMember, show, type Wiring } from "../wiring.js";

/** What supervision works with. */
export interface SupervisionParts {
  readonly specs: SpecStore;
  readonly names: NameStore;
  readonly board: DefinitionBoard;
  readonly placing: Placing;
  readonly guard: PartitionGuard;
  readonly strong: StrongNames;
  readonly snapshots: Snapshots;
  /** Decides takeovers: every node alike. */
  readonly place: Place;
  /** Decides first starts. */
  readonly placeFirst: Place;
}

/** What supervision knows of moves. */
export interface Moves {
  /** Moves a child of this node, with its state and its mailbox. @throws {ERR_NOT_MOVED} and others */
  move(identity: string, to: NodeId, patience: Patience): Promise<unknown>;
  /** The owner of what this node has a copy of is gone, and this node is to take it over. */
  inherit(identity: string): void;
  /** True while this node names a process that has moved away: that is no conflict. */
  isLingering(name: string, serial: number): boolean;
  /** Resolves when no copy waits here for its commit, and every call sent after a moved process is answered. */
  settled(): Promise<void>;
}

/** What supervision knows of conflicts. */
export interface LastOffers {
  /** True when somebody wants what the child knows. */
  concerns(child: Child): boolean;
  /** Takes the state of a child that is to end and offers it. Never throws. */
  offer(child: Child): Promise<void>;
}

/** Keeps the children of this node in step with the specs. */
export class Supervision {
  readonly children: Children;
  /** What moves children to other nodes, and takes those that come; set when the registry is composed. */
  moves: Moves | undefined;
  /** Told of each child that runs here, for the first time or again; set when the registry is composed. */
  onRunning: ((identity: string) => void) | undefined;
  /** What is done for a child that has lost its name before it ends; set when the registry is composed. */
  conflicts: LastOffers | undefined;
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #marked = new Set<string>();
  /** Children whose state is being offered before they end. */
  readonly #losing = new Set<string>();
  #allMarked = false;
  /** Starts that wait because `startsAtOnceMax` are under way. */
  readonly #waiting = new Set<string>();
  readonly #stops: (() => void)[];
  readonly #isMember = (owner: Owner) => isMember(owner, this.#wiring.membership);
  readonly #holding = (identity: string) => this.#parts.strong.holding(identity);
  readonly #claims: StrongTakeovers;
  #underWay = 0;
  #scheduled = false;
  #sweep: Timer | undefined;
  #draining = false;
  #closed = false;

  constructor(wiring: Wiring, parts: SupervisionParts) {
    this.#wiring = wiring;
    this.#parts = parts;
    const mayRun = (spec: ChildSpec) => this.#mayRun(spec);
    this.#claims = new StrongTakeovers(wiring, parts.strong, parts.specs, mayRun);
    this.children = new Children(
      wiring,
      {
        running: (child, pid) => this.#running(child, pid),
        gone: (child, pid, reason) => {
          // The name of a moved child stays here until everybody knows where it is: moves see to that.
          if (reason.type !== "migrated") parts.names.withdraw(child.identity, pid.serial);
        },
        finished: (child, outcome, reason) => this.#finished(child, outcome, reason),
      },
      parts.snapshots,
    );
    this.#stops = [
      parts.specs.subscribe((identity) => this.#specChanged(identity)),
      wiring.membership.subscribe(() => this.markAll()),
    ];
    this.#armSweep();
    this.markAll();
  }

  /** True when this node takes no new children. */
  get draining(): boolean {
    return this.#draining || this.#wiring.membership.self.status === "draining";
  }

  /** Looks at one child at the end of the turn. */
  mark(identity: string): void {
    this.#marked.add(identity);
    this.#schedule();
  }

  /** Looks at every child at the end of the turn. */
  markAll(): void {
    this.#parts.placing.forget();
    this.#allMarked = true;
    this.#schedule();
  }

  /** From now on this node starts and takes over nothing. */
  beginDrain(): void {
    this.#draining = true;
  }

  /**
   * Moves a child of this node to another one. After an error it goes on here.
   * @throws {ERR_OUTCOME_UNKNOWN} it was moved, and the other node did not say that it runs. @throws {ERR_NOT_MOVED}
   * @throws {ERR_NOT_ENCODABLE} @throws {ERR_STATE_VERSION} @throws {ERR_INIT_FAILED} @throws {ERR_ABORTED}
   */
  async moveChild(identity: string, to: NodeId, patience: Patience): Promise<void> {
    await this.moves?.move(identity, to, patience);
  }

  /** Takes the child over from whoever owned it, and resolves when its first start has ended. */
  async takeOver(spec: ChildSpec): Promise<ChildSpec> {
    if (isStrong(spec)) {
      await this.#claim(spec, 0);
      return this.#parts.specs.get(spec.identity) ?? spec;
    }
    this.#parts.placing.refuseHere(spec);
    const taken = takeoverSpec(spec, this.#wiring.self);
    await this.children.end(taken.identity, { type: "name-conflict" });
    const known = this.#parts.specs.get(taken.identity);
    if (known !== undefined && compareVersions(known, taken) >= 0) return known;
    this.#parts.specs.put(taken);
    this.#noteTakeover(taken);
    await this.#run(taken);
    return taken;
  }

  /** The name of a strong child was lost: what runs under it here ends, and is looked at again. */
  loseLease(identity: string): void {
    void this.children.end(identity, { type: "lease-lost" });
  }

  /** Ends a child whose name another process has, after what it knows was offered to whoever wants it. */
  async loseName(identity: string): Promise<void> {
    const child = this.children.get(identity);
    if (this.#losing.has(identity)) return;
    if (child?.phase === "running" && this.conflicts?.concerns(child)) {
      this.#losing.add(identity);
      await this.conflicts.offer(child);
      this.#losing.delete(identity);
      if (this.children.get(identity) !== child) return;
    }
    await this.children.end(identity, { type: "name-conflict" });
  }

  /** Ends every child, and leaves their specs as they are: other nodes take them over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep?.cancel();
    for (const stop of this.#stops) stop();
    const all = this.children.all();
    await Promise.all(all.map(({ identity }) => this.children.end(identity, { type: "shutdown" })));
  }

  #specChanged(identity: string): void {
    const spec = this.#parts.specs.get(identity);
    if (spec !== undefined) this.#parts.names.contradict(spec);
    this.mark(identity);
    for (const orphan of this.#parts.placing.affected()) this.mark(orphan);
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#wiring.clock.endOfTurn(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#allMarked) {
      this.#allMarked = false;
      for (const identity of this.#parts.specs.identities()) this.#marked.add(identity);
      for (const { identity } of this.children.all()) this.#marked.add(identity);
    }
    // A hundred thousand children at one go would keep the node from everything else meanwhile.
    let room = this.#wiring.limits.looksAtOnceMax;
    for (const identity of this.#marked) {
      if (room-- === 0) return this.#schedule();
      this.#marked.delete(identity);
      this.#lookSafely(identity);
    }
  }

  /** What cannot be carried out (a full store) is tried again by the sweep, and hurts no other. */
  #lookSafely(identity: string): void {
    try {
      this.#look(identity);
    } catch (error) {
      this.#wiring.logger.error("A child could not be looked after", { identity, error });
    }
  }

  #look(identity: string): void {
    if (this.#closed) return;
    const child = this.children.get(identity);
    if (child?.phase === "tentative" || child?.phase === "ending") return;
    if (this.#losing.has(identity)) return;
    // The new owner's spec may be heard before the store's answer: who ended it now would refuse the mailbox that follows.
    if (this.#parts.strong.isMoving(identity)) return;
    if (this.#treeDecides(identity, child)) return;
    const { specs, board, place, guard, strong } = this.#parts;
    const { self, membership } = this.#wiring;
    const spec = specs.get(identity);
    if (spec?.state === "stopped") strong.forget(identity);
    const local = child?.phase === "passive" ? undefined : child?.spec;
    const decision = decide(spec, local, {
      self,
      members: membership.members(),
      isMember: this.#isMember,
      defines: board.defines,
      place,
      partition: guard.view,
      holding: this.#holding,
    });
    if (decision === undefined) return;
    if (child?.phase !== "passive") return this.#carryOut(identity, decision, child);
    // What a copy waits for is its move's business, except that its owner has gone without a word.
    if (decision.type === "take-over" && !this.draining) this.moves?.inherit(identity);
  }

  #carryOut(identity: string, decision: Decision, child: Child | undefined): void {
    switch (decision.type) {
      case "write":
        return this.#parts.specs.put(decision.spec);
      case "end":
        return this.#end(identity, decision.reason);
      case "start":
      case "take-over":
      case "claim":
        if (this.draining) return;
        // A child of this node only holds the identity: the supervised one outranks it.
        if (child !== undefined) return this.#end(identity, "name-conflict");
        if (this.#underWay >= this.#wiring.limits.startsAtOnceMax) {
          this.#waiting.add(identity);
          return;
        }
        if (decision.type === "claim") return void this.#claim(decision.spec, decision.rank);
        if (decision.type === "take-over") {
          this.#parts.specs.put(decision.spec);
          this.#noteTakeover(decision.spec);
        }
        return void this.#run(decision.spec);
      default:
        return decision satisfies never;
    }
  }

  #end(identity: string, reason: "name-conflict" | "shutdown"): void {
    if (reason === "name-conflict") {
      this.#wiring.metrics.conflicts.add();
      this.#wiring.logger.warn("An instance ends: another one holds its identity", { identity });
    }
    if (reason === "name-conflict") void this.loseName(identity);
    else void this.children.end(identity, { type: reason });
  }

  /** The name of a strong child is free: whoever is given it runs the child. */
  async #claim(spec: ChildSpec, rank: number): Promise<void> {
    this.#underWay += 1;
    const taken = await this.#claims.take(spec, rank);
    this.#underWay -= 1;
    if (taken === undefined) return this.#wakeWaiting();
    this.#noteTakeover(taken);
    await this.#run(taken);
  }

  #mayRun(spec: ChildSpec): boolean {
    const { identity, definition } = spec;
    if (this.#closed || this.draining || this.children.get(identity) !== undefined) return false;
    if (!this.#parts.placing.mayRunHere(spec)) return false;
    return this.#wiring.definitions.get(definition) !== undefined;
  }

  async #run(spec: ChildSpec): Promise<void> {
    const definition = this.#wiring.definitions.get(spec.definition);
    if (definition === undefined || this.children.get(spec.identity) !== undefined) return;
    this.#underWay += 1;
    const lease = isStrong(spec) ? this.#parts.strong.lease(spec.identity) : undefined;
    await this.children.run({ ...startOf(spec, definition), lease });
    this.#underWay -= 1;
    this.#wakeWaiting();
  }

  #wakeWaiting(): void {
    // As many as may run at once, not one: some of them may have nothing to start any more.
    let room = this.#wiring.limits.startsAtOnceMax;
    for (const identity of this.#waiting) {
      if (room-- === 0) break;
      this.#waiting.delete(identity);
      this.mark(identity);
    }
  }

  #running(child: Child, pid: Pid): void {
    this.onRunning?.(child.identity);
    if (!child.published) return;
    this.#parts.names.claim(child.identity, {
      serial: pid.serial,
      definition: child.definition.name,
      incarnation: child.spec?.incarnation ?? 0,
      generation: child.spec?.generation ?? 0,
      meta: child.meta,
    });
  }

  /** A child of a tree that is over is dropped; one that its tree alone may start again is left to it. */
  #treeDecides(identity: string, child: Child | undefined): boolean {
    const { specs } = this.#parts;
    const spec = specs.get(identity);
    const place = spec?.rules?.tree;
    if (spec === undefined || place === undefined || spec.state === "stopped") return false;
    const tree = specs.get(place.supervisor);
    if (tree !== undefined && isOver(tree, place)) {
      if (!mayGoOn(tree)) specs.put(droppedSpec(spec));
      else if (spec.state === "running" && child !== undefined) {
        specs.put(endedSpec(spec, "held", "its supervisor gave up"));
      }
      return child === undefined || spec.state === "running";
    }
    return place.managed && child === undefined && !sameOwner(spec.owner, this.#wiring.self);
  }

  #finished(child: Child, outcome: ChildOutcome, reason: ExitReason): void {
    if (child.lease !== undefined) void this.#parts.strong.release(child.identity);
    const isOver = reason.type === "lease-lost" && child.restart === "temporary";
    if (child.spec !== undefined && isOver) this.#parts.specs.put(stoppedSpec(child.spec));
    else if (child.spec !== undefined && outcome !== "told" && this.#isCurrent(child.spec)) {
      const { specs } = this.#parts;
      if (outcome === "left-to-tree") {
        specs.put(endedSpec(child.spec, endOf(reason), explain(reason)));
      } else if (outcome === "ended") specs.put(stoppedSpec(child.spec));
      else specs.put(failedSpec(child.spec, explain(reason)));
    }
    this.mark(child.identity);
  }

  #isCurrent(spec: ChildSpec): boolean {
    const known = this.#parts.specs.get(spec.identity);
    return known === undefined || compareVersions(known, spec) <= 0;
  }

  #noteTakeover({ identity, owner, generation }: ChildSpec): void {
    if (!sameOwner(owner, this.#wiring.self)) return;
    this.#wiring.metrics.takeovers.add();
    this.#wiring.logger.info(`Taking over ${show(identity)}`, { identity, generation });
  }

  #armSweep(): void {
    const { clock, limits } = this.#wiring;
    this.#sweep = clock.setTimer(limits.sweepIntervalMs, () => {
      this.markAll();
      this.#armSweep();
    });
  }
}

/**
 * True for a tree that gave up by itself: behind a cut another node may go on with it, and with its children, so that they
 * are not stopped for good.
 */
function mayGoOn({ state, rules }: ChildSpec): boolean {
  return state === "failed" && rules?.tree === undefined;
}

/** How a child of the distributed supervisor is started from its spec. */
export function startOf(spec: ChildSpec, definition: ChildStart["definition"]): ChildStart {
  const { identity, args, restart, meta } = spec;
  return { identity, definition, args, restart, meta, spec, published: true };
}

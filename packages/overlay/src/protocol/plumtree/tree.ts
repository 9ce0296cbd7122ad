/**
 * Tree: which neighbours get payloads (eager) and which get announcements (lazy).
 *
 * One tree serves all origins. The relation is symmetric but for the moments in which a PRUNE and a
 * GRAFT cross; a payload over a link that one side holds lazy ends them: it is new, then the link is
 * eager for both, or it is not, then it is pruned once more.
 *
 * Invariant: who stops being lazy is told first what waits to be announced, so that no message falls
 * between the two.
 */
import type { NodeId } from "@foundation/core";
import type { Announcements } from "./announcements.js";
import type { Outbox } from "./effects.js";
import type { PlumtreeLimits, PlumtreeTimes } from "./limits.js";
import type { Run } from "./messages.js";
import { Neighbor } from "./neighbor.js";
import type { Entry } from "./source.js";

const NO_RUNS: readonly Run[] = [];

export class Tree<P> {
  /** In the order their links came up. */
  readonly neighbors: Neighbor[] = [];
  readonly #byId = new Map<NodeId, Neighbor>();
  readonly #out: Outbox<P>;
  readonly #announcements: Announcements<P>;
  readonly #limits: PlumtreeLimits;
  readonly #times: PlumtreeTimes;
  #optimizedAt = Number.NEGATIVE_INFINITY;
  /** When a message that was new last came along the tree. */
  #fedAt = Number.NEGATIVE_INFINITY;
  #isSeeking = true;
  /** Who seeks and has said so before it is a neighbour here: its end of the link was there first. */
  readonly #seekers = new Set<NodeId>();

  constructor(
    out: Outbox<P>,
    announcements: Announcements<P>,
    limits: PlumtreeLimits,
    times: PlumtreeTimes,
  ) {
    this.#out = out;
    this.#announcements = announcements;
    this.#limits = limits;
    this.#times = times;
  }

  get(id: NodeId): Neighbor | undefined {
    return this.#byId.get(id);
  }

  /**
   * Nothing says that messages still come along the tree: none has come since the node began, or since
   * it lost a neighbour that they came from. A new link may be all that connects it.
   */
  get isSeeking(): boolean {
    return this.#isSeeking;
  }

  /** A new neighbour, eager when it or this node seeks; false if it is one already. */
  add(id: NodeId): boolean {
    if (this.#byId.has(id)) return false;
    const isSought = this.#seekers.delete(id);
    const neighbor = new Neighbor(id, this.#isSeeking || isSought);
    this.#byId.set(id, neighbor);
    this.neighbors.push(neighbor);
    return true;
  }

  remove(id: NodeId, now: number): boolean {
    this.#seekers.delete(id);
    const neighbor = this.#byId.get(id);
    if (neighbor === undefined) return false;
    this.#byId.delete(id);
    this.neighbors.splice(this.neighbors.indexOf(neighbor), 1);
    if (this.#feeds(neighbor)) this.#replace(neighbor, now);
    return true;
  }

  /** The neighbour sent a message along the tree that is new. */
  fed(neighbor: Neighbor, { source, hop }: Entry<P>, now: number): void {
    this.promote(neighbor, now);
    neighbor.hasPath(source, hop);
    neighbor.fedAt = now;
    this.#fedAt = now;
    this.#isSeeking = false;
  }

  /** Who is or will be a neighbour, over a link that is new to it, seeks: it gets payloads from now on. */
  sought(id: NodeId): void {
    const neighbor = this.#byId.get(id);
    if (neighbor === undefined) {
      if (this.#seekers.size < this.#limits.seekersMax) this.#seekers.add(id);
    } else if (!neighbor.eager) {
      this.#announcements.flushTo(id);
      neighbor.eager = true;
    }
  }

  /** The neighbour gets payloads from now on. */
  promote(neighbor: Neighbor, now: number): void {
    if (neighbor.eager) return;
    this.#announcements.flushTo(neighbor.id);
    neighbor.eager = true;
    neighbor.graftedAt = now;
  }

  /** The neighbour gets announcements from now on. */
  demote(neighbor: Neighbor, now: number): void {
    if (!neighbor.eager) return;
    neighbor.eager = false;
    neighbor.fedAt = Number.NEGATIVE_INFINITY;
    const { pruneBackoffMs } = this.#times;
    if (now - neighbor.graftedAt < pruneBackoffMs) neighbor.backoffUntil = now + pruneBackoffMs;
  }

  /** Demotes a neighbour and tells it to do the same. */
  prune(neighbor: Neighbor, now: number): void {
    this.demote(neighbor, now);
    neighbor.prunedAt = now;
    this.#out.send(neighbor.id, { type: "prune" });
    this.#out.count("prune");
  }

  /** The neighbour sent a payload that was here already, on another path. */
  redundant(id: NodeId, now: number): void {
    const neighbor = this.#byId.get(id);
    if (neighbor === undefined) {
      // It holds a link that is none here yet, or no longer.
      this.#out.send(id, { type: "prune" });
      this.#out.count("prune");
    } else if (neighbor.eager || now - neighbor.prunedAt >= this.#times.pruneRepeatMs) {
      this.prune(neighbor, now);
    }
  }

  /** Asks a neighbour for messages, and unless it is to be pulled from only, for all later ones. */
  graft(id: NodeId, runs: readonly Run[], pullOnly: boolean, now: number): void {
    const neighbor = this.#byId.get(id);
    const eager = !pullOnly && neighbor !== undefined && neighbor.backoffUntil <= now;
    if (eager) {
      this.promote(neighbor, now);
      neighbor.fedAt = this.#fedAt;
    }
    this.#out.send(id, { type: "graft", eager, runs });
    this.#out.count("graft");
  }

  /**
   * `better` has a path to the origin of `entry` that takes `hop` links: takes it in place of the
   * eager one if it is shorter by enough. Once in a while only, so that links do not take turns.
   */
  optimize(entry: Entry<P>, better: NodeId, hop: number, now: number): void {
    if (entry.hop - hop < this.#limits.optimizationHopsMin || entry.beside) return;
    const parent = this.#byId.get(entry.from);
    const neighbor = this.#byId.get(better);
    if (parent === undefined || !parent.eager || neighbor === undefined || neighbor === parent) {
      return;
    }
    if (neighbor.eager || neighbor.backoffUntil > now) return;
    if (now - this.#optimizedAt < this.#times.pruneBackoffMs) return;
    this.#optimizedAt = now;
    this.graft(better, NO_RUNS, false, now);
    this.prune(parent, now);
    this.#out.count("optimization");
  }
  /** Messages come from it, or did as lately as from any other. */
  #feeds({ fedAt }: Neighbor): boolean {
    return fedAt !== Number.NEGATIVE_INFINITY && fedAt + this.#times.cacheMs >= this.#fedAt;
  }

  /** One that messages came from is lost: takes another way before the next one is missed. */
  #replace({ pathTo, pathHops }: Neighbor, now: number): void {
    let best: Neighbor | undefined;
    // Whose way is one link longer has messages from a node as near as this one: not from this one.
    let hopsMax = pathHops + 1;
    for (const neighbor of this.neighbors) {
      if (neighbor.eager || neighbor.backoffUntil > now) continue;
      if (neighbor.pathTo === undefined || neighbor.pathTo !== pathTo) continue;
      if (neighbor.pathHops > hopsMax) continue;
      best = neighbor;
      hopsMax = neighbor.pathHops - 1;
    }
    if (best === undefined) this.#isSeeking = true;
    else this.graft(best.id, NO_RUNS, false, now);
  }
}

/**
 * Edges: how two nodes become neighbours and cease to be.
 *
 * A node asks (`join`, `neighbor`), over a link that it may first have to dial, and has the other
 * one in its view when that accepts; the other one has it in its view when it sends that. Two that
 * ask each other at the same time take the other's request for the answer. Nobody is in the view
 * who has not answered, so a node that cannot be reached is never in it.
 *
 * Invariants: each request ends exactly once, by an answer, a failure or its time; an edge that one
 * side has given up is given up by the other when it hears so, unless the two have agreed anew
 * meanwhile, which the numbers tell.
 */
import type { NodeId } from "@foundation/core";
import { Bonds } from "./bonds.js";
import type { IdleLinks } from "./idle-links.js";
import type { MessageOf, NeighborReason } from "./messages.js";
import type { Nearness } from "./nearness.js";
import type { Request } from "./requests.js";
import type { HyParViewState } from "./state.js";

export class Edges {
  readonly #state: HyParViewState;
  readonly #nearness: Nearness;
  readonly #idle: IdleLinks;
  readonly #bonds: Bonds;

  constructor(state: HyParViewState, nearness: Nearness, idle: IdleLinks) {
    this.#state = state;
    this.#nearness = nearness;
    this.#idle = idle;
    this.#bonds = new Bonds(state, nearness, idle);
  }

  /**
   * Asks a node to be a neighbour. False when it may not be asked or too much is open.
   *
   * @param evicts a neighbour makes room if the view is full when it accepts
   */
  ask(id: NodeId, why: Request["why"], evicts: boolean): boolean {
    const { requests, limits, times, out, linked, now } = this.#state;
    if (!this.#state.mayAsk(id) || requests.size >= limits.requestsMax) return false;
    const dueMs = now + times.dialMs;
    const request: Request = { id, why, evicts, asked: false, nr: 0, dueMs };
    requests.add(request);
    out.count("request");
    if (linked.has(id)) {
      this.#sendRequest(request);
      return true;
    }
    out.connect(id);
    out.setTimerBy("request", times.dialMs, now);
    return true;
  }

  onLinkUp(id: NodeId): void {
    const { linked, absent, passive, requests, now } = this.#state;
    linked.add(id);
    absent.back(id, now);
    passive.forgive(id);
    const request = requests.find(id);
    if (request && !request.asked) this.#sendRequest(request);
  }

  onLinkDown(id: NodeId): void {
    const { linked, absent, requests, times, now } = this.#state;
    if (!linked.delete(id)) return;
    const wasNeighbor = this.#bonds.remove(id) !== undefined;
    const request = requests.remove(id);
    if (!wasNeighbor && !request) return;
    // It stays known: perhaps only the link broke. But nobody is told of it.
    this.#state.learn(id);
    this.#state.strike(id);
    if (wasNeighbor) absent.lost(id, now + times.lostMs, now);
    this.#state.vacancy = "now";
  }

  onDialFailed(id: NodeId): void {
    const { requests, linked, out } = this.#state;
    const request = requests.find(id);
    if (!request || request.asked || linked.has(id)) return;
    requests.remove(id);
    out.count("dial-failed");
    this.#state.strike(id);
    this.#state.vacancy = "now";
  }

  /** The time of at least one request is over. */
  onRequestTimer(): void {
    const { requests, out, now } = this.#state;
    for (let late = requests.takeDue(now); late; late = requests.takeDue(now)) {
      out.count("request-late");
      this.#state.strike(late.id);
      this.#state.vacancy = "now";
      if (late.asked) this.#idle.add(late.id);
      else out.release(late.id);
    }
    const { nextDueMs } = requests;
    if (nextDueMs !== undefined) out.setTimer("request", nextDueMs - now, now);
  }

  onNeighbor(from: NodeId, nr: number, why: NeighborReason | "join"): void {
    const { active, requests, absent, now } = this.#state;
    if (absent.isGone(from)) {
      this.refuse(from, nr);
      return;
    }
    absent.back(from, now);
    const known = active.find(from);
    if (known) {
      known.seen = nr;
      this.#bonds.accept(from, nr, undefined);
      return;
    }
    const crossed = requests.find(from);
    const victim = this.#state.isFull
      ? this.#bonds.victimOf(from, why, crossed?.evicts ?? false)
      : undefined;
    if (this.#state.isFull && victim === undefined) {
      this.refuse(from, nr);
      return;
    }
    requests.remove(from);
    // Who asks for need has more free places: whoever loses one for it may have the next.
    const hasRoom = why === "high" || why === "join";
    if (victim !== undefined) this.#bonds.evict(victim, hasRoom ? from : undefined);
    this.#bonds.add(from, nr, why === "near" && this.#nearness.hasPlace);
    this.#bonds.accept(from, nr, hasRoom ? undefined : victim);
  }

  /** Says no to a request, and who else there is. */
  refuse(from: NodeId, nr: number): void {
    const alternatives = this.#state.offer(from);
    this.#state.out.send(from, { type: "refuse", to: nr, alternatives });
    this.#state.learn(from);
    this.#idle.add(from);
  }

  onAccept(from: NodeId, { nr, to, evicted }: MessageOf<"accept">): void {
    const { active, requests, absent, out, now } = this.#state;
    const known = active.find(from);
    if (known) {
      known.seen = Math.max(known.seen, nr);
      return;
    }
    const request = requests.find(from);
    // The present request will have its own answer.
    if (request && request.nr !== to) return;
    requests.remove(from);
    if (absent.has(from, now)) {
      this.#bonds.disconnect(from, nr, undefined);
      return;
    }
    if (this.#state.isFull) {
      if (!request?.evicts) {
        this.#bonds.disconnect(from, nr, undefined);
        this.#state.learnResting(from);
        return;
      }
      const victim = request.why === "near" ? this.#nearness.victimOf(from) : undefined;
      // A node on its join walk has more free places; a rotation's partner names who has one.
      const next = request.why === "low" ? from : evicted;
      this.#bonds.evict(victim ?? this.#bonds.draw(), next);
    }
    out.count("request-accepted");
    const neighbor = this.#bonds.add(from, nr, request?.why === "near" && this.#nearness.hasPlace);
    neighbor.sent = to;
    // The walks of a join bring further neighbours: that they come is waited for.
    this.#state.vacancy = request?.why === "join" ? "later" : "now";
    if (request?.why === "join") this.#state.isJoined = true;
  }

  onRefuse(from: NodeId, { to, alternatives }: MessageOf<"refuse">): void {
    const { requests, out } = this.#state;
    const request = requests.find(from);
    if (!request || request.nr !== to) return;
    requests.remove(from);
    out.count("request-refused");
    this.#state.learnResting(from);
    for (const id of alternatives) this.#state.learn(id);
    this.#idle.add(from);
    // A contact that refuses a join has sent it on walks all the same.
    this.#state.vacancy = request.why === "join" ? "later" : "now";
    if (request.why === "join") this.#state.isJoined = true;
  }

  onDisconnect(from: NodeId, message: MessageOf<"disconnect">): void {
    const { active, passive, requests, absent, out, times, now } = this.#state;
    const neighbor = active.find(from);
    if (!message.alive) {
      passive.remove(from);
      absent.lost(from, now + times.leftMs, now);
      if (requests.remove(from)) this.#state.vacancy = "now";
    }
    if (!neighbor) return;
    if (message.alive && message.seen < neighbor.sent) {
      out.count("disconnect-stale");
      return;
    }
    this.#bonds.remove(from);
    this.#idle.add(from);
    if (message.alive) this.#state.learnResting(from);
    for (const id of message.alternatives) this.#state.learn(id);
    const { isNeedy } = this.#state;
    const { next } = message;
    const isTaken = next !== undefined && this.ask(next, isNeedy ? "high" : "low", false);
    if (isNeedy) this.#state.vacancy = "now";
    else if (!isTaken && this.#state.vacancy === "none") this.#state.vacancy = "later";
  }

  /** Tells each neighbour that it is one, so that an edge of one side only is found. */
  keep(): void {
    const { active, out } = this.#state;
    for (const { id, sent } of active.neighbors) out.send(id, { type: "keep", nr: sent });
  }

  onKeep(from: NodeId, nr: number): void {
    const { active, requests, absent, out, now } = this.#state;
    if (active.has(from) || requests.find(from)?.asked) return;
    out.count("one-sided");
    if (this.#state.isFull || absent.has(from, now)) {
      this.#bonds.disconnect(from, nr, undefined);
      this.#state.learnResting(from);
      return;
    }
    requests.remove(from);
    this.#bonds.add(from, nr, false);
    this.#bonds.accept(from, nr, undefined);
  }

  /** Somebody who watches the members says that it died or left. */
  onGone(id: NodeId): void {
    const { absent, passive, active, requests, linked, out } = this.#state;
    absent.gone(id);
    passive.remove(id);
    const request = requests.remove(id);
    if (request && !linked.has(id)) out.release(id);
    const neighbor = active.find(id);
    if (neighbor) {
      // Perhaps it lives after all: then it must not believe in the edge.
      this.#bonds.remove(id);
      this.#bonds.disconnect(id, neighbor.seen, undefined);
    } else if (request) this.#idle.add(id);
    if (neighbor ?? request) this.#state.vacancy = "now";
  }

  /** Takes leave: the neighbours, who all lose one, are told of each other in pairs. */
  leave(): void {
    const { active, requests, out } = this.#state;
    const { ids } = active;
    for (const [at, id] of ids.entries()) {
      const { seen } = active.find(id) ?? { seen: 0 };
      const next = ids[at % 2 === 0 ? at + 1 : at - 1];
      out.send(id, { ...this.#bonds.farewell(id, seen, next), alive: false });
    }
    for (const id of ids) {
      this.#bonds.remove(id);
      out.release(id);
    }
    this.#idle.releaseAll();
    for (;;) {
      const request = requests.takeDue(Number.POSITIVE_INFINITY);
      if (!request) break;
      out.release(request.id);
    }
  }

  #sendRequest(request: Request): void {
    const { out, times, now } = this.#state;
    request.asked = true;
    request.nr = this.#bonds.nextNr();
    request.dueMs = now + times.answerMs;
    const { id, nr, why } = request;
    out.send(id, why === "join" ? { type: "join", nr } : { type: "neighbor", nr, why });
    out.setTimerBy("request", times.answerMs, now);
  }
}

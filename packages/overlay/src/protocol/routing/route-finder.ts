/**
 * RouteFinder: finds a way to a node by asking for lists of neighbours, where they do not come with
 * membership.
 *
 * Linked nodes may tell each other their lists when a link comes up and when they change; so a node
 * knows everybody at two links' distance. For a target further away, or where nobody tells, it asks a bounded number of
 * nodes, a few at a time: first the target's keepers, who are told its list too and whom everybody
 * can compute; then whoever claims to be near the target; then those near itself. An answer is the
 * list of who answers, and what it knows about the target. Nothing is ever asked on by who was
 * asked: no flood can start here.
 *
 * Invariants: each node is asked once in a search; a search ends with `found` or `not-found`, once;
 * what is asked, told and remembered is bounded by limits.ts.
 */
import type { NodeId } from "@foundation/core";
import { Askers } from "./askers.js";
import type { RoutingCounter, RoutingEffect, RoutingInput } from "./effects.js";
import { routingLimits, routingTimes, type RoutingLimits, type RoutingTimes } from "./limits.js";
import type { RoutingMessage } from "./messages.js";
import type { NeighborMap } from "./neighbor-map.js";
import { listsAbout } from "./reply-lists.js";

export interface RouteFinderOptions {
  readonly map: NeighborMap;
  /**
   * Nodes that are told a node's list, and asked for it: the same on every node, such as the first
   * of a rendezvous order over the members. @default none
   */
  readonly keepersOf?: (id: NodeId) => readonly NodeId[];
  /**
   * Tells nodes at the other ends of links, and keepers, the own list when it changes. False: nobody is told who has not
   * asked, so nothing is sent before a route is wanted, and what was heard a while ago counts no more.
   * @default true
   */
  readonly tells?: boolean;
  readonly limits?: Partial<RoutingLimits>;
  readonly times?: Partial<RoutingTimes>;
}

interface Search {
  readonly target: NodeId;
  readonly seq: number;
  readonly asked: Set<NodeId>;
  /** Asked, and not answered yet. */
  readonly awaited: Set<NodeId>;
}

const TELL = "routing:tell";
const SEARCH = "routing:search:";

export class RouteFinder {
  readonly #map: NeighborMap;
  readonly #keepersOf: (id: NodeId) => readonly NodeId[];
  readonly #tells: boolean;
  readonly #limits: RoutingLimits;
  readonly #times: RoutingTimes;
  readonly #links = new Set<NodeId>();
  readonly #searches = new Map<NodeId, Search>();
  readonly #askers: Askers;
  #effects: RoutingEffect[] = [];
  #isOnDemand = false;
  #isTelling = false;
  #lastSeq = 0;

  constructor({ map, keepersOf = () => [], tells = true, limits, times }: RouteFinderOptions) {
    this.#map = map;
    this.#keepersOf = keepersOf;
    this.#tells = tells;
    this.#limits = { ...routingLimits, ...limits };
    this.#times = { ...routingTimes, ...times };
    this.#askers = new Askers(this.#limits);
  }

  handle(input: RoutingInput, now: number): readonly RoutingEffect[] {
    if (!this.#tells) this.#map.forgetOlder(now - this.#times.freshMs);
    switch (input.type) {
      case "members":
        this.#onMembers(input.count);
        break;
      case "link-up":
        this.#onLinkUp(input.id);
        break;
      case "link-down":
      case "gone":
        this.#onLinkDown(input.id, input.type === "gone");
        break;
      case "message":
        this.#onMessage(input.from, input.message, now);
        break;
      case "want":
        this.#onWant(input.target);
        break;
      case "timer":
        this.#onTimer(input.timer);
        break;
      default:
        input satisfies never;
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #onMembers(count: number): void {
    const isOnDemand = count > this.#limits.piggybackMax;
    if (isOnDemand === this.#isOnDemand) return;
    this.#isOnDemand = isOnDemand;
    if (isOnDemand) this.#tellSoon();
  }

  #onLinkUp(id: NodeId): void {
    if (id === this.#map.self) return;
    this.#links.add(id);
    this.#map.linkUp(id);
    this.#tellSoon();
    this.#lookAgain();
  }

  #onLinkDown(id: NodeId, isGone: boolean): void {
    const isChange = this.#links.delete(id);
    this.#map.linkDown(id);
    if (isGone) {
      this.#map.forget(id);
      this.#askers.forget(id);
    }
    if (isChange) this.#tellSoon();
    for (const search of [...this.#searches.values()]) {
      if (search.awaited.delete(id)) this.#goOn(search);
    }
  }

  #onMessage(from: NodeId, message: RoutingMessage, now: number): void {
    if (message.type === "neighbors-request") return this.#onRequest(from, message, now);
    for (const list of message.lists) this.#map.learn(list, now);
    if (message.seq !== 0) {
      const search = [...this.#searches.values()].find(({ seq }) => seq === message.seq);
      if (search?.awaited.delete(from) === true) {
        this.#lookAgain();
        if (this.#searches.has(search.target)) this.#goOn(search);
        return;
      }
      this.#count("reply-unexpected");
    }
    this.#lookAgain();
  }

  #onRequest(
    from: NodeId,
    { seq, about }: Extract<RoutingMessage, { type: "neighbors-request" }>,
    now: number,
  ): void {
    if (!this.#askers.mayAsk(from, now)) return this.#count("request-dropped");
    const lists = listsAbout(this.#map, about, this.#limits);
    this.#send(from, { type: "neighbors-reply", seq, lists });
  }

  #onWant(target: NodeId): void {
    const route = this.#map.routeTo(target);
    if (route !== undefined) return this.#found(target, route);
    if (this.#searches.has(target)) return;
    if (target === this.#map.self) return this.#notFound(target);
    if (this.#searches.size >= this.#limits.searchesMax) {
      this.#count("search-refused");
      return this.#notFound(target);
    }
    this.#lastSeq += 1;
    const search: Search = {
      target,
      seq: this.#lastSeq,
      asked: new Set([this.#map.self, target]),
      awaited: new Set(),
    };
    this.#searches.set(target, search);
    this.#goOn(search);
  }

  #onTimer(timer: string): void {
    if (timer === TELL) {
      this.#isTelling = false;
      return this.#tell();
    }
    if (!timer.startsWith(SEARCH)) return;
    const search = this.#searches.get(timer.slice(SEARCH.length) as NodeId);
    if (search === undefined) return;
    search.awaited.clear();
    this.#goOn(search);
  }

  /** Asks further nodes, or gives up when nobody is left to ask or to wait for. */
  #goOn(search: Search): void {
    const { askedMax, askedAtOnceMax } = this.#limits;
    const { target, asked, awaited, seq } = search;
    const before = awaited.size;
    const near = this.#near(target);
    const about = [target, ...near].slice(0, this.#limits.aboutMax);
    for (const id of this.#candidates(target, near)) {
      // The target and this node are in it from the beginning, and were not asked.
      if (awaited.size >= askedAtOnceMax || asked.size >= askedMax + 2) break;
      if (asked.has(id)) continue;
      asked.add(id);
      awaited.add(id);
      this.#count("request-sent");
      this.#send(id, { type: "neighbors-request", seq, about });
    }
    if (awaited.size === 0) {
      this.#end(target);
      return this.#notFound(target);
    }
    if (awaited.size > before || before === 0)
      this.#setTimer(SEARCH + target, this.#times.answerMs);
  }

  /** Whom to ask about a node: the best first. */
  *#candidates(target: NodeId, near: readonly NodeId[]): Iterable<NodeId> {
    yield* this.#keepersOf(target);
    for (const id of near) yield* this.#keepersOf(id);
    yield* near;
    // From here outwards: who is further away knows of nodes that are further away.
    const seen = new Set<NodeId>(this.#links);
    for (const id of seen) {
      yield id;
      for (const neighbor of this.#map.listOf(id)?.neighbors ?? []) seen.add(neighbor);
    }
  }

  /** Nodes that are said to be linked to the target: by itself, or by themselves. */
  #near(target: NodeId): readonly NodeId[] {
    const near = new Set(this.#map.listOf(target)?.neighbors ?? []);
    for (const id of this.#map.claimedBy(target)) near.add(id);
    return [...near];
  }

  /** A list or a link is new: are there routes now? */
  #lookAgain(): void {
    for (const { target } of [...this.#searches.values()]) {
      const route = this.#map.routeTo(target);
      if (route === undefined) continue;
      this.#end(target);
      this.#found(target, route);
    }
  }

  #end(target: NodeId): void {
    if (this.#searches.delete(target))
      this.#effects.push({ type: "cancel-timer", timer: SEARCH + target });
  }

  #tellSoon(): void {
    if (!this.#tells || !this.#isOnDemand || this.#isTelling) return;
    this.#isTelling = true;
    this.#setTimer(TELL, this.#times.tellMs);
  }

  #tell(): void {
    if (!this.#isOnDemand) return;
    const { self, own } = this.#map;
    const listeners = new Set([...this.#links, ...this.#keepersOf(self)]);
    listeners.delete(self);
    for (const id of listeners) this.#send(id, { type: "neighbors-reply", seq: 0, lists: [own] });
  }

  #found(target: NodeId, route: readonly NodeId[]): void {
    this.#count("route-found");
    this.#effects.push({ type: "found", target, route });
  }

  #notFound(target: NodeId): void {
    this.#count("route-not-found");
    this.#effects.push({ type: "not-found", target });
  }

  #send(to: NodeId, message: RoutingMessage): void {
    this.#effects.push({ type: "send", to, message });
  }

  #setTimer(timer: string, delayMs: number): void {
    this.#effects.push({ type: "set-timer", timer, delayMs });
  }

  #count(counter: RoutingCounter): void {
    this.#effects.push({ type: "count", counter });
  }
}

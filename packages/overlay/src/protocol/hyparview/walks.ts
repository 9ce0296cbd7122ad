/**
 * Walks: what wanders over the active views: newcomers that look for neighbours, and shuffles.
 *
 * A contact takes the newcomer in and sends it on a walk over each of its neighbours; where a walk
 * ends, that node asks the newcomer to be its neighbour. When joins come in a storm, the contact
 * takes no more of them, since each would push out the one before: they only walk, fewer times, and
 * are told of others, whom they can ask themselves.
 *
 * A shuffle carries some ids to a node some hops away and the same number of that node's back, on
 * the way it came (see crumbs). Those go into the passive views, in place of what was sent away.
 */
import type { NodeId } from "@foundation/core";
import { Crumbs } from "./crumbs.js";
import type { Edges } from "./edges.js";
import type { MessageOf } from "./messages.js";
import type { HyParViewState } from "./state.js";

const nobody: readonly NodeId[] = [];

export class Walks {
  readonly #state: HyParViewState;
  readonly #edges: Edges;
  readonly #crumbs: Crumbs;
  #joins = 0;
  #joinsSinceMs = Number.NEGATIVE_INFINITY;
  /** What the own shuffle under way told, until its reply is there or late. */
  #told: readonly NodeId[] = nobody;
  #replyUntilMs = Number.NEGATIVE_INFINITY;

  constructor(state: HyParViewState, edges: Edges) {
    this.#state = state;
    this.#edges = edges;
    this.#crumbs = new Crumbs(state.limits.crumbsMax);
  }

  onJoin(from: NodeId, nr: number): void {
    const { active, limits, random, out } = this.#state;
    const message = { type: "forward-join", newcomer: from, ttl: limits.activeWalk } as const;
    const { isFull } = this.#state;
    const isStorm = this.#countJoin() > limits.stormJoins;
    const starts: NodeId[] = [];
    active.sample(random, isStorm || isFull ? limits.joinWalks : limits.activeMax, from, starts);
    if (isStorm && starts.length > 0 && !active.has(from)) {
      out.count("storm");
      this.#edges.refuse(from, nr);
    } else this.#edges.onNeighbor(from, nr, "join");
    for (const id of starts) if (active.has(id)) out.send(id, message);
  }

  onForwardJoin(from: NodeId, { newcomer, ttl }: MessageOf<"forward-join">): void {
    const { active, limits, random, out, self } = this.#state;
    if (newcomer === self) return;
    const next = ttl === 0 ? undefined : active.draw(random, from, newcomer);
    if (ttl === limits.passiveWalk) this.#state.learn(newcomer);
    if (next !== undefined) {
      out.send(next, { type: "forward-join", newcomer, ttl: ttl - 1 });
      return;
    }
    if (!this.#edges.ask(newcomer, "low", true)) this.#state.learn(newcomer);
  }

  /** Begins a shuffle with a neighbour at random. */
  shuffle(): void {
    const { active, passive, limits, random, times, out, self, now } = this.#state;
    const to = active.draw(random);
    if (to === undefined) return;
    if (passive.freshCount < limits.activeMax) this.#state.learnElsewhere();
    const ids = this.#state.offer(to);
    this.#told = ids;
    this.#replyUntilMs = now + times.shuffleReplyMs;
    const ttl = limits.shuffleWalk - 1;
    out.send(to, { type: "shuffle", origin: self, ttl, open: !this.#state.isFull, ids });
  }

  onShuffle(from: NodeId, message: MessageOf<"shuffle">): void {
    const { active, linked, random, times, out, self, now } = this.#state;
    const { origin, ids } = message;
    if (origin === self) return;
    const open = message.open && !this.#meet(origin);
    const next = message.ttl === 0 ? undefined : active.draw(random, from, origin);
    if (next !== undefined) {
      if (from !== origin) this.#crumbs.lay(origin, from, now + times.shuffleReplyMs, now);
      out.send(next, { type: "shuffle", origin, ttl: message.ttl - 1, open, ids });
      return;
    }
    const reply = this.#state.offer(origin);
    const way = linked.has(origin) ? origin : from;
    out.send(way, { type: "shuffle-reply", origin, ids: reply });
    this.#takeIn(ids, reply);
    this.#state.learn(origin, reply);
  }

  onShuffleReply({ origin, ids }: MessageOf<"shuffle-reply">): void {
    const { linked, out, self, now } = this.#state;
    if (origin === self) {
      if (now > this.#replyUntilMs) return;
      this.#replyUntilMs = Number.NEGATIVE_INFINITY;
      this.#takeIn(ids, this.#told);
      this.#told = nobody;
      return;
    }
    const previous = linked.has(origin) ? origin : this.#crumbs.follow(origin, now);
    if (previous !== undefined && linked.has(previous)) {
      out.send(previous, { type: "shuffle-reply", origin, ids });
    } else out.count("reply-lost");
  }

  /** Two nodes with a free place have met: this one asks, and the walk goes on without the news. */
  #meet(origin: NodeId): boolean {
    const { isFull, requests } = this.#state;
    return !isFull && requests.size === 0 && this.#edges.ask(origin, "low", false);
  }

  /** Notes ids; what was told in exchange for them goes first when there is no room. */
  #takeIn(ids: readonly NodeId[], told: readonly NodeId[]): void {
    for (const id of ids) this.#state.learn(id, told);
  }

  /** Joins that came in the present window, with this one. */
  #countJoin(): number {
    const { times, now } = this.#state;
    if (now - this.#joinsSinceMs >= times.stormWindowMs) {
      this.#joinsSinceMs = now;
      this.#joins = 0;
    }
    this.#joins += 1;
    return this.#joins;
  }
}

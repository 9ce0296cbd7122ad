/**
 * HyParView: a partial view of the members as one pure state machine, `handle(input, now)` →
 * effects (Leitão, Pereira, Rodrigues: "HyParView: a membership protocol for reliable gossip-based
 * broadcast", DSN 2007).
 *
 * Each node has a few neighbours, symmetric, over links that stay; together they are a connected
 * random graph, on which broadcasts and walks travel. Beside them it knows some others, kept fresh
 * by shuffles, who replace neighbours that fail. docs/protocol/hyparview.md describes messages and
 * timers, and what differs from the paper.
 *
 * It knows nothing of sockets, addresses or the directory of members. Its memory and its work for
 * one input do not depend on the number of members.
 *
 * Invariants: `now` never goes back; after `leave` there are no effects; neighbour events alternate
 * for each node, and folding them gives `active`.
 */
import type { NodeId } from "@foundation/core";
import { assert } from "../assert.js";
import { Edges } from "./edges.js";
import type { HyParViewEffect, HyParViewInput } from "./effects.js";
import { IdleLinks } from "./idle-links.js";
import type { HyParViewMessage } from "./messages.js";
import { Nearness } from "./nearness.js";
import { Promotion } from "./promotion.js";
import { HyParViewState, type HyParViewOptions } from "./state.js";
import { Walks } from "./walks.js";

export type { HyParViewOptions } from "./state.js";

const nothing: readonly HyParViewEffect[] = [];

export class HyParView {
  readonly #state: HyParViewState;
  readonly #nearness: Nearness;
  readonly #idle: IdleLinks;
  readonly #edges: Edges;
  readonly #promotion: Promotion;
  readonly #walks: Walks;
  /** Neighbours whose link broke since the last shuffle. */
  #losses = 0;
  #ended = false;

  constructor(options: HyParViewOptions) {
    this.#state = new HyParViewState(options);
    this.#nearness = new Nearness(this.#state);
    this.#idle = new IdleLinks(this.#state);
    this.#edges = new Edges(this.#state, this.#nearness, this.#idle);
    this.#promotion = new Promotion(this.#state, this.#edges);
    this.#walks = new Walks(this.#state, this.#edges);
  }

  /** The neighbours, agreed on by both sides; the same list between changes, and never altered. */
  get active(): readonly NodeId[] {
    return this.#state.active.ids;
  }

  /** Others that are known; a new list each time, in no order. Empty once this node has left. */
  get passive(): readonly NodeId[] {
    return this.#ended ? [] : this.#state.passive.ids;
  }

  isNeighbor(id: NodeId): boolean {
    return this.#state.active.has(id);
  }

  /** Takes one input and gives what is to be done, in order. */
  handle(input: HyParViewInput, now: number): readonly HyParViewEffect[] {
    const state = this.#state;
    assert(now >= state.now, "time never goes back");
    state.now = now;
    if (this.#ended) return nothing;
    this.#dispatch(input);
    if (state.vacancy !== "none") {
      const isUrgent = state.vacancy === "now";
      state.vacancy = "none";
      if (!this.#ended) this.#promotion.fill(isUrgent);
    }
    return state.out.take();
  }

  #dispatch(input: HyParViewInput): void {
    const state = this.#state;
    if ("id" in input && input.id === state.self) return;
    switch (input.type) {
      case "start":
        return this.#start();
      case "join":
        return this.#promotion.join(input.contacts);
      case "link-up":
        return this.#edges.onLinkUp(input.id);
      case "link-down":
        return this.#onLinkDown(input.id);
      case "dial-failed":
        return this.#edges.onDialFailed(input.id);
      case "message":
        return this.#onMessage(input.from, input.message);
      case "timer":
        return this.#onTimer(input.timer);
      case "gone":
        return this.#edges.onGone(input.id);
      case "back":
        return this.#onBack(input.id);
      case "leave":
        return this.#leave();
      default:
        input satisfies never;
    }
  }

  #start(): void {
    const { out, random, times, xbot, now } = this.#state;
    this.#state.becomeRestless();
    this.#state.vacancy = "later";
    out.setTimer("shuffle", times.shuffleMs * random.next(), now);
    out.setTimer("keep", times.keepMs * random.next(), now);
    if (xbot) out.setTimer("optimise", times.optimiseMs * random.next(), now);
  }

  #onTimer(timer: string): void {
    const { out, times, now } = this.#state;
    if (!out.fired(timer)) return;
    switch (timer) {
      case "shuffle":
        out.setTimer("shuffle", this.#state.jittered(times.shuffleMs), now);
        this.#losses = 0;
        this.#walks.shuffle();
        return this.#rotate();
      case "keep":
        out.setTimer("keep", this.#state.jittered(times.keepMs), now);
        return this.#edges.keep();
      case "request":
        return this.#edges.onRequestTimer();
      case "promote":
        return this.#promotion.onTimer();
      case "release":
        return this.#idle.onTimer();
      case "optimise":
        out.setTimer("optimise", this.#state.jittered(times.optimiseMs), now);
        return this.#optimise();
    }
  }

  #onLinkDown(id: NodeId): void {
    const { limits } = this.#state;
    if (this.#state.active.has(id)) {
      this.#losses += 1;
      this.#promotion.renew();
      // So many at once: perhaps this node is on an island now.
      if (this.#losses * 2 >= limits.activeMax) this.#state.becomeRestless();
    }
    this.#edges.onLinkDown(id);
  }

  #onMessage(from: NodeId, message: HyParViewMessage): void {
    const { out, linked } = this.#state;
    if (!linked.has(from)) return out.count("message-stray");
    switch (message.type) {
      case "join":
        return this.#walks.onJoin(from, message.nr);
      case "forward-join":
        return this.#walks.onForwardJoin(from, message);
      case "neighbor":
        return this.#edges.onNeighbor(from, message.nr, message.why);
      case "accept":
        return this.#edges.onAccept(from, message);
      case "refuse":
        return this.#edges.onRefuse(from, message);
      case "disconnect":
        return this.#edges.onDisconnect(from, message);
      case "keep":
        return this.#edges.onKeep(from, message.nr);
      case "shuffle":
        return this.#walks.onShuffle(from, message);
      case "shuffle-reply":
        return this.#walks.onShuffleReply(message);
      default:
        message satisfies never;
    }
  }

  /** Gives up a neighbour for a node at random now and then: shuffles do not mix the graph. */
  #rotate(): void {
    const { random, chances, restlessUntilMs, passive, mayAsk, out, now } = this.#state;
    const chance = now < restlessUntilMs ? chances.rotationFirst : chances.rotation;
    if (random.next() >= chance || !this.#state.isFull) return;
    const id = this.#state.drawElsewhere() ?? passive.drawAny(now, mayAsk);
    if (id !== undefined && this.#edges.ask(id, "swap", true)) out.count("rotation");
  }

  /** X-BOT: gives up a far neighbour for a near one. */
  #optimise(): void {
    if (!this.#state.isFull) return;
    const id = this.#nearness.candidate();
    if (id !== undefined && this.#edges.ask(id, "near", true)) {
      this.#state.out.count("optimisation");
    }
  }

  #onBack(id: NodeId): void {
    const { absent, now } = this.#state;
    const wasGone = absent.back(id, now);
    this.#state.learn(id);
    if (!wasGone) return;
    // Perhaps the cluster was cut in two: rotation joins the halves.
    this.#state.becomeRestless();
    this.#promotion.renew();
    this.#state.vacancy = "now";
  }

  #leave(): void {
    this.#edges.leave();
    this.#state.out.cancelAllTimers();
    this.#ended = true;
  }
}

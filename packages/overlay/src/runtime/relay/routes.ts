/**
 * Routes: runs the search for routes of one node on a clock and on links, and tells who wants one.
 *
 * Invariant: who wants a route is told once, in the call or later, unless the node closes before.
 */
import type { Clock, Meter, NodeId } from "@foundation/core";
import type {
  RoutingCounter,
  RoutingEffect,
  RoutingInput,
} from "../../protocol/routing/effects.js";
import { parseRoutingMessage, type RoutingMessage } from "../../protocol/routing/messages.js";
import { NamedTimers } from "../named-timers.js";
import type { RouteFinder } from "../../protocol/routing/route-finder.js";

export interface RoutesOptions {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly finder: RouteFinder;
  /** Sends a message to a member, linked or not, if that is possible; nobody waits for it. */
  send(to: NodeId, message: RoutingMessage): void;
}

type Wanted = (isFound: boolean) => void;

export class Routes {
  readonly #options: RoutesOptions;
  readonly #wanted = new Map<NodeId, Wanted[]>();
  readonly #timers: NamedTimers;
  #isClosed = false;

  constructor(options: RoutesOptions) {
    this.#options = options;
    this.#timers = new NamedTimers(options.clock, (timer) => this.handle({ type: "timer", timer }));
  }

  /** A link of this node, or a member, came or went; see RoutingInput. */
  handle(input: RoutingInput): void {
    if (this.#isClosed) return;
    const { clock, finder } = this.#options;
    for (const effect of finder.handle(input, clock.now())) this.#perform(effect);
  }

  /** A member has sent something that should be a message of routing. */
  receive(from: NodeId, value: unknown): void {
    const message = parseRoutingMessage(value);
    if (message === undefined) return this.#count("message-malformed");
    this.handle({ type: "message", from, message });
  }

  /** Finds a route to a node, by asking others if none is known. */
  want(target: NodeId, done: Wanted): void {
    if (this.#isClosed) return done(false);
    const waiting = this.#wanted.get(target);
    if (waiting !== undefined) {
      waiting.push(done);
      return;
    }
    this.#wanted.set(target, [done]);
    this.handle({ type: "want", target });
  }

  /** Nothing is sent any more; who waits is told that nothing was found. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timers.close();
    for (const target of [...this.#wanted.keys()]) this.#tell(target, false);
  }

  #perform(effect: RoutingEffect): void {
    switch (effect.type) {
      case "send":
        return this.#options.send(effect.to, effect.message);
      case "found":
        return this.#tell(effect.target, true);
      case "not-found":
        return this.#tell(effect.target, false);
      case "set-timer":
        return this.#timers.set(effect.timer, effect.delayMs);
      case "cancel-timer":
        return this.#timers.cancel(effect.timer);
      case "count":
        return this.#count(effect.counter);
      default:
        effect satisfies never;
    }
  }

  #tell(target: NodeId, isFound: boolean): void {
    const waiting = this.#wanted.get(target) ?? [];
    this.#wanted.delete(target);
    for (const done of waiting) done(isFound);
  }

  #count(sign: RoutingCounter | "message-malformed"): void {
    const help = "What happened while routes were searched for";
    this.#options.meter.counter("overlay_routing_total", help, { sign }).add();
  }
}

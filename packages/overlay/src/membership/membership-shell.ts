/**
 * The shell of membership: runs the pure core on a Clock and a LinkLayer, and is the Membership
 * port.
 *
 * It decides nothing. Inputs that arrive while one is handled (a listener that calls `drain`) wait
 * for their turn, so effects are run in order. It measures how late its own timer runs, because a
 * node whose event loop stands still must not judge others.
 *
 * Invariants: listeners are called synchronously, in order; one that throws is logged and hinders
 * nobody; after `close` no timer is pending and no listener is called.
 */
import type {
  Clock,
  Duration,
  Logger,
  Member,
  Membership,
  MembershipEvent,
  Meter,
  NodeId,
  Random,
  Timer,
} from "@foundation/core";
import { parseDuration } from "@foundation/core";
import type { MembershipEffect, MembershipInput } from "../protocol/membership/effects.js";
import type { PeerExplanation } from "../protocol/membership/explanation.js";
import { membershipTimes, type MembershipTimes } from "../protocol/membership/limits.js";
import { MembershipCore, type SelfDescription } from "../protocol/membership/membership.js";
import type { ClientLinks, OnNeighbour } from "../protocol/membership/topology.js";
import type { TopologyMode, TopologyName } from "../protocol/switching/topologies.js";
import type { MembershipReport } from "../protocol/membership/view.js";
import { NamedTimers } from "../runtime/named-timers.js";
import type { LinkEvent, LinkLayer } from "./link-layer.js";
import { MembershipMetrics } from "./membership-metrics.js";

/** How often the own event loop is measured. */
const lagProbeMs = 200;

export interface MembershipOptions {
  /** This node as it introduces itself to others. */
  readonly self: SelfDescription;
  readonly links: LinkLayer;
  readonly runtime: {
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    readonly meter: Meter;
  };
  /** @default those of one data centre */
  readonly times?: MembershipTimes;
  /** What a new cluster begins with; one that is there is followed. @default "auto" */
  readonly topology?: TopologyMode;
  /** Told of those to whom broadcasts pass from here, and no more. */
  readonly onNeighbour?: OnNeighbour;
  /** Told when this node is linked in another way. */
  readonly onTopology?: (from: TopologyName, to: TopologyName) => void;
}

/** Membership with what its owner may do to it. */
export interface MembershipHandle extends Membership, AsyncDisposable {
  /**
   * The full set of addresses from discovery: those of no member are dialled until somebody
   * answers.
   */
  discovered(addresses: readonly string[]): void;
  /** Tells everybody that this node takes no new work. Idempotent. */
  drain(): void;
  /**
   * Tells everybody that this node leaves, and waits until the links have flushed and closed.
   * Idempotent.
   * @param options.timeout how long links may take to close @default "2s"
   * @throws {ERR_INVALID_ARGUMENT} when the timeout is not a duration
   */
  leave(options?: { readonly timeout?: Duration }): Promise<void>;
  readonly topology: TopologyName;
  /** The topology follows the size of the cluster. */
  readonly isAutomatic: boolean;
  /** Who is a client where members are; undefined in the other topologies. */
  readonly clients: ClientLinks | undefined;
  /** Changes the topology of the cluster: one to stay with, or "auto". */
  switchTopology(to: TopologyMode): void;
  /**
   * How long it may take at most until membership opens a link to a member by itself; 0: it is not
   * about to. Who can wait need not dial.
   */
  linkComesWithinMs(id: NodeId): number;
  /** What is known of another node and the link to it, and why. */
  explain(id: NodeId): PeerExplanation;
  /** How the failure detector stands, for health. */
  observe(): MembershipReport;
  /** Stops without telling anybody: to the others this node fails. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts membership on a link layer. It begins at once: the node is alone until links come up.
 */
export function createMembership(options: MembershipOptions): MembershipHandle {
  return new MembershipShell(options);
}

class MembershipShell implements MembershipHandle {
  readonly #core: MembershipCore;
  readonly #links: LinkLayer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: MembershipMetrics;
  readonly #timers: NamedTimers;
  readonly #listeners = new Set<{ readonly listener: (event: MembershipEvent) => void }>();
  readonly #inputs: MembershipInput[] = [];
  readonly #linked = new Set<NodeId>();
  readonly #unlisten: () => void;
  readonly #onNeighbour: OnNeighbour;
  readonly #onTopology: (from: TopologyName, to: TopologyName) => void;
  #lagTimer: Timer | undefined;
  #handling = false;
  #closed = false;
  #leaving: Promise<void> | undefined;
  #onUnlinked: (() => void) | undefined;

  constructor(options: MembershipOptions) {
    const { self, links, runtime, times = membershipTimes } = options;
    this.#links = links;
    this.#onNeighbour = options.onNeighbour ?? (() => {});
    this.#onTopology = options.onTopology ?? (() => {});
    this.#clock = runtime.clock;
    this.#timers = new NamedTimers(runtime.clock, (timer) => this.#feed({ type: "timer", timer }));
    this.#logger = runtime.logger.child({ part: "membership" });
    this.#metrics = new MembershipMetrics(runtime.meter);
    this.#core = new MembershipCore({
      self,
      random: runtime.random.fork("membership"),
      lastHeard: (id) => links.lastHeard(id),
      times,
      ...(options.topology && { topology: options.topology }),
    });
    this.#unlisten = links.on((event) => this.#onLinkEvent(event));
    this.#feed({ type: "start" });
    this.#measureLag();
  }

  get self(): Member {
    return this.#core.self;
  }

  members(): readonly Member[] {
    return this.#core.members();
  }

  member(id: NodeId): Member | undefined {
    return this.#core.member(id);
  }

  subscribe(listener: (event: MembershipEvent) => void): () => void {
    const subscription = { listener };
    this.#listeners.add(subscription);
    return () => void this.#listeners.delete(subscription);
  }

  discovered(addresses: readonly string[]): void {
    this.#feed({ type: "discovered", addresses: [...addresses] });
  }

  drain(): void {
    this.#feed({ type: "drain" });
  }

  leave(options: { readonly timeout?: Duration } = {}): Promise<void> {
    this.#leaving ??= this.#leave(parseDuration(options.timeout ?? "2s", "timeout"));
    return this.#leaving;
  }

  get topology(): TopologyName {
    return this.#core.topology;
  }

  get isAutomatic(): boolean {
    return this.#core.isAutomatic;
  }

  switchTopology(to: TopologyMode): void {
    this.#feed({ type: "switch", to });
  }

  get clients(): ClientLinks | undefined {
    return this.#core.clients;
  }

  linkComesWithinMs(id: NodeId): number {
    return this.#core.linkComesWithinMs(id, this.#clock.now());
  }

  explain(id: NodeId): PeerExplanation {
    return this.#core.explain(id, this.#clock.now());
  }

  observe(): MembershipReport {
    return this.#core.report(this.#clock.now());
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#unlisten();
      this.#lagTimer?.cancel();
      this.#timers.close();
      this.#listeners.clear();
      this.#onUnlinked?.();
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #leave(timeoutMs: number): Promise<void> {
    this.#feed({ type: "leave" });
    if (!this.#closed && this.#linked.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(timeoutMs, resolve);
        this.#onUnlinked = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    await this.close();
  }

  #onLinkEvent(event: LinkEvent): void {
    if (event.type === "link-up") this.#linked.add(event.id);
    if (event.type === "link-down") this.#linked.delete(event.id);
    this.#feed(event);
    if (this.#linked.size === 0) this.#onUnlinked?.();
  }

  #feed(input: MembershipInput): void {
    if (this.#closed) return;
    this.#inputs.push(input);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        const effects = this.#core.handle(next, this.#clock.now());
        for (const effect of effects) this.#run(effect);
      }
    } finally {
      this.#handling = false;
    }
  }

  #run(effect: MembershipEffect): void {
    if (this.#closed) return;
    switch (effect.type) {
      case "send":
        this.#links.send(effect.to, effect.message);
        return;
      case "connect":
        return this.#links.connect(effect.target);
      case "disconnect":
        return this.#links.disconnect(effect.id, { boot: effect.boot, graceful: effect.graceful });
      case "forget":
        return this.#links.forget(effect.address);
      case "keep":
        return this.#links.keep(effect.id, { boot: effect.boot, isWanted: effect.isWanted });
      case "topology":
        return this.#onTopology(effect.from, effect.to);
      case "neighbour":
        return this.#onNeighbour(effect.id, effect.isUp);
      case "set-timer":
        return this.#timers.set(effect.timer, effect.delayMs);
      case "cancel-timer":
        return this.#timers.cancel(effect.timer);
      case "event":
        return this.#tell(effect.event);
      case "log":
        return this.#logger[effect.level](effect.message, effect.fields);
      case "count":
        return this.#metrics.sign(effect.counter);
      default:
        effect satisfies never;
    }
  }

  #tell(event: MembershipEvent): void {
    this.#metrics.event(event.type);
    for (const subscription of [...this.#listeners]) {
      if (!this.#listeners.has(subscription)) continue;
      try {
        subscription.listener(event);
      } catch (thrown) {
        const fields = { event: event.type, node: event.node.id, error: String(thrown) };
        this.#logger.error(
          "A listener of membership threw; the others are called all the same",
          fields,
        );
      }
    }
  }

  /** A timer that runs late was held up by the event loop. */
  #measureLag(): void {
    const due = this.#clock.now() + lagProbeMs;
    this.#lagTimer = this.#clock.setTimer(lagProbeMs, () => {
      const lagMs = this.#clock.now() - due;
      if (lagMs >= membershipTimes.lagNoticeMs) this.#feed({ type: "lag", lagMs });
      this.#metrics.report(this.observe());
      this.#measureLag();
    });
  }
}

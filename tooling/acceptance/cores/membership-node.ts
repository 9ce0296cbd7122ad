/**
 * MembershipNode: the pure membership core in a core world: what its shell and the link layer do for it, in little.
 *
 * What the core tells its application is folded here and held to the port's promises while it happens: each change once,
 * a boot that is over never comes back, and the events add up to the list of members.
 */
import type { MembershipEvent, NodeId } from "@foundation/core";
import type { CoreAdapter, CoreEvent, CoreHost } from "@foundation/testkit";
import type { LinkEvent } from "../../../packages/overlay/src/membership/link-layer.js";
import type {
  MembershipCounter,
  MembershipEffect,
  MembershipInput,
} from "../../../packages/overlay/src/protocol/membership/effects.js";
import { membershipTimes } from "../../../packages/overlay/src/protocol/membership/limits.js";
import { MembershipCore } from "../../../packages/overlay/src/protocol/membership/membership.js";
import type { MembershipMessage } from "../../../packages/overlay/src/protocol/membership/messages.js";
import { DialBook } from "./dial-book.js";
import { addressOf, nodeAt, type Citizen, type Identity, type Town } from "./town.js";

export type MembershipHost = CoreHost<MembershipInput, MembershipMessage, Identity>;

export interface MembershipChoice {
  readonly town: Town;
  /** Addresses that discovery gives. */
  readonly seeds: readonly string[];
  /** Told of every event, after it was checked. */
  readonly onEvent?: (event: MembershipEvent) => void;
}

/** Timers of the shell; the core's own have no such beginning. */
const RETRY = "shell-dial ";
const LAG = "shell-lag";
const DISCOVER = "shell-discover";
/** How often the shell measures its event loop. */
const LAG_PROBE_MS = 200;

export class MembershipNode
  implements CoreAdapter<MembershipInput, MembershipEffect, MembershipMessage, Identity>
{
  readonly citizen: Citizen;
  readonly core: MembershipCore;
  readonly counts = new Map<MembershipCounter, number>();
  /** How often the application was told what. */
  readonly told = new Map<MembershipEvent["type"], number>();
  /** Boots that it was told are suspected or down, and their names. */
  readonly suspected = new Map<string, string>();
  /** What was told that must not be. */
  readonly wrong: string[] = [];
  readonly #host: MembershipHost;
  readonly #choice: MembershipChoice;
  readonly #dials: DialBook;
  /** By number of the node: who is linked. */
  readonly #links: (Citizen | undefined)[] = [];
  #linkCount = 0;
  readonly #heardAt = new Map<NodeId, number>();
  /** The members as the events tell them. */
  readonly #listed = new Map<NodeId, { boot: string; status: string }>();
  /** The last boot of each node that was told to be over for good. */
  readonly #over = new Map<NodeId, string>();
  #lagDue = 0;

  constructor(host: MembershipHost, known: Identity | undefined, choice: MembershipChoice) {
    this.#host = host;
    this.#choice = choice;
    this.citizen = choice.town.settle(host.node, host.boot, known, host.random.fork("identity"));
    if (known === undefined) host.persist({ id: this.citizen.id });
    const { id, boot, address, name } = this.citizen;
    this.core = new MembershipCore({
      self: { id, boot, address, name, roles: [], labels: {} },
      random: host.random.fork("membership"),
      lastHeard: (peer) => this.#heardAt.get(peer),
    });
    this.#dials = new DialBook({
      random: host.random.fork("dial"),
      dial: (target) => this.#dial(target),
      retryIn: (target, delayMs) => host.setTimer(RETRY + target, delayMs),
      giveUp: (target) => host.cancelTimer(RETRY + target),
    });
  }

  handle(input: MembershipInput, now: number): readonly MembershipEffect[] {
    return this.core.handle(input, now);
  }

  inputOf(event: CoreEvent<MembershipMessage, Identity>): MembershipInput | undefined {
    switch (event.type) {
      case "start":
        this.#host.setTimer(DISCOVER, 0);
        this.#measureLag();
        return { type: "start" };
      case "timer":
        return this.#onTimer(event.timer);
      case "message": {
        const from = this.#links[event.from];
        // The core itself notes when it heard a message of its own.
        if (!from) return undefined;
        return { type: "message", from: from.id, boot: from.boot, message: event.message };
      }
      case "link-up":
        return this.#onLinkUp(this.#choice.town.citizen(event.peer, event.peerBoot));
      case "link-down": {
        const { id, boot } = this.#choice.town.citizen(event.peer, event.peerBoot);
        if (this.#links[event.peer]?.boot === boot) this.#setLink(event.peer, undefined);
        return { type: "link-down", id, boot, reason: "lost" };
      }
      case "dial-answered": {
        const peer = this.#links[event.peer];
        return peer && this.#feedAll(this.#dials.linked(peer.id, peer.address));
      }
      case "dial-failed":
        return this.#feedAll(this.#dials.failed(addressOf(event.peer), event.reason));
      case "persisted":
        return undefined;
      default:
        return event satisfies never;
    }
  }

  run(effect: MembershipEffect): void {
    switch (effect.type) {
      case "send": {
        const peer = this.linkedAs(effect.to);
        if (peer) this.#host.send(peer.node, effect.message);
        return;
      }
      case "connect":
        return this.#dials.want(effect.target);
      case "disconnect": {
        this.#dials.unwanted(effect.id);
        const node = this.#choice.town.nodeOf(effect.id);
        if (node === undefined || this.#links[node]?.boot !== effect.boot) return;
        return this.#host.hangUp(node);
      }
      case "forget":
        return this.#dials.forget(effect.address);
      case "set-timer":
        return this.#host.setTimer(effect.timer, effect.delayMs);
      case "cancel-timer":
        return this.#host.cancelTimer(effect.timer);
      case "event":
        return this.#onEvent(effect.event);
      case "log":
        if (effect.level !== "debug") this.#host.note(effect.level, effect.message);
        return;
      case "count":
        this.counts.set(effect.counter, (this.counts.get(effect.counter) ?? 0) + 1);
        return;
      case "keep":
      case "neighbour":
      case "topology":
        return;
      default:
        effect satisfies never;
    }
  }

  /** Who is linked, by number of the node. */
  linked(node: number): Citizen | undefined {
    return this.#links[node];
  }

  /** Who is linked, by id. */
  linkedAs(id: NodeId): Citizen | undefined {
    const peer = this.#links[this.#choice.town.nodeOf(id) ?? -1];
    return peer?.id === id ? peer : undefined;
  }

  get linkCount(): number {
    return this.#linkCount;
  }

  /** How many others the events list. */
  get listedCount(): number {
    return this.#listed.size;
  }

  /** A message of another core came from the node: the link layer would have noted it. */
  heard(id: NodeId): void {
    this.#heardAt.set(id, this.#host.now());
  }

  /** The sentences that are not true of what was told against what is listed. */
  audit(): readonly string[] {
    const members = this.core.members().filter(({ id }) => id !== this.citizen.id);
    const differing = members.filter(({ id, boot, status }) => {
      const listed = this.#listed.get(id);
      return listed?.boot !== boot || listed.status !== status;
    });
    if (differing.length === 0 && members.length === this.#listed.size) return this.wrong;
    const names = differing.map(({ name, status }) => `${name} ${status}`).join(", ");
    const counts = `${members.length} are listed, ${this.#listed.size} were told`;
    return [...this.wrong, `${this.citizen.name}: ${counts}; differing: ${names}`];
  }

  #onTimer(timer: string): MembershipInput | undefined {
    if (timer === DISCOVER) return { type: "discovered", addresses: this.#choice.seeds };
    if (timer === LAG) {
      const lagMs = this.#host.now() - this.#lagDue;
      this.#measureLag();
      return lagMs >= membershipTimes.lagNoticeMs ? { type: "lag", lagMs } : undefined;
    }
    if (timer.startsWith(RETRY)) {
      this.#dials.retry(timer.slice(RETRY.length));
      return undefined;
    }
    return { type: "timer", timer };
  }

  #measureLag(): void {
    this.#lagDue = this.#host.now() + LAG_PROBE_MS;
    this.#host.setTimer(LAG, LAG_PROBE_MS);
  }

  #dial(address: string): void {
    const node = nodeAt(address);
    if (node === undefined || node === this.#host.node) return;
    this.#host.dial(node);
  }

  #onLinkUp(peer: Citizen): undefined {
    const { node, id, boot, address, name } = peer;
    this.#setLink(node, peer);
    this.#host.feed({ type: "link-up", id, boot, address, name });
    this.#feedAll(this.#dials.linked(id, address));
  }

  #setLink(node: number, peer: Citizen | undefined): void {
    const links = this.#links;
    while (links.length <= node) links.push(undefined);
    this.#linkCount += Number(peer !== undefined) - Number(links[node] !== undefined);
    links[node] = peer;
  }

  #feedAll(events: readonly LinkEvent[]): undefined {
    for (const event of events) this.#host.feed(event);
  }

  #onEvent(event: MembershipEvent): void {
    const { id, boot, name } = event.node;
    this.#host.note("member", `${event.type} ${name} ${boot.slice(-10)}`);
    this.told.set(event.type, (this.told.get(event.type) ?? 0) + 1);
    if (event.type === "node-suspect" || event.type === "node-down") this.suspected.set(boot, name);
    if (id !== this.citizen.id) this.#fold(event);
    else if (event.type !== "node-draining") {
      this.wrong.push(`${name} was told ${event.type} of itself`);
    }
    this.#choice.onEvent?.(event);
  }

  /** By the type of the event: whoever is first heard of as a suspect is told to be up, and then to be suspected. */
  #fold(event: MembershipEvent): void {
    const { id, boot, name } = event.node;
    const listed = this.#listed.get(id);
    const say = (what: string) => {
      const at = `${this.citizen.name} at ${this.#host.now()} ms`;
      this.wrong.push(`${at}: ${event.type} of ${name}: ${what}`);
    };
    if (event.type === "node-down" || event.type === "node-left") {
      if (listed?.boot !== boot) say("that boot was not up");
      this.#listed.delete(id);
      if (event.type === "node-left" || event.reason === "restarted") this.#over.set(id, boot);
      return;
    }
    const status = statusBy[event.type];
    if (listed && listed.boot !== boot) say("another boot is up");
    if (!listed && event.type !== "node-up") say("it was not up");
    if (listed?.status === status) say("it was told already");
    const over = this.#over.get(id);
    if (over !== undefined && boot <= over) say("a boot that is over came back");
    this.#listed.set(id, { boot, status });
  }
}

const statusBy = {
  "node-up": "alive",
  "node-suspect": "suspect",
  "node-draining": "draining",
} as const;

/**
 * ClientServerWorld: the client-server cores of a whole cluster in virtual time, from one seed.
 *
 * Every node hears of members late and in its own time, so plans differ for a while. Links come
 * with a delay, are refused by nodes that may not have them, and break; pairs of nodes can be kept
 * apart. Checked while it runs, for each node: it dials only servers of its own plan, one dial at
 * a time; what it attaches to is linked; and where the primary goes and the standby is there, the
 * standby is the primary before any time has passed.
 */
import { expect } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { ClientServer } from "../../src/protocol/client-server/client-server.js";
import type {
  ClientServerEffect,
  ClientServerInput,
  Member,
} from "../../src/protocol/client-server/effects.js";
import { EventHeap } from "./event-heap.js";
import { idOf } from "./membership-entries.js";

export interface WorldMember {
  readonly id: NodeId;
  readonly member: Member;
  readonly core: ClientServer;
  readonly links: ReadonlySet<WorldMember>;
}

interface Node extends WorldMember {
  member: Member;
  alive: boolean;
  readonly links: Set<Node>;
  readonly timers: Map<string, object>;
  readonly dials: Map<NodeId, object>;
  readonly releases: Map<NodeId, object>;
  /** What it was told of members comes in order. */
  heardUntil: number;
}

/** How late news of a member comes, and how long a dial or a close takes, at most. */
const newsMsMax = 3_000;
const latencyMsMax = 50;

export class ClientServerWorld {
  readonly #random: Random;
  readonly #heap = new EventHeap();
  readonly #nodes: Node[] = [];
  readonly #apart = new Set<string>();
  failovers = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  get alive(): readonly WorldMember[] {
    return this.#nodes.filter(({ alive }) => alive);
  }

  /** A new node: it knows the members there are, and is linked to one of them. */
  join(roles: readonly string[] = []): void {
    const contacts = this.#nodes.filter(({ alive }) => alive);
    const number = this.#nodes.length + 1;
    const member: Member = { id: idOf(number), roles };
    const core = new ClientServer({ self: member, random: this.#random.fork(`node-${number}`) });
    const node: Node = {
      id: member.id,
      core,
      member,
      alive: true,
      links: new Set(),
      timers: new Map(),
      dials: new Map(),
      releases: new Map(),
      heardUntil: this.#heap.now,
    };
    this.#nodes.push(node);
    const contact = contacts[Math.floor(this.#random.next() * contacts.length)];
    this.#give(node, { type: "members", came: contacts.map((each) => each.member), gone: [] });
    this.#give(node, { type: "start" });
    if (contact) this.#link(node, contact);
    this.#tellAll(node, { type: "members", came: [member], gone: [] });
  }

  crash({ id }: WorldMember): void {
    const node = this.#find(id);
    node.alive = false;
    for (const other of [...node.links]) this.#unlink(node, other);
    this.#tellAll(node, { type: "members", came: [], gone: [node.id] });
  }

  drain({ id }: WorldMember): void {
    const node = this.#find(id);
    node.member = { ...node.member, draining: true };
    const news: ClientServerInput = { type: "members", came: [node.member], gone: [] };
    this.#give(node, news);
    this.#tellAll(node, news);
  }

  /** Breaks the link and lets no new one come up until `reunite`. */
  keepApart({ id }: WorldMember, other: WorldMember): void {
    if (id === other.id) return;
    this.#apart.add(pairOf(id, other.id));
    this.#unlink(this.#find(id), this.#find(other.id));
  }

  reunite(): void {
    this.#apart.clear();
  }

  /** Breaks the link, if there is one. */
  breakLink({ id }: WorldMember, other: WorldMember): void {
    this.#unlink(this.#find(id), this.#find(other.id));
  }

  run(ms: number): void {
    this.#heap.run(ms);
  }

  #find(id: NodeId): Node {
    const node = this.#nodes.find((each) => each.id === id);
    if (!node) throw new Error(`no node ${id}`);
    return node;
  }

  #after(msMax: number, run: () => void): void {
    this.#heap.add(this.#heap.now + this.#random.next() * msMax, run);
  }

  #tellAll(about: Node, news: ClientServerInput): void {
    for (const node of this.#nodes) {
      if (node === about || !node.alive) continue;
      node.heardUntil = Math.max(node.heardUntil, this.#heap.now + this.#random.next() * newsMsMax);
      this.#heap.add(node.heardUntil, () => this.#give(node, news));
    }
  }

  #give(node: Node, input: ClientServerInput): void {
    if (!node.alive) return;
    for (const effect of node.core.handle(input, this.#heap.now)) this.#carryOut(node, effect);
  }

  #carryOut(node: Node, effect: ClientServerEffect): void {
    switch (effect.type) {
      case "connect":
        expect(node.core.plan.isServer(effect.to)).toBe(true);
        this.#connect(node, this.#find(effect.to));
        return;
      case "release":
        this.#release(node, this.#find(effect.to));
        return;
      case "attach":
        this.#checkAttached(node, effect.server, effect.standby);
        return;
      case "set-timer": {
        const token = {};
        const { timer } = effect;
        node.timers.set(timer, token);
        this.#heap.add(this.#heap.now + effect.delayMs, () => {
          if (node.timers.get(timer) === token) this.#give(node, { type: "timer", timer });
        });
        return;
      }
      case "cancel-timer":
        node.timers.delete(effect.timer);
        return;
      case "count":
        if (effect.counter === "failover") this.failovers += 1;
        return;
      case "role":
        expect(effect.role).toBe(node.core.role);
        return;
      default:
        effect satisfies never;
    }
  }

  #checkAttached(node: Node, server: NodeId | undefined, standby: NodeId | undefined): void {
    const linked = new Set([...node.links].map(({ id }) => id));
    for (const id of [server, standby]) {
      if (id !== undefined) expect(linked.has(id)).toBe(true);
    }
    if (server !== undefined) expect(server).not.toBe(standby);
  }

  #connect(node: Node, to: Node): void {
    node.releases.delete(to.id);
    if (node.links.has(to)) return;
    expect(node.dials.has(to.id)).toBe(false);
    const token = {};
    node.dials.set(to.id, token);
    this.#after(latencyMsMax, () => {
      if (node.dials.get(to.id) !== token) return;
      node.dials.delete(to.id);
      if (!node.alive || node.links.has(to)) return;
      const isRefused = !to.alive || !to.core.mayLink(node.id, to.id);
      if (isRefused || this.#apart.has(pairOf(node.id, to.id))) {
        this.#give(node, { type: "dial-failed", id: to.id });
      } else this.#link(node, to);
    });
  }

  #release(node: Node, to: Node): void {
    node.dials.delete(to.id);
    const token = {};
    node.releases.set(to.id, token);
    this.#after(latencyMsMax, () => {
      if (node.releases.get(to.id) === token) this.#unlink(node, to);
    });
  }

  #link(node: Node, to: Node): void {
    node.links.add(to);
    to.links.add(node);
    for (const [one, other] of [
      [node, to],
      [to, node],
    ] as const) {
      one.dials.delete(other.id);
      one.releases.delete(other.id);
    }
    this.#give(node, { type: "link-up", id: to.id });
    this.#give(to, { type: "link-up", id: node.id });
  }

  #unlink(one: Node, other: Node): void {
    if (!one.links.delete(other)) return;
    other.links.delete(one);
    for (const [node, lost] of [
      [one, other],
      [other, one],
    ] as const) {
      node.releases.delete(lost.id);
      const { server, standby } = node.core;
      this.#give(node, { type: "link-down", id: lost.id });
      // The next in the order of the plan takes over; with the plan unchanged that is the standby.
      if (node.alive && server === lost.id) expect(node.core.server).toBe(standby);
    }
  }
}

function pairOf(a: NodeId, b: NodeId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

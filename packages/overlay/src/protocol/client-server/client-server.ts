/**
 * ClientServer: the topology of more than a thousand nodes. Few servers are linked to all servers,
 * and every client to two of them: its primary, through which it is reached, and a warm standby,
 * so that the loss of the primary costs no dial and no time.
 *
 * Who is a server and who goes to which is computed by each node for itself (`plan.ts`), so nobody
 * has to be asked, and a message to a client finds the servers to go through (`relayOf`). This
 * class makes the links follow the plan: new ones first, old ones given back when the new ones are
 * up. A client that cannot reach a server it is meant for takes the next of its choices, and goes
 * back when it can.
 *
 * Invariants: only servers are dialled; the primary and the standby have links; a server that is
 * linked is never given back before the two that are wanted are up; no link of two clients is
 * kept once this one has a server.
 */
import type { NodeId, Random } from "@foundation/core";
import { assert } from "../assert.js";
import type { ClientServerEffect, ClientServerInput, ClientServerRole, Member } from "./effects.js";
import {
  clientServerLimits,
  clientServerTimes,
  type ClientServerLimits,
  type ClientServerTimes,
} from "./limits.js";
import { Outbox } from "./outbox.js";
import { Plan } from "./plan.js";
import { Retries } from "./retries.js";
import { waysOver } from "./ways.js";

export interface ClientServerOptions {
  readonly self: Member;
  /** Varies the waits between dials. */
  readonly random: Random;
  readonly times?: Partial<ClientServerTimes>;
  readonly limits?: Partial<ClientServerLimits>;
}

interface Link {
  /** Given back, and not closed yet. */
  released: boolean;
  /** Since when it is a link of two clients. */
  forbiddenSince: number | undefined;
}

export class ClientServer {
  readonly #self: NodeId;
  readonly #limits: ClientServerLimits;
  readonly #times: ClientServerTimes;
  readonly #plan: Plan;
  readonly #retries: Retries;
  readonly #out = new Outbox();
  readonly #links = new Map<NodeId, Link>();
  #phase: "waiting" | "running" | "left" = "waiting";
  #role: ClientServerRole | undefined;
  #choices: readonly NodeId[] = [];
  #server: NodeId | undefined;
  #standby: NodeId | undefined;

  constructor({ self, random, times, limits }: ClientServerOptions) {
    this.#self = self.id;
    this.#limits = { ...clientServerLimits, ...limits };
    this.#times = { ...clientServerTimes, ...times };
    this.#retries = new Retries(random, this.#times);
    this.#plan = new Plan(this.#limits);
    this.#plan.apply([self], []);
  }

  /** What the members say: who is a server, who goes to which. */
  get plan(): Pick<
    Plan,
    "servers" | "members" | "capacity" | "isServer" | "choicesOf" | "primaryOf" | "loadOf"
  > {
    return this.#plan;
  }

  get role(): ClientServerRole {
    return this.#plan.isServer(this.#self) ? "server" : "client";
  }

  /** The server this client goes through; undefined for a server, and without any link to one. */
  get server(): NodeId | undefined {
    return this.#server;
  }

  /** The server that takes over at once. */
  get standby(): NodeId | undefined {
    return this.#standby;
  }

  /** Whether two nodes may be linked: not two clients. Also for the link layer, to refuse by. */
  mayLink(a: NodeId, b: NodeId): boolean {
    return this.#plan.mayLink(a, b);
  }

  /**
   * This node and that one are clients, and this one has a server. A client without one takes whom it gets, and so does
   * one whose members are not those of the others yet.
   */
  areClients(id: NodeId): boolean {
    const hasServer = this.#server !== undefined && this.#plan.isServer(this.#server);
    return hasServer && !this.#plan.mayLink(this.#self, id);
  }

  /**
   * The ways to a member, best first, each as the nodes in between, in order: `[[]]` where there is
   * a link. The first node of each way is linked; the last is a server that the member should have
   * a link to, as the plan says. Empty where no way is known.
   */
  relayOf(to: NodeId): readonly (readonly NodeId[])[] {
    return this.#links.has(to) ? [[]] : this.waysTo(to);
  }

  /** The same, whether or not there is a link. */
  waysTo(to: NodeId): readonly (readonly NodeId[])[] {
    if (to === this.#self || !this.#plan.knows(to)) return [];
    const isLinked = (id: NodeId) => this.#links.has(id);
    return waysOver(to, this.#self, this.#plan, this.#entries(), isLinked).slice(
      0,
      this.#limits.routesMax,
    );
  }

  /** Takes one input and gives the effects, to be carried out in order. */
  handle(input: ClientServerInput, now: number): ClientServerEffect[] {
    if (this.#phase !== "left" && this.#takeIn(input, now)) this.#act(now);
    return this.#out.take();
  }

  /** True when something may follow from it. */
  #takeIn(input: ClientServerInput, now: number): boolean {
    switch (input.type) {
      case "start":
        this.#phase = "running";
        break;
      case "members":
        this.#members(input.came, input.gone);
        break;
      case "link-up":
        this.#links.set(input.id, { released: false, forbiddenSince: undefined });
        if (this.#plan.isServer(input.id)) this.#retries.up(input.id, now);
        break;
      case "link-down":
        this.#linkDown(input.id, now);
        break;
      case "dial-failed":
        if (!this.#retries.isDialling(input.id)) return false;
        this.#retries.failed(input.id, now);
        this.#out.count("dial-failed");
        break;
      case "timer":
        if (!this.#out.fired(input.timer)) return false;
        break;
      case "leave":
        this.#phase = "left";
        this.#out.wakeAt(Infinity, now);
        break;
      default:
        input satisfies never;
    }
    return this.#phase === "running";
  }

  #members(came: readonly Member[], gone: readonly NodeId[]): void {
    const others = gone.filter((id) => id !== this.#self);
    const refused = this.#plan.apply(came, others);
    for (let count = 0; count < refused; count += 1) this.#out.count("member-refused");
    this.#choices = this.#plan.choicesOf(this.#self);
    // Whoever comes back begins anew, and whoever is no server any more is not dialled.
    for (const id of others) this.#forget(id);
    for (const id of this.#retries.ids()) if (!this.#plan.isServer(id)) this.#forget(id);
  }

  #forget(id: NodeId): void {
    if (this.#retries.isDialling(id)) this.#out.release(id);
    this.#retries.forget(id);
  }

  #linkDown(id: NodeId, now: number): void {
    const link = this.#links.get(id);
    if (!link) return;
    this.#links.delete(id);
    if (!this.#plan.isServer(id)) return;
    if (link.released) this.#retries.forget(id);
    else this.#retries.failed(id, now);
  }

  #act(now: number): void {
    const role = this.role;
    if (role !== this.#role) this.#out.role(role);
    this.#role = role;
    const wantedAt = role === "server" ? this.#joinServers(now) : this.#followServers(now);
    const releaseAt = role === "server" ? Infinity : this.#releaseClients(now);
    this.#out.wakeAt(Math.min(wantedAt, releaseAt), now);
  }

  /** A server is linked to all servers. Returns when something is to be done next. */
  #joinServers(now: number): number {
    this.#attach(undefined, undefined);
    let next = Infinity;
    for (const id of this.#plan.servers) {
      if (id === this.#self) continue;
      this.#retries.know(id, now);
      // Of two that want each other one leaves the dial to the other, so that few dials cross.
      const patienceMs = this.#self < id ? 0 : this.#times.patienceMs;
      next = Math.min(next, this.#want(id, this.#retries.notBefore(id) + patienceMs, now));
    }
    return next;
  }

  /** A client is linked to the first two of its choices that can be reached. */
  #followServers(now: number): number {
    let next = Infinity;
    const wanted: NodeId[] = [];
    for (const id of this.#choices) {
      if (wanted.length === 2) break;
      const notBefore = this.#retries.notBefore(id);
      if (this.#links.has(id) || now >= notBefore) wanted.push(id);
      else next = Math.min(next, notBefore);
    }
    const linked = this.#choices.filter((id) => this.#links.has(id));
    // Those in use as well: one that was given back and is still up is needed again.
    for (const id of [...wanted, ...linked.slice(0, 2)]) this.#want(id, now, now);
    this.#attach(linked[0] ?? this.#lastResort(), linked[1]);
    const hasAll = this.#server === wanted[0] && this.#standby === wanted[1];
    if (hasAll) this.#releaseServers(wanted);
    return next;
  }

  /** One that is a server no more serves until a server is linked. */
  #lastResort(): NodeId | undefined {
    return this.#server !== undefined && this.#links.has(this.#server) ? this.#server : undefined;
  }

  /** Asks for a link where there is none. Returns when to ask again, if not now. */
  #want(id: NodeId, earliest: number, now: number): number {
    assert(this.#plan.isServer(id), "only servers are wanted");
    const link = this.#links.get(id);
    if (link?.released) {
      link.released = false;
      this.#out.connect(id);
    }
    if (link || this.#retries.isDialling(id)) return Infinity;
    if (now < earliest) return earliest;
    // Each dial under way ends with an input, after which this is asked again.
    if (this.#retries.inFlight >= this.#limits.dialsInFlightMax) return Infinity;
    this.#retries.dialled(id);
    this.#out.connect(id);
    return Infinity;
  }

  #attach(server: NodeId | undefined, standby: NodeId | undefined): void {
    assert(server !== undefined || standby === undefined, "a standby stands by a primary");
    if (server === this.#server && standby === this.#standby) return;
    const isLost = this.#server !== undefined && !this.#links.has(this.#server);
    if (isLost) this.#out.count(server === undefined ? "cut-off" : "failover");
    this.#server = server;
    this.#standby = standby;
    this.#out.attach(server, standby);
  }

  #releaseServers(wanted: readonly NodeId[]): void {
    for (const [id, link] of this.#links) {
      if (link.released || wanted.includes(id) || !this.#plan.isServer(id)) continue;
      link.released = true;
      this.#out.release(id);
    }
  }

  /** Gives back links to clients. Returns when the next one is due. */
  #releaseClients(now: number): number {
    let next = Infinity;
    const hasServer = this.#server !== undefined && this.#plan.isServer(this.#server);
    for (const [id, link] of this.#links) {
      if (link.released) continue;
      if (this.#plan.mayLink(this.#self, id)) {
        link.forbiddenSince = undefined;
        continue;
      }
      link.forbiddenSince ??= now;
      const dueAt = link.forbiddenSince + this.#times.graceMs;
      if (now < dueAt) next = Math.min(next, dueAt);
      else if (hasServer) {
        link.released = true;
        this.#out.release(id);
      }
    }
    return next;
  }

  /** Where a message to somebody else begins: two servers with a link. */
  #entries(): readonly NodeId[] {
    if (this.role === "server") {
      return this.#plan.servers.filter((id) => this.#links.has(id)).slice(0, 2);
    }
    return [this.#server, this.#standby].filter((id) => id !== undefined);
  }
}

/**
 * ServerView: client-server as a topology: servers are linked to all servers, and everybody else to two
 * of them.
 *
 * client-server/ decides by what the directory says of members; here its wishes become dials. A member that drains is a
 * server no more, so that its clients move before it goes.
 *
 * Invariant: each change of a member is told to client-server/ once.
 */
import type { NodeId } from "@foundation/core";
import { ClientServer } from "../client-server/client-server.js";
import type { ClientServerEffect, ClientServerInput, Member } from "../client-server/effects.js";
import { CoreTopology } from "./core-topology.js";
import type { DirectoryEntry } from "./entry.js";
import type { Peer } from "./peer.js";
import type { MembershipState } from "./state.js";
import type { ClientLinks, Topology } from "./topology.js";

export class ServerView
  extends CoreTopology<ClientServerInput, ClientServerEffect>
  implements Topology
{
  readonly name = "client-server";
  readonly #core: ClientServer;
  readonly #released = new Set<NodeId>();

  constructor(state: MembershipState) {
    super(state);
    this.#core = new ClientServer({ self: memberOf(state.self), random: state.random });
  }

  get clients(): ClientLinks {
    return this.#core;
  }

  start(now: number): void {
    const { live, linked } = this.state.lists;
    const came = live.flatMap(({ id }) => this.#memberOf(id) ?? []);
    this.feed({ type: "members", came, gone: [] }, now);
    for (const { id } of linked) this.feed({ type: "link-up", id }, now);
    this.feed({ type: "start" }, now);
    this.#review();
  }

  linkUp(peer: Peer, now: number): void {
    this.dials.answered(peer.id);
    this.#released.delete(peer.id);
    this.feed({ type: "link-up", id: peer.id }, now);
    this.#settle(peer);
  }

  override linkDown(peer: Peer, now: number): void {
    this.#released.delete(peer.id);
    super.linkDown(peer, now);
  }

  /** Also told when a member began to drain. Its link may be up already, and others become servers by it. */
  livenessChanged({ id }: Peer, isLive: boolean, now: number): void {
    const member = isLive ? this.#memberOf(id) : undefined;
    const [came, gone] = member ? [[member], []] : [[], [id]];
    this.feed({ type: "members", came, gone }, now);
    this.#review();
  }

  onMessage(): void {}

  /** A server keeps its links to servers; those of clients are theirs to keep. */
  wants({ id }: Peer): boolean {
    if (this.#released.has(id)) return false;
    return this.#core.role === "server" ? this.#core.plan.isServer(id) : this.#isMine(id);
  }

  otherSideWants(peer: Peer): void {
    this.#settle(peer);
  }

  /** A client keeps its servers, and while it has none whatever it has. */
  #isMine(id: NodeId): boolean {
    const { server, standby } = this.#core;
    return server === undefined || id === server || id === standby;
  }

  #memberOf(id: NodeId): Member | undefined {
    const entry = this.state.directory.get(id);
    return entry && memberOf(entry);
  }

  protected handle(input: ClientServerInput, now: number): readonly ClientServerEffect[] {
    return this.#core.handle(input, now);
  }

  protected run(effect: ClientServerEffect, now: number): void {
    const { out } = this.state;
    switch (effect.type) {
      case "connect":
        return this.#connect(effect.to, now);
      case "release":
        return this.#release(effect.to);
      case "attach":
      case "role":
        return this.#review();
      case "set-timer":
        return out.setTimer(`view:${effect.timer}`, effect.delayMs, now);
      case "cancel-timer":
        return out.cancelTimer(`view:${effect.timer}`);
      case "count":
        return out.count(`server-${effect.counter}`);
      default:
        effect satisfies never;
    }
  }

  #connect(id: NodeId, now: number): void {
    this.#released.delete(id);
    const peer = this.state.peers.get(id);
    if (peer?.link) return this.#review();
    if (!this.dials.ask(id)) this.feed({ type: "dial-failed", id }, now);
  }

  #release(id: NodeId): void {
    this.#released.add(id);
    this.dials.giveUp(id);
    this.#review();
  }

  /** Who is a neighbour and whose link is wanted, by what holds now. */
  #review(): void {
    for (const peer of this.state.lists.linked) this.#settle(peer);
  }

  /** Broadcasts pass on links that a side wants: so both agree on it. */
  #settle(peer: Peer): void {
    const isWanted = this.wants(peer);
    this.state.want(peer, isWanted);
    this.state.setNeighbour(peer, isWanted || peer.wantedThere);
  }
}

function memberOf({ id, roles, status }: DirectoryEntry): Member {
  return { id, roles, draining: status === "draining" };
}

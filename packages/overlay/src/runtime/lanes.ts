/**
 * Lanes: the links of channels to one start of a peer: made when they are first used, and with what
 * earlier ones had counted and kept, where the same start of the peer has come back.
 *
 * Limits: LINK.channelsMax channels of one peer; what is kept, and for how long: see KeptFlows.
 */
import type { Channels } from "../channel-options.js";
import { checkNewChannel } from "./channel-name.js";
import { KeptFlows } from "./kept-flows.js";
import { Link } from "./link.js";
import type { LinkWorld } from "./link-world.js";
import type { Peer } from "./peer.js";

export class Lanes {
  readonly #channels: Channels;
  readonly #world: LinkWorld;
  readonly #kept: KeptFlows;

  constructor(channels: Channels, world: LinkWorld) {
    this.#channels = channels;
    this.#world = world;
    this.#kept = new KeptFlows(world.clock, world.metrics);
  }

  /** One that is not there yet. @throws {ERR_INVALID_ARGUMENT} for a bad channel name */
  make(peer: Peer, channel: string, lane: number): Link {
    let lanes = peer.channels.get(channel);
    if (lanes === undefined) {
      checkNewChannel(channel, peer.channels.size);
      lanes = [];
      peer.channels.set(channel, lanes);
    }
    const flows = this.#kept.take(peer, channel, lane);
    const link = new Link(peer, this.#channels.of(channel), lane, this.#world, flows);
    lanes[lane] = link;
    return link;
  }

  /** The same start of a peer is back: those of which something was kept are there again. */
  restore(peer: Peer): void {
    for (const { channel, lane } of this.#kept.lanesOf(peer)) {
      if (peer.channels.get(channel)?.[lane] === undefined) this.make(peer, channel, lane);
    }
  }

  /** The peer is removed; its start may come back, or it is over. */
  removed(peer: Peer, mayReturn: boolean): void {
    if (mayReturn) this.#kept.put(peer);
    else this.#kept.forget(peer.id);
  }

  /** Nobody comes back. */
  clear(): void {
    this.#kept.clear();
  }
}

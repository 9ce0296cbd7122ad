/**
 * Dials: the dials a topology has asked for, each given up with its first failure: the link layer
 * by itself would dial again, and the topology rather tries somebody else.
 */
import type { NodeId } from "@foundation/core";
import type { Peer } from "./peer.js";
import type { MembershipState } from "./state.js";

export class Dials {
  readonly #state: MembershipState;
  readonly #asked = new Set<NodeId>();

  constructor(state: MembershipState) {
    this.#state = state;
  }

  /** Dials a member on behalf of the topology; false for one that cannot be dialled now. */
  ask(id: NodeId): boolean {
    const peer = this.#state.peers.get(id);
    if (peer === undefined || !this.dial(peer)) return false;
    this.#asked.add(id);
    return true;
  }

  /** The same on nobody's behalf, for what its outcome says. */
  dial(peer: Peer): boolean {
    const { id } = peer;
    const entry = this.#state.directory.get(id);
    if (!entry || !this.#state.isLive(id) || peer.endingSince !== undefined) return false;
    if (peer.wanted && peer.wanted !== entry.address) this.#state.out.forget(peer.wanted);
    peer.wanted = entry.address;
    this.#state.lists.dialling.add(peer);
    this.#state.out.connect({ id, address: entry.address });
    return true;
  }

  /** There is a link. */
  answered(id: NodeId): void {
    this.#asked.delete(id);
  }

  /** A dial failed; answers whether the topology had asked for it. */
  failed(id: NodeId): boolean {
    const wasAsked = this.#asked.has(id);
    this.giveUp(id);
    return wasAsked;
  }

  giveUp(id: NodeId): void {
    this.#asked.delete(id);
    const peer = this.#state.peers.get(id);
    if (peer?.wanted === undefined) return;
    this.#state.out.forget(peer.wanted);
    peer.wanted = undefined;
    this.#state.lists.dialling.delete(peer);
  }

  giveUpAll(): void {
    for (const id of [...this.#asked]) this.giveUp(id);
  }
}

/**
 * Admission: may a connection whose other side is known become a link?
 *
 * It runs the pure rules of protocol/links.ts on what this node knows: its links, its own dials
 * that wait for their answer, the newest boot of each id it was ever linked to, and the node key
 * each id has proved. A holder of a
 * node id is asked for a sign of life before a newcomer with that id is judged.
 *
 * Invariant: every question is answered once, at once or after `Preset.pingTimeoutMs`.
 */
import type { Boot, Logger, NodeId } from "@foundation/core";
import type { RefusalCode } from "../errors.js";
import { LINK } from "../limits.js";
import type { PeerIdentity } from "../protocol/handshake/handshake.js";
import { judgeChannel, judgeLink } from "../protocol/links.js";
import { PinnedKeys } from "../protocol/handshake/pinned-keys.js";
import { COORDINATION } from "./dial-targets.js";
import type { Answer } from "./handshake-run.js";
import type { Link } from "./link.js";
import type { PeerTable } from "./peer-table.js";
import type { SelfIdentity, World } from "./world.js";

export class Admission {
  readonly #self: SelfIdentity;
  readonly #logger: Logger;
  readonly #table: PeerTable;
  readonly #newestBoots = new Map<NodeId, Boot>();
  readonly #provedDials = new Map<NodeId, number>();
  readonly #keys: PinnedKeys;
  readonly #holderPingMs: number;

  constructor(world: World, table: PeerTable) {
    this.#self = world.self;
    this.#logger = world.logger;
    this.#holderPingMs = world.preset.pingTimeoutMs;
    this.#table = table;
    this.#keys = new PinnedKeys((id) => table.isLinked(id));
  }

  /** Judges a connection; `undefined` is the answer that lets it in. */
  judge(peer: PeerIdentity, dialledBy: "us" | "peer", answer: Answer): void {
    if (this.#table.isClosing) return answer("ERR_SHUTTING_DOWN");
    if (!this.#keys.fits(peer.id, peer.nodeKey)) return answer("ERR_NODE_KEY_MISMATCH");
    if (peer.channel !== COORDINATION && peer.id !== this.#self.id)
      return answer(this.#judgeChannel(peer, dialledBy));
    const held = this.#table.peer(peer.id);
    const coordination = held?.coordination;
    const verdict = judgeLink({
      self: this.#self,
      peer,
      dialledBy,
      linkedBoot: coordination?.isUp === true ? held?.boot : undefined,
      newestBoot: this.#newestBoots.get(peer.id),
      ownDialProved: this.#provedDials.has(peer.id),
    });
    switch (verdict.type) {
      case "accept":
        return answer(undefined);
      case "refuse":
        return verdict.code === "ERR_NODE_ID_CLASH"
          ? answer(verdict.code, this.#self.address)
          : answer(verdict.code);
      case "ask-holder":
        return this.#askHolder(coordination as Link, peer, dialledBy, answer);
      default:
        verdict satisfies never;
    }
  }

  /** Our own dial of this peer sends its proof now; returns the function that says it is over. */
  ownDialProves(peer: PeerIdentity): () => void {
    const { id } = peer;
    if (peer.channel !== COORDINATION) return () => {};
    this.#provedDials.set(id, (this.#provedDials.get(id) ?? 0) + 1);
    return () => {
      const left = (this.#provedDials.get(id) ?? 1) - 1;
      if (left === 0) this.#provedDials.delete(id);
      else this.#provedDials.set(id, left);
    };
  }

  /**
   * A peer has proved its node key, if it has one. False: another key was proved for its id since
   * it was judged, so it must not be let in.
   */
  keyProved(peer: PeerIdentity): boolean {
    return this.#keys.proved(peer.id, peer.nodeKey);
  }

  /** A coordination link was proved. Oldest entries go first: a Map keeps the order of insertion. */
  linked(id: NodeId, boot: Boot): void {
    this.#newestBoots.delete(id);
    this.#newestBoots.set(id, boot);
    if (this.#newestBoots.size <= LINK.bootsMax) return;
    for (const oldest of this.#newestBoots.keys()) {
      this.#newestBoots.delete(oldest);
      return;
    }
  }

  #judgeChannel(peer: PeerIdentity, dialledBy: "us" | "peer"): RefusalCode | undefined {
    const held = this.#table.peer(peer.id);
    const lanes = held?.channels.get(peer.channel);
    if (dialledBy === "us") {
      // It was judged when it was wanted, unless another process answers now, or another dial came
      // first.
      if (held?.boot !== peer.boot) return "ERR_NO_COORDINATION_LINK";
      return lanes?.[peer.lane]?.isUp === true ? "ERR_DUPLICATE_LINK" : undefined;
    }
    const up = held?.coordination?.isUp === true;
    const verdict = judgeChannel({
      peer,
      coordination: up ? { boot: held.boot, dialledBy: held.dialledBy } : undefined,
      isNew: lanes === undefined,
      channels: held?.channels.size ?? 0,
    });
    return verdict.type === "refuse" ? verdict.code : undefined;
  }

  #askHolder(holder: Link, peer: PeerIdentity, dialledBy: "us" | "peer", answer: Answer): void {
    holder.ping(this.#holderPingMs, (alive) => {
      if (!alive) {
        // Judged again without the holder: something may have changed while we waited.
        if (holder.isUp)
          holder.disconnect({ reason: "replaced", detail: "it answered no ping any more" });
        return this.judge(peer, dialledBy, answer);
      }
      if (holder.peer.boot === peer.boot) return answer("ERR_DUPLICATE_LINK");
      this.#logger.error(
        "two live processes use the same node id: the newcomer was refused. Give each its own data directory",
        { nodeId: peer.id, holder: holder.peer.address, newcomer: peer.address },
      );
      answer("ERR_NODE_ID_CLASH", holder.peer.address);
    });
  }
}

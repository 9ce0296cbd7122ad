/**
 * Forwarding: sends a new message on, and old ones to whoever asks for them.
 *
 * All copies of one message share one object, so that it is encoded once. Of a large payload the
 * neighbours hear first that it is here: one that is about to send it saves itself the copy.
 */
import type { NodeId } from "@foundation/core";
import type { Announcements } from "./announcements.js";
import type { Outbox } from "./effects.js";
import type { PlumtreeLimits } from "./limits.js";
import { HOP_MAX, type Gossip, type PlumtreeMessage, type Run } from "./messages.js";
import type { Neighbor } from "./neighbor.js";
import type { Entry } from "./source.js";
import type { Sources } from "./sources.js";
import type { Tree } from "./tree.js";

export class Forwarding<P> {
  readonly #out: Outbox<P>;
  readonly #tree: Tree<P>;
  readonly #announcements: Announcements<P>;
  readonly #sources: Sources<P>;
  readonly #limits: PlumtreeLimits;

  constructor(
    out: Outbox<P>,
    tree: Tree<P>,
    announcements: Announcements<P>,
    sources: Sources<P>,
    limits: PlumtreeLimits,
  ) {
    this.#out = out;
    this.#tree = tree;
    this.#announcements = announcements;
    this.#sources = sources;
    this.#limits = limits;
  }

  /** To eager neighbours the payload, to lazy ones an announcement; `flood`: to them as well. */
  forward(entry: Entry<P>, flood: boolean, now: number): void {
    const { neighbors } = this.#tree;
    const large = entry.sizeBytes >= this.#limits.unwantedBytesMin;
    if (large && entry.hop > 0) this.#sayUnwanted(entry);
    let payload: Gossip<P> | undefined;
    let flooded: Gossip<P> | undefined;
    let announce = false;
    for (const neighbor of neighbors) {
      if (neighbor.id === entry.from) continue;
      if (neighbor.eager) {
        if (large && this.#isRefused(neighbor, entry, now)) continue;
        this.#out.send(neighbor.id, (payload ??= gossipOf(entry, entry.beside)));
      } else if (flood) {
        this.#out.send(neighbor.id, (flooded ??= gossipOf(entry, true)));
      } else {
        announce = true;
      }
    }
    if (announce) this.#announcements.add(entry, neighbors, now);
  }

  /** A neighbour asks for messages: it gets as many as one graft may. */
  answer(from: NodeId, eager: boolean, runs: readonly Run[], now: number): void {
    const neighbor = this.#tree.get(from);
    if (eager && neighbor !== undefined) this.#tree.promote(neighbor, now);
    const { pullMessagesMax } = this.#limits;
    let messages = pullMessagesMax;
    let bytes = this.#limits.pullBytesMax;
    let missed = false;
    let missedOwn = false;
    for (const { origin, boot, lo, hi } of runs) {
      const source = this.#sources.find(origin, boot);
      const cached = source?.cached;
      const last = Math.min(hi, lo + pullMessagesMax - 1);
      for (let seq = lo; seq <= last && messages > 0 && bytes > 0; seq += 1) {
        const entry = cached?.get(seq);
        if (entry === undefined) {
          missed = true;
          missedOwn ||= source === this.#sources.own;
          continue;
        }
        this.#out.send(from, gossipOf(entry, !eager || entry.beside));
        messages -= 1;
        bytes -= entry.sizeBytes;
      }
    }
    if (missed) this.#out.count("graft-missed");
    // Nobody else has to be asked, and nobody has to wait.
    if (missedOwn) this.#sayWhatIsKept(from);
  }

  /** Of this node's own messages. */
  #sayWhatIsKept(to: NodeId): void {
    const { origin, boot, next, cached, low } = this.#sources.own;
    const lo = cached === undefined ? next : low;
    const runs = [{ origin, boot, lo, hi: next - 1, hop: 0 }];
    const says = { ask: false, more: false, fresh: true, seeking: false };
    this.#out.send(to, { type: "digest", ...says, runs });
  }

  #sayUnwanted(entry: Entry<P>): void {
    const { origin, boot } = entry.source;
    let message: PlumtreeMessage<P> | undefined;
    for (const { id, eager } of this.#tree.neighbors) {
      if (!eager || id === entry.from) continue;
      message ??= { type: "unwanted", origin, boot, seq: entry.seq };
      this.#out.send(id, message);
    }
  }

  /** The neighbour has it already, from elsewhere: as redundant a link as if it had come twice. */
  #isRefused(neighbor: Neighbor, entry: Entry<P>, now: number): boolean {
    const { origin, boot } = entry.source;
    if (!neighbor.refused({ origin, boot, seq: entry.seq })) return false;
    if (!entry.beside) this.#tree.prune(neighbor, now);
    return true;
  }
}

function gossipOf<P>(entry: Entry<P>, beside: boolean): Gossip<P> {
  const { source, seq, back, payload } = entry;
  const { origin, boot } = source;
  const hop = Math.min(HOP_MAX, entry.hop + 1);
  return { type: "gossip", origin, boot, seq, hop, back, beside, payload };
}

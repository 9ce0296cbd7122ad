/**
 * Gossip: how statements about nodes are learnt, told on, and shown to the application.
 *
 * What is told to whom, and when, is news.ts; what gets lost (a broken link, a full queue) is found by
 * comparison.ts. A rumour of a death is not believed at once by a node that has a live link to the accused: it asks first. That
 * is our departure from SWIM: when two halves of a partition meet, each brings rumours of the
 * other's members, and nobody inside a half should lose a connection to them.
 *
 * Invariants: this node's own entry is only changed by itself; the application sees each change
 * once, and the end of a node after the end of its link.
 */
import type { NodeId } from "@foundation/core";
import { compareEntries, isEnded, memberOf, type DirectoryEntry } from "./entry.js";
import { membershipLimits as limits } from "./limits.js";
import type { Claim, WireEntry } from "./messages.js";
import type { News } from "./news.js";
import type { Peer } from "./peer.js";
import { claimOf, type MembershipState } from "./state.js";

/** Told of every statement that was new, before the application is. */
export type OnLearned = (peer: Peer, entry: DirectoryEntry, from: NodeId, now: number) => void;

export class Gossip {
  readonly #state: MembershipState;
  readonly #onLearned: OnLearned;
  readonly #news: News;
  #supersededLogged = false;
  #refusedLogged = false;

  constructor(state: MembershipState, news: News, onLearned: OnLearned) {
    this.#state = state;
    this.#news = news;
    this.#onLearned = onLearned;
  }

  learnAll(entries: readonly WireEntry[], from: NodeId, now: number): void {
    for (const entry of entries) this.learn(entry, entry.ageMs, from, now);
  }

  /** Takes in a statement. `from` is the node that told it, or this node for its own verdicts. */
  learn(entry: DirectoryEntry, ageMs: number, from: NodeId, now: number): void {
    const { self, directory } = this.#state;
    if (entry.id === self.id) return this.aboutSelf(entry, entry.status, now);
    const known = directory.get(entry.id);
    const newer = known ? compareEntries(entry, known) : 1;
    if (known && newer < 0 && isEnded(known.status)) this.#news.correct(from, entry.id);
    if (newer <= 0) return;
    if (from !== self.id && this.#doubts(entry, ageMs, from, known, now)) return;
    this.#accept(entry, ageMs, from, now);
  }

  /** The time to refute a doubted rumour is over, or the link that spoke against it broke. */
  believe(peer: Peer, now: number): void {
    const doubt = peer.doubted;
    peer.doubted = undefined;
    this.#state.out.cancelTimer(`doubt:${peer.id}`);
    if (!doubt) return;
    const known = this.#state.directory.get(peer.id);
    if (known && compareEntries(doubt.entry, known) <= 0) return;
    this.#accept(doubt.entry, doubt.ageMs, doubt.from, now);
  }

  /**
   * Somebody states something about this node: what is worse than the truth is refuted at once
   * (SWIM).
   */
  aboutSelf(claim: Claim, status: DirectoryEntry["status"], now: number): void {
    const { self, out, health } = this.#state;
    if (self.status === "left" || claim.boot < self.boot) return;
    if (claim.boot > self.boot) {
      if (this.#supersededLogged) return;
      this.#supersededLogged = true;
      out.log(
        "error",
        "A newer start of this node's id is in the cluster: two processes use one identity",
        {
          id: self.id,
          boot: self.boot,
          otherBoot: claim.boot,
        },
      );
      return;
    }
    const same = { ...self, incarnation: claim.incarnation, status };
    if (status === "left" || compareEntries(same, self) <= 0) return;
    out.count("refutation");
    if (isEnded(status) || status === "suspect") health.worse();
    this.announceSelf({}, claim.incarnation, now);
  }

  /** Tells everybody a new incarnation of this node's own entry. */
  announceSelf(
    change: Parameters<MembershipState["setSelf"]>[0],
    above: number,
    now: number,
  ): void {
    this.#state.setSelf(change, above, now);
    this.#news.ofSelf();
  }

  /** Tells what this input brought. */
  flush(now: number): void {
    this.#news.flush(now);
  }

  /** Brings what the application sees in line with the directory, one event for each change. */
  reveal(peer: Peer, now: number): void {
    const entry = this.#state.directory.get(peer.id);
    const live = entry && !isEnded(entry.status) ? entry : undefined;
    if (peer.visible && peer.visible.boot !== live?.boot) {
      if (!this.#conceal(peer, entry, now)) return;
    }
    if (live) this.#show(peer, live);
    else this.#state.release(peer);
  }

  /** True when the rumour waits for the accused's answer. */
  #doubts(
    entry: DirectoryEntry,
    ageMs: number,
    from: NodeId,
    known: DirectoryEntry | undefined,
    now: number,
  ): boolean {
    const peer = this.#state.peers.get(entry.id);
    if (entry.status !== "down" || !peer || peer.link !== entry.boot) return false;
    if (known?.boot !== entry.boot || isEnded(known.status)) return false;
    const heard = now - this.#state.heardAt(peer) < this.#state.times.doubtMs;
    if (known.status === "suspect" && !heard) return false;
    if (peer.doubted) return true;
    this.#state.out.count("rumour-doubted");
    peer.doubted = { entry, ageMs, from };
    this.#state.out.setTimer(`doubt:${peer.id}`, this.#state.times.probeTimeoutMinMs, now);
    const ping = { type: "ping", ...claimOf(entry), seq: 0, status: entry.status } as const;
    this.#state.out.send(peer.id, ping);
    return true;
  }

  #accept(entry: DirectoryEntry, ageMs: number, from: NodeId, now: number): void {
    const { id, boot, incarnation, status, address, name, roles, labels } = entry;
    const plain = { id, boot, incarnation, status, address, name, roles, labels };
    const known = this.#state.directory.get(id);
    const outcome = this.#state.directory.merge(plain, now, ageMs);
    if (outcome === "refused" && !this.#refusedLogged) {
      this.#refusedLogged = true;
      this.#state.out.log("error", "The directory is full: a further member is not taken in", {
        limit: "membersMax",
        membersMax: limits.membersMax,
      });
    }
    if (outcome !== "applied") return;
    if (status !== "suspect") this.#news.of(plain, known, from);
    const unseen = isEnded(status) && (!known || isEnded(known.status));
    if (unseen && !this.#state.peers.has(id)) return;
    const peer = this.#state.peer(id, now);
    this.#state.directoryChanged(peer, now);
    if (from !== this.#state.self.id && status === "down") peer.reason = "reported down";
    if (!isEnded(status)) peer.returning = known?.boot === boot && isEnded(known.status);
    this.#onLearned(peer, plain, from, now);
    this.reveal(peer, now);
  }

  /** Ends a boot in the application's view; false while its link is still being closed. */
  #conceal(peer: Peer, entry: DirectoryEntry | undefined, now: number): boolean {
    const visible = peer.visible;
    if (!visible) return true;
    const left = entry?.boot === visible.boot && entry.status === "left";
    const waited = now - (peer.endingSince ?? now);
    if (!left && peer.link === visible.boot && waited < this.#state.times.linkEndMaxMs) {
      if (peer.endingSince === undefined) {
        peer.endingSince = now;
        this.#state.lists.ending.add(peer);
        this.#state.out.disconnect(peer.id, visible.boot, false);
      }
      return false;
    }
    if (peer.endingSince === undefined) this.#state.out.disconnect(peer.id, visible.boot, left);
    this.#notEnding(peer);
    peer.visible = undefined;
    this.#state.visibleCount -= 1;
    peer.wanted = undefined;
    this.#state.lists.dialling.delete(peer);
    this.#state.viewVersion += 1;
    const { out } = this.#state;
    if (left) {
      out.event({ type: "node-left", node: { ...visible, status: "left" } });
    } else {
      const reason = entry?.boot === visible.boot ? peer.reason : "restarted";
      out.event({ type: "node-down", node: { ...visible, status: "down" }, reason });
    }
    return true;
  }

  #notEnding(peer: Peer): void {
    if (peer.endingSince === undefined) return;
    peer.endingSince = undefined;
    this.#state.lists.ending.delete(peer);
  }

  #show(peer: Peer, entry: DirectoryEntry): void {
    const before = peer.visible;
    const node = memberOf(entry);
    peer.visible = node;
    // It may have refuted while the end of its link was awaited: then it never ended.
    this.#notEnding(peer);
    this.#state.viewVersion += 1;
    const { out } = this.#state;
    if (!before) {
      this.#state.visibleCount += 1;
      const { returning } = peer;
      peer.returning = false;
      out.event(
        returning ? { type: "node-up", node, previous: "down" } : { type: "node-up", node },
      );
    }
    if (before?.status === node.status) return;
    if (node.status === "suspect") out.event({ type: "node-suspect", node });
    else if (node.status === "draining") out.event({ type: "node-draining", node });
    else if (before) out.event({ type: "node-up", node, previous: before.status });
  }
}

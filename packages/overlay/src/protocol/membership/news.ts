/**
 * News: what this node has to tell on, and when.
 *
 * A verdict, a refutation and what a node states of itself go out with the input that brought them.
 * Newcomers may wait: when many nodes join at once, each message tells of all that were heard of
 * within a while of each other, or a storm of n joins would be n messages on each of n links. The first
 * newcomer after a pause waits for nothing.
 *
 * Whom this node heard of a newcomer matters: whoever it introduced itself to tells it on every link,
 * for it has few others yet; everybody else tells it on a few.
 *
 * Invariant: what is told is what the directory says when it is told, so nothing stale leaves.
 */
import type { NodeId } from "@foundation/core";
import type { DirectoryEntry } from "./entry.js";
import { membershipLimits as limits } from "./limits.js";
import { updatesOf, type MembershipState } from "./state.js";

const NEWS_TIMER = "news";

export class News {
  readonly #state: MembershipState;
  /** To be told at the end of this input, and who told it. */
  readonly #urgent = new Map<NodeId, NodeId>();
  /** Newcomers that introduced themselves to this node. */
  readonly #introduced = new Set<NodeId>();
  /** Newcomers that others told of, and who did. */
  readonly #heardOf = new Map<NodeId, NodeId>();
  /** Who is to be told about which gone nodes at the end of this input. */
  readonly #corrections = new Map<NodeId, Set<NodeId>>();
  #newcomersToldAt = Number.NEGATIVE_INFINITY;

  constructor(state: MembershipState) {
    this.#state = state;
  }

  /** Something about this node itself: every link is told. */
  ofSelf(): void {
    const { id } = this.#state.self;
    this.#urgent.set(id, id);
  }

  /** The directory took in a statement; `known` is what it held before. */
  of(entry: DirectoryEntry, known: DirectoryEntry | undefined, from: NodeId): void {
    const { id } = entry;
    const isNewcomer = known === undefined && entry.status === "alive" && entry.incarnation === 0;
    if (!isNewcomer) this.#urgent.set(id, from);
    else if (from === id) this.#introduced.add(id);
    else this.#heardOf.set(id, from);
  }

  /** Whoever still believes in a node that is gone is told so. */
  correct(believer: NodeId, about: NodeId): void {
    const ids = this.#corrections.get(believer) ?? new Set();
    this.#corrections.set(believer, ids.add(about));
  }

  /** Tells what may not wait: not to the one node that all of it came from. */
  flush(now: number): void {
    const { directory } = this.#state;
    for (const [to, ids] of this.#corrections)
      this.#state.sendEntries(to, directory.wired(ids, now));
    this.#corrections.clear();
    this.#tellUrgent(now);
    if (this.#introduced.size + this.#heardOf.size === 0) return;
    const { out, growth } = this.#state;
    const waitMs = this.#newcomersToldAt + growth.newsGapMs - now;
    if (waitMs <= 0) this.tellNewcomers(now);
    else if (out.dueAt(NEWS_TIMER) === undefined) out.setTimer(NEWS_TIMER, waitMs, now);
  }

  /** Tells of everybody who came since the last time. */
  tellNewcomers(now: number): void {
    const { out, directory } = this.#state;
    out.cancelTimer(NEWS_TIMER);
    this.#newcomersToldAt = now;
    const introduced = updatesOf(directory.wired(this.#introduced, now));
    const heardOf = updatesOf(directory.wired(this.#heardOf.keys(), now));
    this.#state.broadcast(introduced, ...theOnly(this.#introduced));
    const { isPartial, lists } = this.#state;
    const { relayedTo, newcomersToldTo } = limits;
    const isMesh = !isPartial && lists.linked.length > relayedTo;
    const count = isMesh ? newcomersToldTo : relayedTo;
    this.#state.relayTo(count, heardOf, ...theOnly(new Set(this.#heardOf.values())));
    this.#introduced.clear();
    this.#heardOf.clear();
  }

  #tellUrgent(now: number): void {
    if (this.#urgent.size === 0) return;
    const { self, directory } = this.#state;
    const sources = new Set(this.#urgent.values());
    const messages = updatesOf(directory.wired(this.#urgent.keys(), now));
    this.#urgent.clear();
    if (sources.has(self.id)) this.#state.broadcast(messages);
    else this.#state.relay(messages, ...theOnly(sources));
  }
}

/** Who told everything need not be told it; where several told something, each lacks the rest. */
function theOnly(sources: ReadonlySet<NodeId>): readonly NodeId[] {
  return sources.size === 1 ? [...sources] : [];
}

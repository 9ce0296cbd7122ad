/**
 * Promotion: fills the free places of the active view.
 *
 * With fewer neighbours than `activeMin` a node is in need: it asks several others at once, with
 * high priority, and goes on until it has enough. Above that a free place does no harm, and it may
 * stay when all others are full: then few are asked, and the pauses grow, since each question to a
 * stranger costs a link. (A shuffle says that its origin has a free place, so two of them meet
 * without that.)
 *
 * Invariant: while there is a free place a timer is pending, so that no silence is the last word.
 */
import type { NodeId } from "@foundation/core";
import type { Edges } from "./edges.js";
import type { HyParViewState } from "./state.js";

export class Promotion {
  readonly #state: HyParViewState;
  readonly #edges: Edges;
  /** Contacts of a join that have not been asked, drawn from the end. */
  readonly #untried: NodeId[] = [];
  readonly #contacts: NodeId[] = [];
  /** So long after it began a join's walks are waited for. */
  #underWayUntilMs = Number.NEGATIVE_INFINITY;
  #triesLeft = 0;
  /** Rounds since something changed. */
  #rounds = 0;

  constructor(state: HyParViewState, edges: Edges) {
    this.#state = state;
    this.#edges = edges;
  }

  /**
   * Joins through one of the contacts; the others are tried when that fails. While a join is under
   * way they are further ones of that: each join sends a newcomer on walks that bring it all the
   * neighbours it has room for, and those of a second one would be dialled only to be refused.
   */
  join(contacts: readonly NodeId[]): void {
    const { now, times } = this.#state;
    if (this.#isUnderWay) return this.#addContacts(contacts);
    this.#contacts.length = 0;
    this.#untried.length = 0;
    this.#addContacts(contacts);
    this.#underWayUntilMs = now + times.answerMs;
    this.#state.isJoined = false;
    this.#state.becomeRestless();
    this.renew();
    if (!this.#askContact()) this.#state.vacancy = "now";
  }

  /** Called when a place may have become free. */
  fill(isUrgent: boolean): void {
    if (this.#state.isFull) return;
    if (isUrgent) this.#ask();
    const { isNeedy, times } = this.#state;
    if (isUrgent) this.#arm(this.#pause());
    else this.#arm(isNeedy ? times.urgentMs : times.patienceMs);
  }

  /** A neighbour was lost, or others appeared: waiting long has no reason any more. */
  renew(): void {
    this.#triesLeft = this.#state.limits.triesPerRound;
    this.#rounds = 0;
  }

  onTimer(): void {
    this.#rounds += 1;
    if (this.#state.isFull) return this.renew();
    this.#triesLeft = this.#state.limits.triesPerRound;
    this.#ask();
    this.#arm(this.#pause());
  }

  get #isUnderWay(): boolean {
    const { isJoined, requests, now } = this.#state;
    return requests.isJoining || (isJoined && now < this.#underWayUntilMs);
  }

  #addContacts(contacts: readonly NodeId[]): void {
    const { limits, random, self } = this.#state;
    for (const id of contacts) {
      if (this.#contacts.length >= limits.contactsMax) return;
      if (id === self || this.#contacts.includes(id)) continue;
      this.#contacts.push(id);
      this.#state.learn(id);
      // An order at random, so that a storm of newcomers spreads over its contacts.
      const at = Math.floor(random.next() * (this.#untried.length + 1));
      this.#untried.splice(at, 0, id);
    }
  }

  /** Twice as long after each round since something changed, up to a limit. */
  #pause(): number {
    const { isNeedy, times } = this.#state;
    const [firstMs, mostMs] = isNeedy
      ? [times.urgentMs, times.urgentMsMax]
      : [times.promoteMs, times.promoteMsMax];
    return Math.min(mostMs, firstMs * 2 ** this.#rounds);
  }

  #arm(delayMs: number): void {
    const { out, now } = this.#state;
    out.setTimerBy("promote", this.#state.jittered(delayMs), now);
  }

  #ask(): void {
    if (this.#askContact()) return;
    const { active, requests, limits } = this.#state;
    for (;;) {
      const { isNeedy } = this.#state;
      const openMax = Math.min(limits.requestsMax, isNeedy ? limits.urgentRequests : 1);
      if (requests.size >= openMax || (!isNeedy && this.#triesLeft <= 0)) return;
      const id = this.#draw();
      if (id === undefined) return;
      this.#triesLeft -= 1;
      // Who has nobody begins anew: a join also brings neighbours of neighbours.
      if (active.size === 0 && !requests.isJoining) this.#edges.ask(id, "join", true);
      else this.#edges.ask(id, isNeedy ? "high" : "low", false);
    }
  }

  /** True while a contact is asked. */
  #askContact(): boolean {
    if (this.#state.isJoined) this.#untried.length = 0;
    if (this.#untried.length > 0 && this.#state.requests.isJoining) return true;
    for (let id = this.#untried.pop(); id !== undefined; id = this.#untried.pop()) {
      if (this.#edges.ask(id, "join", true)) return true;
    }
    return false;
  }

  #draw(): NodeId | undefined {
    const { active, passive, mayAsk, now } = this.#state;
    // After a large loss most of those one knows may be dead: the directory may know better.
    const elsewhere = this.#state.isNeedy ? this.#state.drawElsewhere() : undefined;
    const known = elsewhere ?? passive.draw(now, mayAsk);
    if (known !== undefined) return known;
    this.#state.learnElsewhere();
    if (this.#state.isNeedy) for (const id of this.#contacts) this.#state.learn(id);
    const learnt = passive.draw(now, mayAsk);
    if (learnt !== undefined || active.size > 0 || this.#triesLeft <= 0) return learnt;
    // Alone: nobody is spared for having failed or refused, as often as the timer allows.
    return passive.draw(Number.POSITIVE_INFINITY, mayAsk);
  }
}

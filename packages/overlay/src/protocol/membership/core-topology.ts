/**
 * CoreTopology: what topologies with a pure core of their own have in common: inputs one after the
 * other, wishes that come while others are carried out, and dials that are tried once.
 */
import type { Peer } from "./peer.js";
import type { MembershipState } from "./state.js";
import { Dials } from "./dials.js";

/** What every such core is told of links. */
type LinkInput =
  | { readonly type: "link-up" | "link-down" | "dial-failed"; readonly id: Peer["id"] }
  | { readonly type: "timer"; readonly timer: string }
  | { readonly type: "leave" };

export abstract class CoreTopology<Input, Effect> {
  readonly isPartial = true;
  protected readonly state: MembershipState;
  protected readonly dials: Dials;
  readonly #inputs: (Input | LinkInput)[] = [];
  #isHandling = false;

  constructor(state: MembershipState) {
    this.state = state;
    this.dials = new Dials(state);
  }

  stop(now: number): void {
    this.feed({ type: "leave" }, now);
    this.dials.giveUpAll();
  }

  plan(): void {}

  /** A link that broke is dialled once more: that nobody listens there is evidence. */
  linkDown(peer: Peer, now: number): void {
    if (this.state.lists.broken.has(peer)) this.dials.dial(peer);
    this.feed({ type: "link-down", id: peer.id }, now);
  }

  dialFailed({ id }: Peer, now: number): void {
    if (this.dials.failed(id)) this.feed({ type: "dial-failed", id }, now);
  }

  onTimer(timer: string, now: number): void {
    this.feed({ type: "timer", timer }, now);
  }

  protected abstract handle(input: Input | LinkInput, now: number): readonly Effect[];
  protected abstract run(effect: Effect, now: number): void;

  protected feed(input: Input | LinkInput, now: number): void {
    this.#inputs.push(input);
    if (this.#isHandling) return;
    this.#isHandling = true;
    for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
      for (const effect of this.handle(next, now)) this.run(effect, now);
    }
    this.#isHandling = false;
  }
}

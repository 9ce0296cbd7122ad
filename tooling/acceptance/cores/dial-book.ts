/**
 * DialBook: the addresses a node of a core world wants a link to, dialled with the overlay's own backoff until it is
 * linked or forgotten. The part of the overlay's link layer that membership is built on, without its connections.
 */
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type { LinkEvent, LinkTarget } from "../../../packages/overlay/src/membership/link-layer.js";
import { backoffMs } from "../../../packages/overlay/src/runtime/backoff.js";

interface Wanted {
  readonly ids: Set<NodeId>;
  /** Whoever answers is welcome. */
  anyone: boolean;
  failures: number;
  isDialling: boolean;
  isWaiting: boolean;
}

/** What the book makes happen. */
export interface DialActions {
  readonly random: Random;
  dial(address: string): void;
  retryIn(address: string, delayMs: number): void;
  giveUp(address: string): void;
}

export class DialBook {
  readonly #actions: DialActions;
  readonly #wanted = new Map<string, Wanted>();

  constructor(actions: DialActions) {
    this.#actions = actions;
  }

  want({ id, address }: LinkTarget): void {
    let wanted = this.#wanted.get(address);
    if (!wanted) {
      const none = { anyone: false, failures: 0, isDialling: false, isWaiting: false };
      wanted = { ids: new Set(), ...none };
      this.#wanted.set(address, wanted);
    }
    if (id === undefined) wanted.anyone = true;
    else wanted.ids.add(id);
    if (!wanted.isDialling && !wanted.isWaiting) this.#dial(address, wanted);
  }

  forget(address: string): void {
    if (this.#wanted.delete(address)) this.#actions.giveUp(address);
  }

  /** The node is not wanted any more, whatever its address. */
  unwanted(id: NodeId): void {
    for (const [address, { ids, anyone }] of this.#wanted) {
      if (ids.delete(id) && ids.size === 0 && !anyone) this.forget(address);
    }
  }

  retry(address: string): void {
    const wanted = this.#wanted.get(address);
    if (wanted) this.#dial(address, wanted);
  }

  /** There is a link to whoever listens at the address: what that is for membership. */
  linked(id: NodeId, address: string): readonly LinkEvent[] {
    const wanted = this.#wanted.get(address);
    if (!wanted) return [];
    this.forget(address);
    const gone = [...wanted.ids].filter((other) => other !== id);
    return [
      ...gone.map((other): LinkEvent => ({ type: "dial-refused", id: other, address })),
      { type: "dial-answered", id, address },
    ];
  }

  /** A dial failed: what that is for membership. It is tried again later. */
  failed(address: string, reason: "refused" | "timeout"): readonly LinkEvent[] {
    const wanted = this.#wanted.get(address);
    if (!wanted?.isDialling) return [];
    wanted.isDialling = false;
    wanted.isWaiting = true;
    wanted.failures += 1;
    this.#actions.retryIn(address, backoffMs(wanted.failures, this.#actions.random));
    const whom = wanted.ids.size === 0 ? [{}] : [...wanted.ids].map((id) => ({ id }));
    return whom.map((id): LinkEvent => {
      if (reason === "refused") return { type: "dial-refused", ...id, address };
      return { type: "dial-failed", ...id, address, code: "ERR_DIAL_FAILED" };
    });
  }

  #dial(address: string, wanted: Wanted): void {
    wanted.isWaiting = false;
    wanted.isDialling = true;
    this.#actions.dial(address);
  }
}

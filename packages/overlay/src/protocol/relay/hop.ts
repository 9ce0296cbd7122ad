/**
 * Hop: one relayed connection as a node between its ends sees it: the two neighbours it leads over,
 * and how much each end may send.
 *
 * It looks at heads alone. A frame that follows the rules goes on as it came; one that breaks them
 * ends this connection and no other.
 *
 * Invariants: what came from one neighbour goes to the other one and nowhere else; between the ends
 * and this node no more than a window is under way in one direction.
 */
import type { NodeId } from "@foundation/core";
import { SendCredit } from "./credit.js";
import {
  readAccept,
  readBreak,
  readClose,
  readCredit,
  readPartTotal,
  RelayType,
  type RelayOpen,
} from "./frames.js";
import type { RelayLimits } from "./limits.js";

/**
 * - `on`: to the other neighbour.
 * - `last`: the same, and then the connection is over.
 * - `malformed`: it breaks a rule; the connection is over for both ends.
 * - `unknown`: of a type that this version does not know; it is dropped.
 */
export type Passage = "on" | "last" | "malformed" | "unknown";

export class Hop {
  readonly kind = "hop";
  readonly connection: number;
  readonly origin: NodeId;
  readonly target: NodeId;
  /** The neighbours in the direction of the origin and of the target. */
  readonly before: NodeId;
  readonly after: NodeId;
  /** This node's place in the route, counted from the origin. */
  readonly index: number;

  readonly #limits: RelayLimits;
  /** From the target to the origin; the origin said how much with its open. */
  readonly #back: SendCredit;
  /** From the origin to the target; undefined: not accepted yet. */
  #forth: SendCredit | undefined;
  #closedByOrigin = false;
  #closedByTarget = false;

  constructor({ connection, windowBytes, route }: RelayOpen, index: number, limits: RelayLimits) {
    this.connection = connection;
    this.index = index;
    this.origin = route[0] as NodeId;
    this.target = route[route.length - 1] as NodeId;
    this.before = route[index - 1] as NodeId;
    this.after = route[index + 1] as NodeId;
    this.#limits = limits;
    this.#back = new SendCredit(windowBytes);
  }

  /** The target has accepted it. */
  get isOpen(): boolean {
    return this.#forth !== undefined;
  }

  /** True for a neighbour it leads over. */
  isVia(neighbor: NodeId): boolean {
    return neighbor === this.before || neighbor === this.after;
  }

  /** The neighbour to whom goes what came from this one. */
  otherThan(neighbor: NodeId): NodeId {
    return neighbor === this.before ? this.after : this.before;
  }

  /** A frame of this connection came from one of its neighbours; opens are not for here. */
  pass(from: NodeId, frame: Uint8Array): Passage {
    const fromOrigin = from === this.before;
    switch (frame[0]) {
      case RelayType.data:
        return this.#sends(fromOrigin, frame.length) ? "on" : "malformed";
      case RelayType.part: {
        const total = readPartTotal(frame);
        if (total === undefined || total > this.#limits.windowBytes) return "malformed";
        return this.#sends(fromOrigin, frame.length) ? "on" : "malformed";
      }
      case RelayType.credit: {
        const credit = fromOrigin ? this.#back : this.#forth;
        const total = readCredit(frame);
        if (credit === undefined || total === undefined) return "malformed";
        return credit.grant(total) ? "on" : "malformed";
      }
      case RelayType.accept: {
        const windowBytes = readAccept(frame);
        if (windowBytes === undefined || fromOrigin || this.isOpen) return "malformed";
        if (windowBytes > this.#limits.windowBytes) return "malformed";
        this.#forth = new SendCredit(windowBytes);
        return "on";
      }
      case RelayType.close:
        if (readClose(frame, this.#limits.detailBytesMax) === undefined) return "malformed";
        return this.#closes(fromOrigin);
      case RelayType.break:
        return readBreak(frame) === undefined ? "malformed" : "last";
      default:
        return "unknown";
    }
  }

  #sends(fromOrigin: boolean, bytes: number): boolean {
    if (fromOrigin ? this.#closedByOrigin : this.#closedByTarget) return false;
    if (fromOrigin) return this.#forth?.take(bytes) === true;
    // A target that has not accepted has nothing to say.
    return this.isOpen && this.#back.take(bytes);
  }

  #closes(byOrigin: boolean): Passage {
    if (!this.isOpen || (byOrigin ? this.#closedByOrigin : this.#closedByTarget))
      return "malformed";
    if (byOrigin) this.#closedByOrigin = true;
    else this.#closedByTarget = true;
    return this.#closedByOrigin && this.#closedByTarget ? "last" : "on";
  }
}

/**
 * Requests: the nodes that were asked to be neighbours and have not answered.
 *
 * One request a node: so nobody is dialled twice at once, and two that ask each other are one
 * agreement.
 */
import type { NodeId } from "@foundation/core";
import { assert } from "../assert.js";
import type { NeighborReason } from "./messages.js";

export interface Request {
  readonly id: NodeId;
  readonly why: NeighborReason | "join";
  /** A neighbour makes room if the view is full when the answer comes. */
  readonly evicts: boolean;
  /** The link is up and the message sent; before that, the node is being dialled. */
  asked: boolean;
  /** The number of the message; 0 before it is sent. */
  nr: number;
  dueMs: number;
}

export class Requests {
  readonly #open: Request[] = [];

  get size(): number {
    return this.#open.length;
  }

  find(id: NodeId): Request | undefined {
    for (const request of this.#open) if (request.id === id) return request;
    return undefined;
  }

  /** True while a contact is asked to let this node join. */
  get isJoining(): boolean {
    for (const { why } of this.#open) if (why === "join") return true;
    return false;
  }

  add(request: Request): void {
    assert(!this.find(request.id), "a node is asked once at a time");
    this.#open.push(request);
  }

  remove(id: NodeId): Request | undefined {
    const at = this.#open.findIndex((request) => request.id === id);
    if (at < 0) return undefined;
    return this.#open.splice(at, 1)[0];
  }

  /** Removes and gives one whose time is over. */
  takeDue(now: number): Request | undefined {
    const at = this.#open.findIndex(({ dueMs }) => dueMs <= now);
    return at < 0 ? undefined : this.#open.splice(at, 1)[0];
  }

  /** When the next one's time is over, if there is one. */
  get nextDueMs(): number | undefined {
    let next: number | undefined;
    for (const { dueMs } of this.#open) if (next === undefined || dueMs < next) next = dueMs;
    return next;
  }

  clear(): void {
    this.#open.length = 0;
  }
}

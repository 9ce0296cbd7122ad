/**
 * Links: which processes of one node end together, as data.
 *
 * The meaning is Erlang's, less trapping (https://www.erlang.org/doc/system/ref_man_processes):
 * who wants to be told and live on monitors instead. An unorderly end goes to every linked
 * process. An orderly end goes only from a parent to the children it started with a link, and only
 * as a wish to shut down, so that nobody is left behind without the one it was started for.
 *
 * Invariants: links are symmetric; a process that ended has none.
 */
import { assert } from "../../assert.js";
import type { ExitReason } from "../kernel-port.js";

/** What the end of one process means for another: `end` at once, or `ask` it to shut down. */
export interface LinkEffect {
  readonly type: "end" | "ask";
  readonly serial: number;
}

/** True for an end by intention: nobody failed. */
export function isOrderly(reason: ExitReason): boolean {
  switch (reason.type) {
    case "normal":
    case "shutdown":
    case "name-conflict":
    case "migrated":
      return true;
    case "killed":
    case "lease-lost":
    case "linked":
    case "node-down":
    case "error":
      return false;
    default:
      return reason satisfies never;
  }
}

export class Links {
  /** Per process its peers; the value says whether that peer is its child. */
  readonly #peers = new Map<number, Map<number, boolean>>();

  /** Ties two processes; `isParent` says that `a` started `b`. Tying twice is the same as once. */
  link(a: number, b: number, isParent = false): void {
    assert(a !== b, "a process is not linked to itself");
    const known = this.#peers.get(a)?.get(b) ?? false;
    this.#of(a).set(b, known || isParent);
    if (!this.#of(b).has(a)) this.#of(b).set(a, false);
  }

  unlink(a: number, b: number): void {
    this.#remove(a, b);
    this.#remove(b, a);
  }

  /** Removes a process that ended; says what its end means for others, in the order of linking. */
  end(serial: number, reason: ExitReason): readonly LinkEffect[] {
    const peers = this.#peers.get(serial);
    if (peers === undefined) return [];
    this.#peers.delete(serial);
    const orderly = isOrderly(reason);
    const effects: LinkEffect[] = [];
    for (const [peer, isChild] of peers) {
      this.#remove(peer, serial);
      if (!orderly) effects.push({ type: "end", serial: peer });
      else if (isChild) effects.push({ type: "ask", serial: peer });
    }
    return effects;
  }

  #of(serial: number): Map<number, boolean> {
    let peers = this.#peers.get(serial);
    if (peers === undefined) this.#peers.set(serial, (peers = new Map()));
    return peers;
  }

  #remove(from: number, peer: number): void {
    const peers = this.#peers.get(from);
    peers?.delete(peer);
    if (peers?.size === 0) this.#peers.delete(from);
  }
}

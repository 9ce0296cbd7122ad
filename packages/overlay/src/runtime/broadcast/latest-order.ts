/**
 * LatestOrder: on channels that keep only newest values, drops a value that comes after a newer one of its
 * subject. Copies of one origin come in order, and so do messages of its tree; which of both is the
 * newer one is told by how many messages of the tree came before.
 *
 * Limit: BROADCAST.latestMax subjects of one origin; of more, the one that was noted first is forgotten.
 */
import type { Boot, NodeId } from "@foundation/core";
import { BROADCAST } from "../../limits.js";

interface Noted {
  readonly boot: Boot;
  /** By the hash of the subject: twice the tree's number, and one more for a copy after it. */
  readonly bySubject: Map<number, number>;
}

export class LatestOrder {
  readonly #byOrigin = new Map<NodeId, Noted>();

  /** False: a newer value of the subject was handed over. `after`: so many messages of the tree. */
  isNewCopy(origin: NodeId, boot: Boot, subject: number, after: number): boolean {
    // Before there is a tree there is nothing that it could be older than.
    if (after === 0 && this.#byOrigin.get(origin)?.boot !== boot) return true;
    return this.#note(origin, boot, subject, 2 * after + 1);
  }

  isNewMessage(origin: NodeId, boot: Boot, subject: number, seq: number): boolean {
    return this.#note(origin, boot, subject, 2 * seq);
  }

  ended(origin: NodeId, boot: Boot): void {
    if (this.#byOrigin.get(origin)?.boot === boot) this.#byOrigin.delete(origin);
  }

  #note(origin: NodeId, boot: Boot, subject: number, at: number): boolean {
    let noted = this.#byOrigin.get(origin);
    if (noted?.boot !== boot) {
      noted = { boot, bySubject: new Map() };
      this.#byOrigin.set(origin, noted);
    }
    const { bySubject } = noted;
    if (at < (bySubject.get(subject) ?? 0)) return false;
    bySubject.set(subject, at);
    if (bySubject.size > BROADCAST.latestMax) {
      for (const first of bySubject.keys()) {
        bySubject.delete(first);
        break;
      }
    }
    return true;
  }
}

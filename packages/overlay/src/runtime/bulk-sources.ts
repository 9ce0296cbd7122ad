/**
 * BulkSources: what sends a lot over one link, a piece at a time, in turn.
 *
 * They are asked only when nothing else waits, so that no message waits behind more than one piece.
 * Few links ever have any.
 *
 * Invariant: a source is asked until it has nothing to send, and then not before `wake`.
 */

/** What sends a lot, a piece at a time. */
export interface BulkSource {
  /** Posts at most one piece of FLOW.chunkBytes now; false: nothing to send until `wake`. */
  pull(): boolean;
}

export class BulkSources {
  #waiting: BulkSource[] | undefined;

  /** The source has something to send: it is asked from now on. */
  wake(source: BulkSource): void {
    this.#waiting ??= [];
    if (!this.#waiting.includes(source)) this.#waiting.push(source);
  }

  remove(source: BulkSource): void {
    const at = this.#waiting?.indexOf(source) ?? -1;
    // In place: one may end, or end another, while they are asked.
    if (at >= 0) this.#waiting?.splice(at, 1);
  }

  /** One of them posts a piece; false: nobody has any. */
  pull(): boolean {
    const waiting = this.#waiting;
    if (waiting === undefined) return false;
    for (let asked = waiting.length; asked > 0; asked -= 1) {
      const source = waiting.shift();
      if (source?.pull() !== true) continue;
      waiting.push(source);
      return true;
    }
    return false;
  }
}

/**
 * EventQueue: what is going to happen in a core world, ordered by (time, sequence).
 *
 * The sequence makes the order total, so things due at one instant happen in the order they were asked for. Times,
 * sequences and things stand in three arrays: comparing touches numbers only, and a world of a thousand nodes keeps
 * hundreds of thousands of messages here. A thing that no longer counts stays until its time comes and knows so itself.
 */
export class EventQueue<T> {
  readonly #times: number[] = [];
  readonly #sequences: number[] = [];
  readonly #things: T[] = [];
  #sequence = 0;

  get size(): number {
    return this.#things.length;
  }

  /** When the next thing is due; Infinity when there is none. */
  get nextAt(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, thing: T): void {
    const sequence = this.#sequence++;
    const times = this.#times;
    let index = this.#things.length;
    while (index > 0) {
      const parent = (index - 1) >> 2;
      // The newest sequence is the greatest: only an earlier time goes up.
      if ((times[parent] as number) <= at) break;
      this.#move(parent, index);
      index = parent;
    }
    this.#place(index, at, sequence, thing);
  }

  /** Removes the next thing and returns it. */
  take(): T | undefined {
    const things = this.#things;
    if (things.length === 0) return undefined;
    const first = things[0];
    const at = this.#times.pop() as number;
    const sequence = this.#sequences.pop() as number;
    const thing = things.pop() as T;
    if (things.length > 0) this.#sink(at, sequence, thing);
    return first;
  }

  /** Puts a thing into the free place at the top, or as far below as it belongs. Four children a place. */
  #sink(at: number, sequence: number, thing: T): void {
    const times = this.#times;
    const { length } = times;
    let index = 0;
    for (;;) {
      const first = index * 4 + 1;
      if (first >= length) break;
      let least = first;
      const end = Math.min(first + 4, length);
      for (let child = first + 1; child < end; child += 1) {
        if (this.#isBefore(times[child] as number, child, times[least] as number, least)) {
          least = child;
        }
      }
      const leastAt = times[least] as number;
      if (at < leastAt) break;
      if (at === leastAt && sequence < (this.#sequences[least] as number)) break;
      this.#move(least, index);
      index = least;
    }
    this.#place(index, at, sequence, thing);
  }

  #isBefore(a: number, aIndex: number, b: number, bIndex: number): boolean {
    if (a !== b) return a < b;
    return (this.#sequences[aIndex] as number) < (this.#sequences[bIndex] as number);
  }

  #move(from: number, to: number): void {
    this.#place(
      to,
      this.#times[from] as number,
      this.#sequences[from] as number,
      this.#things[from] as T,
    );
  }

  #place(index: number, at: number, sequence: number, thing: T): void {
    this.#times[index] = at;
    this.#sequences[index] = sequence;
    this.#things[index] = thing;
  }
}

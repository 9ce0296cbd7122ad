/**
 * StateBook: what was written into replicated state and by whom, kept outside of the nodes, and what must be there in
 * the end.
 *
 * Every write has an id of its own. A write is *settled* when a start that is still up made it, or when it is durable;
 * a removal is settled when a start that is still up made it. In the end every settled write that nobody removed is
 * there, nothing that was removed for good is there, and nothing that nobody wrote.
 */

interface Written {
  readonly place: string;
  readonly by: string;
  isDurable: boolean;
  readonly removedBy: Set<string>;
}

export class StateBook {
  readonly #writes = new Map<string, Written>();
  /** What each start counted, one number after the other. */
  readonly #counts = new Map<string, number[]>();
  /** Of each place, how many writes there were when it was last emptied. */
  readonly #emptied = new Map<string, number>();
  #ids = 0;

  get writes(): number {
    return this.#ids;
  }

  /** A new write by a start, in a place such as a set; gives its id. */
  write(place: string, by: string): string {
    this.#ids += 1;
    const id = `${place}-${this.#ids}`;
    this.#writes.set(id, { place, by, isDurable: false, removedBy: new Set() });
    return id;
  }

  /** A start removed or replaced what it saw. */
  removed(ids: Iterable<string>, by: string): void {
    for (const id of ids) this.#writes.get(id)?.removedBy.add(by);
  }

  /** A start removed all of a place that it saw, and what it cannot see behind it. */
  emptied(place: string): void {
    this.#emptied.set(place, this.#ids);
  }

  durable(id: string): void {
    const written = this.#writes.get(id);
    if (written !== undefined) written.isDurable = true;
  }

  counted(place: string, by: string, amount: number): void {
    const key = `${place} ${by}`;
    const amounts = this.#counts.get(key);
    if (amounts === undefined) this.#counts.set(key, [amount]);
    else amounts.push(amount);
  }

  /** What is wrong with what all nodes show in a place that keeps every write side by side. */
  judge(place: string, shown: Iterable<string>, up: ReadonlySet<string>): readonly string[] {
    const there = new Set(shown);
    const wrong = this.#strangers(place, there, up);
    for (const [id, written] of this.#of(place)) {
      const isSettled = up.has(written.by) || written.isDurable;
      if (isSettled && written.removedBy.size === 0 && !there.has(id)) {
        wrong.push(`${id}, written by ${written.by}, is lost`);
      }
    }
    return wrong;
  }

  /** The same of a place that shows one of what is side by side: something must be there if anything is. */
  judgeOne(place: string, shown: string | undefined, up: ReadonlySet<string>): readonly string[] {
    const wrong = this.#strangers(place, shown === undefined ? [] : [shown], up);
    if (shown !== undefined) return wrong;
    for (const [id, { by, removedBy }] of this.#of(place)) {
      const isLater = orderOf(id) > (this.#emptied.get(place) ?? 0);
      if (up.has(by) && removedBy.size === 0 && isLater)
        wrong.push(`${id}, written by ${by}, is lost`);
    }
    return wrong;
  }

  /** A sum over all starts: exact for those that are up, any beginning of what those that ended counted. */
  judgeCount(place: string, shown: number, up: ReadonlySet<string>): readonly string[] {
    let least = 0;
    let most = 0;
    for (const [key, amounts] of this.#counts) {
      const [at, by = ""] = key.split(" ");
      if (at !== place) continue;
      const sums = [0];
      for (const amount of amounts) sums.push((sums.at(-1) ?? 0) + amount);
      const last = sums.at(-1) ?? 0;
      least += up.has(by) ? last : Math.min(...sums);
      most += up.has(by) ? last : Math.max(...sums);
    }
    if (shown >= least && shown <= most) return [];
    return [`${place} is ${shown} and must be from ${least} to ${most}`];
  }

  #strangers(place: string, shown: Iterable<string>, up: ReadonlySet<string>): string[] {
    const wrong: string[] = [];
    for (const id of shown) {
      const written = this.#writes.get(id);
      if (written?.place !== place) wrong.push(`nobody wrote ${id} in ${place}`);
      const remover = [...(written?.removedBy ?? [])].find((by) => up.has(by));
      if (remover !== undefined) wrong.push(`${id} is back, which ${remover} removed`);
    }
    return wrong;
  }

  *#of(place: string): Generator<[string, Written]> {
    for (const [id, written] of this.#writes) if (written.place === place) yield [id, written];
  }
}

/** Ids are numbered over all places. */
function orderOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}

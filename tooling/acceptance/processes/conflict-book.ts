/**
 * ConflictBook: which processes lost their name to another, and whose state was given to the one that stays.
 *
 * A loser is known by its line and by how much had run in it: nothing runs in it once its state was taken. Only copies of
 * one line that a cut left on both sides look alike, so each may be offered as often as such a one has ended.
 */
import type { LineState } from "./process-book.js";

type Loser = Pick<LineState, "identity" | "line" | "ran">;

interface Loss {
  readonly identity: string;
  /** Instances that ended so. */
  readonly ended: string[];
  /** Instances that were given its state. */
  readonly offered: string[];
}

export class ConflictBook {
  readonly #losses = new Map<string, Loss>();
  #open = new Set<string>();

  /** Losers since `open` whose state was given to somebody. */
  get resolved(): number {
    return [...this.#losses.values()].filter(({ offered }) => offered.length > 0).length;
  }

  /** From here on nothing is wrong but cuts: every loser's state must reach the one that stays. */
  open(): void {
    this.#open = new Set(this.#losses.keys());
  }

  /** It ends because another keeps the name. */
  lost(loser: Loser, instance: string): void {
    this.#of(loser).ended.push(instance);
  }

  /** Its state is given to the one that stays. */
  offered(loser: Loser, to: string): void {
    this.#of(loser).offered.push(to);
  }

  /** States that were given twice. */
  judge(): readonly string[] {
    return [...this.#losses].flatMap(([key, { ended, offered }]) => {
      if (offered.length <= Math.max(1, ended.length)) return [];
      return [
        `the state of ${key}, which ended ${ended.length} times, was given to ${offered.join(" and ")}`,
      ];
    });
  }

  /** Of these identities and since `open`: losers whose state was given to nobody, and states of such that did not end. */
  judgeOpen(identities: readonly string[]): readonly string[] {
    return [...this.#losses].flatMap(([key, { identity, ended, offered }]) => {
      if (this.#open.has(key) || !identities.includes(identity)) return [];
      if (ended.length === offered.length) return [];
      const what = `${key} ended ${ended.length} times by a conflict of names (${ended.join(", ")})`;
      return [`${what}, and its state was given to ${offered.join(" and ") || "nobody"}`];
    });
  }

  #of({ identity, line, ran }: Loser): Loss {
    const key = `${line} after ${ran.length}`;
    const known = this.#losses.get(key) ?? { identity, ended: [], offered: [] };
    this.#losses.set(key, known);
    return known;
  }
}

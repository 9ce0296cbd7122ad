/**
 * Checks: the properties of Figure 3 of the Raft paper, over everything the members of a group did,
 * and what clients were told.
 */
import type { NodeId } from "@foundation/core";
import type { Entry } from "../../../src/protocol/raft/entry.js";
import type { Outcome, RequestId } from "../../../src/protocol/raft/inputs.js";

export class Checks {
  readonly #leaders = new Map<number, NodeId>();
  /** What was applied at each index by whoever was first. */
  readonly #decided = new Map<number, { readonly text: string; readonly term: number }>();
  /** The state after each index. */
  readonly #states = new Map<number, string>();
  /** Each entry that was ever in a log, and the term of the one before it. */
  readonly #entries = new Map<string, string>();
  readonly #proposals = new Map<RequestId, string>();
  readonly #refused = new Set<string>();
  readonly #answered = new Set<RequestId>();
  /** The greatest index that somebody applied or was told of. */
  highest = 0;
  committed = 0;
  unknown = 0;
  reads = 0;

  /** Election Safety, and Leader Completeness: `log` has the leader's terms. True the first time. */
  led(id: NodeId, term: number, log: ReadonlyMap<number, number>): boolean {
    const known = this.#leaders.get(term);
    if (known !== undefined && known !== id) fail(`${known} and ${id} lead in term ${term}`);
    if (known !== undefined) return false;
    this.#leaders.set(term, id);
    const first = Math.min(...log.keys());
    for (const [index, decided] of this.#decided) {
      if (index < first) continue;
      if (log.get(index) !== decided.term) fail(`the leader of ${term} lacks entry ${index}`);
    }
    return true;
  }

  /** Log Matching: equal (index, term) means the same entry behind the same entry. */
  written(entries: readonly Entry[], termBefore: number | undefined): void {
    let before = termBefore;
    for (const entry of entries) {
      const { index, term } = entry;
      const found = `${textOf(entry)} behind a term ${before}`;
      const known = this.#entries.get(`${index}:${term}`);
      if (known !== undefined && known !== found && before !== undefined) {
        fail(`entry ${index} of term ${term} is "${known}" and "${found}"`);
      }
      if (before !== undefined) this.#entries.set(`${index}:${term}`, found);
      before = term;
    }
  }

  /** State Machine Safety. */
  applied(entry: Entry, state: string): void {
    const { index, term } = entry;
    const text = textOf(entry);
    const known = this.#decided.get(index);
    if (known && (known.text !== text || known.term !== term)) {
      fail(`${text} of term ${term} is applied at ${index}, ${known.text} of ${known.term} was`);
    }
    if (entry.type === "command" && this.#refused.has(text)) fail(`${text} was told not applied`);
    this.#decided.set(index, { text, term });
    this.restored(index, state);
  }

  /** The state machine is in this state as of `index`. */
  restored(index: number, state: string): void {
    const known = this.#states.get(index);
    if (known !== undefined && known !== state) fail(`two states as of ${index}`);
    this.#states.set(index, state);
    this.highest = Math.max(this.highest, index);
  }

  proposed(id: RequestId, text: string): void {
    this.#proposals.set(id, text);
  }

  told(outcome: Outcome): void {
    const { id, type } = outcome;
    if (this.#answered.has(id)) fail(`request ${id} is answered twice`);
    this.#answered.add(id);
    const text = this.#proposals.get(id);
    if (type === "unknown") this.unknown += 1;
    if (type === "not-applied" && text !== undefined) {
      this.#refused.add(text);
      for (const decided of this.#decided.values()) {
        if (decided.text === text) fail(`${text} is told not applied and was`);
      }
    }
    if (type !== "committed") return;
    this.committed += 1;
    this.highest = Math.max(this.highest, outcome.index);
    const decided = this.#decided.get(outcome.index);
    if (!decided) {
      // Told before anybody applied it: what is applied there must then be this.
      if (text !== undefined) this.#decided.set(outcome.index, { text, term: outcome.term });
    } else if (text !== undefined && decided.text !== text) {
      fail(`${text} is told committed at ${outcome.index}, where ${decided.text} is`);
    }
  }

  /** Linearizable reads: at least what somebody knew when it was asked for. */
  read(index: number, atLeast: number): void {
    this.reads += 1;
    if (index < atLeast) fail(`a read sees ${index}, though ${atLeast} was known before`);
  }
}

export function textOf(entry: Entry): string {
  if (entry.type === "command") return new TextDecoder().decode(entry.data);
  return entry.type === "empty" ? "-" : JSON.stringify(entry.configuration);
}

function fail(what: string): never {
  throw new Error(`violation: ${what}`);
}

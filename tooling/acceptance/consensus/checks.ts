/**
 * Checks: the properties of Figure 3 of the Raft paper, over everything the members of a group did, and what clients were
 * told about their requests.
 */
import type { NodeId } from "@foundation/core";
import type { Entry, Outcome, RequestId } from "@foundation/consensus";
import { nameOf, textOf } from "./command.js";
import { fail } from "./violation.js";

interface Decided {
  readonly text: string;
  readonly name: string;
  readonly term: number;
  /** The least term somebody was in who knew: it was committed by then, for earlier leaders need not have it. */
  in: number;
}

export class Checks {
  readonly #leaders = new Map<number, NodeId>();
  /** What was applied at each index by whoever was first. */
  readonly #decided = new Map<number, Decided>();
  /** The state after each index. */
  readonly #states = new Map<number, string>();
  readonly #images = new Map<number, string>();
  /** Each entry that was ever in a log, and the term of the one before it. */
  readonly #entries = new Map<string, string>();
  /** Of each request, its attempt's name and what is decided by it. */
  readonly #proposals = new Map<RequestId, { readonly text: string; readonly name: string }>();
  readonly #refused = new Set<string>();
  readonly #answered = new Set<RequestId>();
  /** Where each command of a client took effect. */
  readonly #executed = new Map<string, number>();
  /** The greatest index that somebody applied or was told of. */
  highest = 0;
  committed = 0;
  notApplied = 0;
  unknown = 0;
  reads = 0;
  leaderships = 0;

  /** Election Safety, and Leader Completeness: `log` has the leader's terms. True the first time. */
  led(id: NodeId, term: number, log: ReadonlyMap<number, number>): boolean {
    const known = this.#leaders.get(term);
    if (known !== undefined && known !== id) {
      fail("election safety", `${nodeName(known)} and ${nodeName(id)} lead in term ${term}`);
    }
    if (known !== undefined) return false;
    this.#leaders.set(term, id);
    this.leaderships += 1;
    const first = Math.min(...log.keys());
    for (const [index, decided] of this.#decided) {
      if (index < first || term <= decided.in || log.get(index) === decided.term) continue;
      const what = `entry ${index}, which was applied or told committed`;
      fail("leader completeness", `${nodeName(id)}, the leader of term ${term}, lacks ${what}`);
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
        fail("log matching", `entry ${index} of term ${term} is ${known} and ${found}`);
      }
      if (before !== undefined) this.#entries.set(`${index}:${term}`, found);
      before = term;
    }
  }

  /** A decided entry stays in a log that has it, unless an earlier leader cuts it there, who need not know. */
  cut(id: NodeId, inTerm: number, index: number, term: number): void {
    const decided = this.#decided.get(index);
    if (!decided || decided.term !== term || inTerm < decided.in) return;
    fail("durability", `${nodeName(id)} cuts entry ${index} of term ${term}, which is decided`);
  }

  /** State Machine Safety. `inTerm` is the term of who applies it. */
  applied(entry: Entry, inTerm: number, state: string): void {
    const { index, term } = entry;
    const text = textOf(entry);
    const name = nameOf(entry);
    const known = this.#decided.get(index);
    if (known && (known.text !== text || known.term !== term)) {
      const other = `${known.name} of term ${known.term}`;
      fail("state machine safety", `at ${index} stand ${name} of term ${term}, and ${other}`);
    }
    if (entry.type === "command" && this.#refused.has(text)) {
      fail("honest outcomes", `${name} was told not applied, and is applied at ${index}`);
    }
    if (!known) this.#decided.set(index, { text, name, term, in: inTerm });
    else known.in = Math.min(known.in, inTerm);
    this.restored(index, state);
  }

  /** The state machine is in this state as of `index`. */
  restored(index: number, state: string): void {
    const known = this.#states.get(index);
    if (known !== undefined && known !== state) {
      fail("state machine safety", `two members have different states as of ${index}`);
    }
    this.#states.set(index, state);
    this.highest = Math.max(this.highest, index);
  }

  /** All of a state machine as of `index`. */
  imaged(index: number, bytes: Uint8Array): void {
    const image = new TextDecoder().decode(bytes);
    const known = this.#images.get(index);
    if (known !== undefined && known !== image) {
      fail("state machine safety", `two members have different images of index ${index}`);
    }
    this.#images.set(index, image);
  }

  /** An operation of a client took effect by the entry at `index`. */
  executed(operation: string, index: number): void {
    const known = this.#executed.get(operation);
    if (known !== undefined && known !== index) {
      fail("exactly once", `${operation} took effect at ${known} and at ${index}`);
    }
    this.#executed.set(operation, index);
  }

  proposed(id: RequestId, text: string, name: string): void {
    this.#proposals.set(id, { text, name });
  }

  /** `inTerm` is the term of who tells it. */
  told(outcome: Outcome, inTerm: number): void {
    const { id, type } = outcome;
    if (this.#answered.has(id)) fail("one outcome", `request ${id} is answered twice`);
    this.#answered.add(id);
    const proposal = this.#proposals.get(id);
    if (type === "unknown") this.unknown += 1;
    if (type === "not-applied") {
      this.notApplied += 1;
      if (proposal) this.#refuse(proposal);
    }
    if (type === "committed") this.#commit(outcome, inTerm, proposal);
  }

  isAnswered(id: RequestId): boolean {
    return this.#answered.has(id);
  }

  /** Linearizable reads: at least what somebody knew when it was asked for. */
  read(index: number, atLeast: number): void {
    this.reads += 1;
    if (index >= atLeast) return;
    fail("linearizable reads", `a read sees ${index}, though ${atLeast} was known before`);
  }

  #refuse({ text, name }: { readonly text: string; readonly name: string }): void {
    this.#refused.add(text);
    for (const [index, decided] of this.#decided) {
      if (decided.text !== text) continue;
      fail("honest outcomes", `${name} is told not applied, and was applied at ${index}`);
    }
  }

  #commit(
    { index, term }: Extract<Outcome, { type: "committed" }>,
    inTerm: number,
    proposal: { readonly text: string; readonly name: string } | undefined,
  ): void {
    this.committed += 1;
    this.highest = Math.max(this.highest, index);
    if (!proposal) return;
    const decided = this.#decided.get(index);
    // Told before anybody applied it: what is applied there must then be this.
    if (!decided) this.#decided.set(index, { ...proposal, term, in: inTerm });
    else if (decided.text !== proposal.text) {
      const what = `${proposal.name} is told committed at ${index}, where ${decided.name} is`;
      fail("honest outcomes", what);
    }
  }
}

/** Short, for a person: the nodes of a world are numbered. */
export function nodeName(id: NodeId | undefined): string {
  return id === undefined ? "nobody" : `n${Number.parseInt(id, 16)}`;
}

/** MemoryRoster: the twin of Roster: one committed list, a roster for each node of it. */
import { coreErrors } from "../errors/errors.js";
import type { ProposeOptions, Roster, RosterState } from "../ports/roster.js";

/** A committed list in memory, which every node knows at once. */
export interface MemoryRoster {
  /** The roster of one node. */
  roster(): Roster;
}

const NOBODY: RosterState = { epoch: 0, members: [] };

export function memoryRoster(): MemoryRoster {
  const book = { state: NOBODY, readers: new Set<() => void>() };
  return { roster: () => new BookRoster(book) };
}

interface Book {
  state: RosterState;
  readonly readers: Set<() => void>;
}

class BookRoster implements Roster {
  readonly #book: Book;
  readonly #closing = new AbortController();

  constructor(book: Book) {
    this.#book = book;
  }

  async ready(): Promise<void> {
    this.#checkOpen();
  }

  current(): RosterState {
    return this.#book.state;
  }

  async read(): Promise<RosterState> {
    this.#checkOpen();
    return this.#book.state;
  }

  async propose(proposed: Iterable<string>, options: ProposeOptions = {}): Promise<RosterState> {
    this.#checkOpen();
    const before = this.#book.state;
    const { epoch = before.epoch, force = false } = options;
    const members = [...new Set(proposed)].sort();
    if (members.length === 0) throw invalid("a list of at least one member", "an empty one");
    if (epoch !== before.epoch) {
      throw coreErrors.ERR_ROSTER_EPOCH(
        `The roster was proposed from epoch ${epoch} and is at ${before.epoch}; read it and decide anew`,
        { expected: epoch, found: before.epoch },
      );
    }
    if (!force && !overlap(before.members, members)) {
      throw invalid("one whose majorities meet those of before", members.join(", "));
    }
    this.#book.state = { epoch: epoch + 1, members };
    for (const wake of this.#book.readers) wake();
    return this.#book.state;
  }

  hasQuorum(present: Iterable<string>): boolean {
    const { members } = this.#book.state;
    const there = new Set(present);
    return members.filter((member) => there.has(member)).length * 2 > members.length;
  }

  watch({
    signal,
  }: {
    readonly signal?: AbortSignal | undefined;
  } = {}): AsyncIterable<RosterState> {
    return this.#later(this.#book.state.epoch, signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#later(from: number, given?: AbortSignal): AsyncGenerator<RosterState> {
    const own = this.#closing.signal;
    const signal = given === undefined ? own : AbortSignal.any([given, own]);
    let told = from;
    let wake = (): void => undefined;
    const onChange = (): void => wake();
    this.#book.readers.add(onChange);
    signal.addEventListener("abort", onChange);
    try {
      while (!signal.aborted) {
        const { state } = this.#book;
        if (state.epoch > told) {
          told = state.epoch;
          yield state;
        } else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", onChange);
      this.#book.readers.delete(onChange);
    }
  }

  #checkOpen(): void {
    if (!this.#closing.signal.aborted) return;
    const what = "This roster";
    throw coreErrors.ERR_CLOSED(`${what} is closed; make a new one to go on`, { what });
  }
}

/** Any majority of the one and any of the other have a member in common, or there was nobody. */
function overlap(before: readonly string[], after: readonly string[]): boolean {
  if (before.length === 0) return true;
  const kept = after.filter((member) => before.includes(member)).length;
  const needs = ({ length }: readonly string[]): number =>
    Math.max(0, Math.floor(length / 2) + 1 - (length - kept));
  return needs(before) + needs(after) > kept;
}

function invalid(expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(`members must be ${expected}, found ${found}`, {
    argument: "members",
    expected,
    found,
  });
}

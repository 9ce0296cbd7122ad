/**
 * ProcessBook: what the processes of all simulated nodes really did, kept outside of them, and what of it may not be.
 *
 * An *instance* is one process of one start of a node. A *line* is the state that one `init` made and every copy of it that
 * a migration carried on: whoever goes on with a line has all that ran in it before, so that a copy which goes on beside
 * another one, or without something that was answered, is found at its next message.
 *
 * Invariants judged while it happens: no message runs twice in a line; a line of a strong identity never forks or forgets,
 * and no other one does while nothing is wrong: in a cut a copy on its way may be gone on with on one side, and its
 * original on the other, until the heal; no two instances of a strong identity have effect, by their tokens and by real
 * virtual time.
 */
import { ConflictBook } from "./conflict-book.js";
import { TokenBook, type Effect } from "./token-book.js";

/** A process as the books name it. */
export interface PidParts {
  readonly node: string;
  readonly boot: string;
  readonly serial: number;
}

export function instanceOf({ node, boot, serial }: PidParts): string {
  return `${node.slice(0, 8)}/${boot.slice(-10)}/${serial}`;
}

/** What a process of the workload keeps: plain data, so that it can be handed over. */
export interface LineState {
  readonly identity: string;
  /** Its effects carry a token. */
  readonly isStrong: boolean;
  /** It may go on from what it kept: in a storm that need not be the last there was. */
  readonly isKept: boolean;
  /** Which `init` it goes back to. */
  readonly line: string;
  /** Every message that ran, in order. */
  readonly ran: string[];
  /** What ran in others of its name, whose state it was given. */
  readonly merged: string[];
}

interface Line {
  readonly identity: string;
  ran: number;
  last: string;
  /** Who ran the last of it. */
  by: string;
}

interface Instance {
  readonly identity: string;
  readonly pid: PidParts;
  ended: string | undefined;
}

export interface Run {
  readonly instance: string;
  readonly atMs: number;
}

export class ProcessBook {
  readonly violations: string[] = [];
  readonly runs = new Map<string, Run[]>();
  readonly tokens: TokenBook;
  readonly conflicts = new ConflictBook();
  /** Identities in the order in which instances of them began with `init`. */
  readonly births: string[] = [];
  /** Lines that went on twice in a cut. */
  forks = 0;
  readonly #lines = new Map<string, Line>();
  readonly #instances = new Map<string, Instance>();
  readonly #now: () => number;
  /** Lines in which something ran since nothing is wrong. */
  readonly #settled = new Set<string>();
  /** While nothing is wrong: of each identity who runs, and who ran before. */
  #calm: Map<string, { by: string; readonly before: Set<string> }> | undefined;

  constructor(now: () => number = () => 0) {
    this.#now = now;
    this.tokens = new TokenBook(now, this.violations);
  }

  /** An instance begins with a state of its own. */
  born(
    identity: string,
    pid: PidParts,
    { isStrong = false, isKept = false }: Partial<Pick<LineState, "isStrong" | "isKept">> = {},
  ): LineState {
    const line = `${identity}@${instanceOf(pid)}`;
    if (this.#lines.has(line)) this.violations.push(`${line} was initialised twice`);
    this.#lines.set(line, { identity, ran: 0, last: "nothing", by: "" });
    this.#seen(identity, pid);
    this.births.push(identity);
    return { identity, isStrong, isKept, line, ran: [], merged: [] };
  }

  /**
   * A message has its effect now. False when the outside world refused it: only what waited meanwhile may come so late that
   * a newer token was there before.
   */
  ran(state: LineState, pid: PidParts, id: string, effect?: Omit<Effect, "instance">): boolean {
    const instance = instanceOf(pid);
    if (effect !== undefined && !this.tokens.effect({ ...effect, instance })) return false;
    const atMs = this.#now();
    this.#seen(state.identity, pid);
    this.#continues(state, instance, id);
    this.#alone(state.identity, instance, id);
    if (state.ran.includes(id)) this.violations.push(`${id} ran twice in ${state.line}`);
    state.ran.push(id);
    const entry = { instance, atMs };
    const entries = this.runs.get(id);
    if (entries) entries.push(entry);
    else this.runs.set(id, [entry]);
    return true;
  }

  /** From now on nothing is wrong, or may be: of each identity one instance runs after the other, and never two in turn. */
  calm(isCalm: boolean): void {
    this.#calm = isCalm ? new Map() : undefined;
    this.#settled.clear();
  }

  /** An instance was told to end and knows why. */
  ended({ identity }: Pick<LineState, "identity">, pid: PidParts, reason: string): void {
    this.#seen(identity, pid).ended = reason;
  }

  times(id: string): number {
    return this.runs.get(id)?.length ?? 0;
  }

  /** Instances of the identity that ended so. */
  endedWith(reason: string): number {
    return [...this.#instances.values()].filter(({ ended }) => ended === reason).length;
  }

  /** When anything of the identity last ran, and where. */
  lastRunOf(identity: string): Run | undefined {
    let last: Run | undefined;
    for (const [, entries] of this.runs) {
      for (const entry of entries) {
        if (this.#instances.get(entry.instance)?.identity !== identity) continue;
        if (last === undefined || entry.atMs > last.atMs) last = entry;
      }
    }
    return last;
  }

  /** Whoever goes on with a line has seen all of it. */
  #continues(state: LineState, instance: string, id: string): void {
    const line = this.#lines.get(state.line);
    if (line === undefined) {
      this.violations.push(`${instance} goes on with ${state.line}, which nobody began`);
      return;
    }
    // Judged from the calm on: what forked in a cut shows only when the copy that stayed runs its next message.
    const isSettled = this.#settled.has(state.line);
    if (this.#calm !== undefined) this.#settled.add(state.line);
    if (line.ran !== state.ran.length && !state.isStrong && !isSettled) {
      if (!state.isKept) this.forks += 1;
      line.ran = state.ran.length;
    }
    if (line.ran !== state.ran.length) {
      this.violations.push(
        `${state.line} forked or forgot: ${instance} runs ${id} after ${state.ran.length} messages, and ${line.ran} ran ` +
          `in it, the last of them ${line.last} on ${line.by}`,
      );
    }
    line.ran = Math.max(line.ran, state.ran.length) + 1;
    line.last = id;
    line.by = instance;
  }

  #alone(identity: string, instance: string, id: string): void {
    const there = this.#calm?.get(identity);
    if (there === undefined) this.#calm?.set(identity, { by: instance, before: new Set() });
    else if (there.by !== instance) {
      if (there.before.has(instance)) {
        const what = `${instance} and ${there.by} of ${identity} run in turn`;
        this.violations.push(`${what}, while nothing is wrong: ${id} at ${this.#now()} ms`);
      }
      there.before.add(there.by);
      there.by = instance;
    }
  }

  #seen(identity: string, pid: PidParts): Instance {
    const key = instanceOf(pid);
    const known = this.#instances.get(key);
    if (known !== undefined) {
      if (known.identity !== identity) {
        this.violations.push(`${key} is ${known.identity} and ${identity}`);
      }
      return known;
    }
    const instance: Instance = { identity, pid, ended: undefined };
    this.#instances.set(key, instance);
    return instance;
  }
}

let current = new ProcessBook();

/** A new book for the simulation that begins. Definitions are modules of this process, so they find it here. */
export function openBook(now: () => number): ProcessBook {
  current = new ProcessBook(now);
  return current;
}

export function book(): ProcessBook {
  return current;
}

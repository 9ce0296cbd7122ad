/**
 * Machine: the replicated state machine of a world: keys, locks with fencing tokens, and the sessions of clients.
 *
 * Everything in it comes from entries in their order, so it is the same on every member: a digest over all that was
 * applied and answered tells at once when it is not.
 */
import { SessionTable, type Entry, type SessionResult } from "@foundation/consensus";
import { commandIn, textOf, type Answer, type Command, type Operation } from "./command.js";

interface Lock {
  holder: number | null;
  granted: number;
  seen: number;
}

interface State {
  readonly applied: number;
  readonly digest: string;
  readonly keys: readonly (readonly [string, number])[];
  readonly locks: readonly (readonly [string, Lock])[];
  readonly sessions: ReturnType<SessionTable<Operation, Answer>["state"]>;
}

export interface Applied {
  readonly command: Command;
  /** Of a command without a session: "done". */
  readonly result: SessionResult<Answer>;
  /** It took effect now. */
  readonly isExecuted: boolean;
}

/** Few, so that sessions are closed and answers run out in a run of some seconds. */
const SESSION_LIMITS = { sessionsMax: 12, responsesMax: 4, ttlMs: 2_500 };

export class Machine {
  applied = 0;
  digest = "";
  readonly #keys: Map<string, number>;
  readonly #locks: Map<string, Lock>;
  readonly #sessions: SessionTable<Operation, Answer>;

  constructor(bytes?: Uint8Array) {
    const state = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as State);
    this.applied = state?.applied ?? 0;
    this.digest = state?.digest ?? "";
    this.#keys = new Map(state?.keys);
    this.#locks = new Map(state?.locks);
    this.#sessions = new SessionTable(SESSION_LIMITS, state?.sessions);
  }

  /** Gives nothing for an entry that is none of a client. */
  apply(entry: Entry): Applied | undefined {
    this.applied = entry.index;
    const applied = entry.type === "command" ? this.#command(entry) : undefined;
    const told = applied ? JSON.stringify(applied.result) : "";
    this.digest = hashOf(`${this.digest}|${textOf(entry)}|${told}`);
    return applied;
  }

  get(key: string): number | null {
    return this.#keys.get(key) ?? null;
  }

  snapshot(): Uint8Array {
    const state: State = {
      applied: this.applied,
      digest: this.digest,
      keys: [...this.#keys].sort(byKey),
      locks: [...this.#locks].sort(byKey),
      sessions: this.#sessions.state(),
    };
    return new TextEncoder().encode(JSON.stringify(state));
  }

  #command({ index, data }: Extract<Entry, { type: "command" }>): Applied {
    const { command } = commandIn(data);
    let isExecuted = false;
    const execute = (operation: Operation): Answer => {
      isExecuted = true;
      return this.#execute(operation);
    };
    const { session, operation } = command;
    const result: SessionResult<Answer> = session
      ? this.#sessions.apply(index, session, execute)
      : { type: "done", response: execute(operation as Operation), isRepeat: false };
    return { command, result, isExecuted };
  }

  #execute(operation: Operation): Answer {
    const { type, key } = operation;
    switch (type) {
      case "put":
        this.#keys.set(key, operation.value);
        return true;
      case "delete":
        return this.#keys.delete(key);
      case "compareAndSet":
        if (this.get(key) !== operation.expected) return false;
        this.#keys.set(key, operation.value);
        return true;
      case "acquire":
        return this.#acquire(this.#lock(key), operation.takes);
      case "release": {
        const lock = this.#lock(key);
        if (lock.holder !== operation.token) return false;
        lock.holder = null;
        return true;
      }
      case "use": {
        const lock = this.#lock(key);
        if (operation.token < lock.seen) return false;
        lock.seen = operation.token;
        return true;
      }
      default:
        return operation satisfies never;
    }
  }

  #acquire(lock: Lock, takes: boolean): Answer {
    if (lock.holder !== null && !takes) return null;
    lock.granted += 1;
    lock.holder = lock.granted;
    return lock.granted;
  }

  #lock(key: string): Lock {
    const found = this.#locks.get(key) ?? { holder: null, granted: -1, seen: -1 };
    this.#locks.set(key, found);
    return found;
  }
}

function byKey(one: readonly [string, unknown], other: readonly [string, unknown]): number {
  return one[0] < other[0] ? -1 : 1;
}

function hashOf(text: string): string {
  let hash = 2_166_136_261;
  let other = 97;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    hash = Math.imul(hash ^ code, 16_777_619);
    other = (Math.imul(other, 31) + code) | 0;
  }
  return `${(hash >>> 0).toString(36)}${(other >>> 0).toString(36)}`;
}

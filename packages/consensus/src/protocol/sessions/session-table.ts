/**
 * SessionTable: makes commands that are sent again take effect once.
 *
 * Thesis, section 6.3: a client opens a session, numbers its commands, and the state machine keeps
 * the answers: a command that was applied already is answered and not applied again. This table is
 * part of the replicated state: it changes only by entries of the log, in their order, and knows the
 * time only from them, so it is the same on every member, also when it closes a session.
 *
 * Invariants: a session's id is the index of the entry that opened it, so it is never used twice; a
 * (session, sequence) is executed at most once; sessions stand in the order of their last command;
 * the log's time never falls.
 */
import { SESSION_LIMITS, type SessionLimits } from "../../limits.js";
import { invariant } from "../invariant.js";

/** What is in the log; `timeMs` is the wall clock of the leader that took the command. */
export type SessionCommand<Payload> =
  | { readonly type: "open"; readonly timeMs: number }
  | {
      readonly type: "command";
      readonly timeMs: number;
      readonly session: number;
      /** 1, 2, 3, …: the same for each attempt of one command. */
      readonly sequence: number;
      /** The client has the answers of all commands below this one. */
      readonly answeredBelow: number;
      readonly payload: Payload;
    }
  /** Keeps a session open that has nothing to say. */
  | { readonly type: "keep"; readonly timeMs: number; readonly session: number }
  | { readonly type: "close"; readonly timeMs: number; readonly session: number };

export type SessionResult<Response> =
  | { readonly type: "opened"; readonly session: number }
  /** `isRepeat`: by an earlier attempt. */
  | { readonly type: "done"; readonly response: Response; readonly isRepeat: boolean }
  /** The session is not there (any more): whether the command was executed cannot be told. */
  | { readonly type: "no-session" }
  /** The client said that it has this answer; it is gone. */
  | { readonly type: "answered" }
  /** Too many answers wait to be acknowledged; the command was not executed. */
  | { readonly type: "busy" }
  | { readonly type: "kept" }
  | { readonly type: "closed" };

/** The table as data, for a snapshot. */
export interface SessionTableState<Response> {
  readonly timeMs: number;
  readonly sessions: readonly {
    readonly id: number;
    readonly activeMs: number;
    readonly answeredBelow: number;
    readonly responses: readonly (readonly [sequence: number, response: Response])[];
  }[];
}

interface Session<Response> {
  activeMs: number;
  answeredBelow: number;
  readonly responses: Map<number, Response>;
}

export class SessionTable<Payload, Response> {
  readonly #limits: SessionLimits;
  /** The longest silent one first. */
  readonly #sessions = new Map<number, Session<Response>>();
  /** The one that stands last, if it is known: it need not be moved there. */
  #newest: Session<Response> | undefined;
  /** No session ends before this time. */
  #expiresMs = 0;
  #timeMs = 0;

  /** @param limits equal on every member, for ever: another value is another state machine */
  constructor(limits: SessionLimits = SESSION_LIMITS, state?: SessionTableState<Response>) {
    this.#limits = limits;
    if (!state) return;
    this.#timeMs = state.timeMs;
    for (const { id, activeMs, answeredBelow, responses } of state.sessions) {
      this.#sessions.set(id, { activeMs, answeredBelow, responses: new Map(responses) });
    }
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** The greatest time an entry named, milliseconds. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** Applies the committed entry at `index`; `execute` runs only for a command not seen before. */
  apply(
    index: number,
    command: SessionCommand<Payload>,
    execute: (payload: Payload) => Response,
  ): SessionResult<Response> {
    // A leader with a slow clock does not take the time back; one ahead takes everybody along.
    this.#timeMs = Math.max(this.#timeMs, command.timeMs);
    this.#expire();
    if (command.type === "open") return this.#open(index);
    const session = this.#sessions.get(command.session);
    if (!session) return { type: "no-session" };
    if (command.type === "close") {
      this.#sessions.delete(command.session);
      return { type: "closed" };
    }
    this.#touch(command.session, session);
    if (command.type === "keep") return { type: "kept" };
    const { sequence, answeredBelow, payload } = command;
    this.#forget(session, answeredBelow);
    if (sequence < session.answeredBelow) return { type: "answered" };
    if (session.responses.has(sequence)) {
      const response = session.responses.get(sequence) as Response;
      return { type: "done", response, isRepeat: true };
    }
    if (session.responses.size >= this.#limits.responsesMax) return { type: "busy" };
    const response = execute(payload);
    session.responses.set(sequence, response);
    return { type: "done", response, isRepeat: false };
  }

  /** The table as data; equal tables give equal data. */
  state(): SessionTableState<Response> {
    const sessions = [...this.#sessions].map(([id, { activeMs, answeredBelow, responses }]) => ({
      id,
      activeMs,
      answeredBelow,
      responses: [...responses],
    }));
    return { timeMs: this.#timeMs, sessions };
  }

  #open(index: number): SessionResult<Response> {
    invariant(!this.#sessions.has(index), "an entry is applied twice");
    if (this.#sessions.size >= this.#limits.sessionsMax) {
      const [silent] = this.#sessions.keys();
      if (silent !== undefined) this.#sessions.delete(silent);
    }
    const activeMs = this.#timeMs;
    this.#newest = { activeMs, answeredBelow: 1, responses: new Map() };
    this.#sessions.set(index, this.#newest);
    return { type: "opened", session: index };
  }

  #touch(id: number, session: Session<Response>): void {
    session.activeMs = this.#timeMs;
    if (this.#newest === session) return;
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    this.#newest = session;
  }

  #forget(session: Session<Response>, answeredBelow: number): void {
    if (answeredBelow <= session.answeredBelow) return;
    const { answeredBelow: first, responses } = session;
    session.answeredBelow = answeredBelow;
    // Each number is passed once, so this costs a command as much as it answers; unless somebody leaves many out.
    if (answeredBelow - first <= responses.size) {
      for (let sequence = first; sequence < answeredBelow; sequence += 1) {
        responses.delete(sequence);
      }
      return;
    }
    for (const sequence of responses.keys()) {
      if (sequence < answeredBelow) responses.delete(sequence);
    }
  }

  #expire(): void {
    if (this.#timeMs < this.#expiresMs) return;
    for (const [id, session] of this.#sessions) {
      this.#expiresMs = session.activeMs + this.#limits.ttlMs;
      if (this.#timeMs < this.#expiresMs) return;
      this.#sessions.delete(id);
    }
    this.#expiresMs = 0;
  }
}

/**
 * ReplicatedStore: a store behind a log: commands of clients' sessions in, answers out.
 *
 * It is what every member of a group applies. Nothing in a command can make it throw: bytes that are no command are
 * answered with a refusal, on every member alike.
 *
 * Invariants: a command of a session is executed at most once, however often it stands in the log; equal logs give equal
 * snapshots, byte for byte; a snapshot holds everything that later answers depend on.
 */
import type { SessionLimits } from "../../limits.js";
import {
  SessionTable,
  type SessionResult,
  type SessionTableState,
} from "../sessions/session-table.js";
import { parseCommand } from "./command.js";
import type { StoreLimits } from "./limits.js";
import type { StoreAnswer, StoreRequest } from "./request.js";
import { snapshotFrames, type SnapshotReading } from "./snapshot.js";
import { Store } from "./store.js";

/** What one entry of the log answers. */
export type StoreResponse = SessionResult<StoreAnswer>;

const TICKED: StoreResponse = { type: "done", response: { type: "done" }, isRepeat: false };

export interface ReplicatedStoreOptions {
  /** Of a store without a past; equal on every member, and from then on changed by commands. @default STORE_LIMITS */
  readonly limits?: StoreLimits | undefined;
  /** Equal on every member, for ever. @default SESSION_LIMITS */
  readonly sessions?: SessionLimits | undefined;
}

export class ReplicatedStore {
  readonly #sessionLimits: SessionLimits | undefined;
  readonly #execute = (request: StoreRequest): StoreAnswer => this.#store.execute(request);
  #store: Store;
  #sessions: SessionTable<StoreRequest, StoreAnswer>;

  constructor(options: ReplicatedStoreOptions = {}) {
    this.#sessionLimits = options.sessions;
    this.#store = new Store(options.limits && { limits: options.limits });
    this.#sessions = this.#newSessions();
  }

  /** Another one after `restore`. */
  get store(): Store {
    return this.#store;
  }

  /** Open sessions of clients. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Applies the entry at `index`; empty data only lets time pass. */
  apply(index: number, timeMs: number, data: Uint8Array): StoreResponse {
    this.#store.advance(timeMs);
    if (data.length === 0) return TICKED;
    const command = parseCommand(data);
    if ("reason" in command) return done({ type: "refused", refusal: command });
    switch (command.type) {
      case "open":
      case "close":
        return this.#sessions.apply(index, { ...command, timeMs }, this.#execute);
      case "command": {
        const { request: payload, session, sequence, answeredBelow } = command;
        const numbered = { type: "command", timeMs, session, sequence, answeredBelow } as const;
        return this.#sessions.apply(index, { ...numbered, payload }, this.#execute);
      }
      case "plain":
        return done(this.#store.execute(command.request));
      default:
        return command satisfies never;
    }
  }

  /** The state as of the call, however late the frames are asked for. */
  snapshot(): Iterable<Uint8Array> {
    return snapshotFrames(this.#store.freeze(), this.#sessions.state());
  }

  /** Takes over what was read. */
  restore(reading: SnapshotReading): void {
    const { store, sessions } = reading.end();
    this.#store = store;
    this.#sessions = this.#newSessions(sessions);
  }

  #newSessions(state?: SessionTableState<StoreAnswer>): SessionTable<StoreRequest, StoreAnswer> {
    return new SessionTable<StoreRequest, StoreAnswer>(this.#sessionLimits, state);
  }
}

function done(response: StoreAnswer): StoreResponse {
  return { type: "done", response, isRepeat: false };
}

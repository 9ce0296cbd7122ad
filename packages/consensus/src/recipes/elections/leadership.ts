/**
 * Leadership: one term of a leader.
 *
 * Invariants: `signal` fires once, with why it ended; `isLeader` is false from then on, and from when the lease may not be
 * believed any more by the monotonic clock, whatever timers have run.
 */
import type { Revision } from "../../engine/engine.js";
import { consensusErrors } from "../../errors.js";
import type { Session } from "../sessions/session.js";

/** What the winner of an election has. */
export interface Leadership {
  readonly election: string;
  /** The fencing token: greater than that of every leader before. Send it along; receivers refuse older ones. */
  readonly token: Revision;
  /** Fires with `ERR_LEADERSHIP_LOST` when it is over: stop what only a leader may do. */
  readonly signal: AbortSignal;
  /** Whether it is neither over nor its lease in doubt, by this process's monotonic clock. */
  readonly isLeader: boolean;
  /** Says that the work has stopped after `signal` fired: what is handed over need not wait longer. */
  done(): void;
}

type Reason = "handed-over" | "lease-lost" | "removed" | "resigned";

export class Term implements Leadership {
  readonly election: string;
  readonly token: Revision;
  readonly #session: Session;
  readonly #ended = new AbortController();
  readonly #stopped: Promise<void>;
  readonly #onLost: () => void;
  #stop: () => void = () => undefined;

  constructor(election: string, token: Revision, session: Session) {
    this.election = election;
    this.token = token;
    this.#session = session;
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
    this.#onLost = () => this.end("lease-lost");
    session.signal.addEventListener("abort", this.#onLost, { once: true });
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get isLeader(): boolean {
    return !this.signal.aborted && this.#session.isAlive;
  }

  /** Resolves when the holder has said that its work has stopped. */
  get stopped(): Promise<void> {
    return this.#stopped;
  }

  done(): void {
    if (this.signal.aborted) this.#stop();
  }

  end(reason: Reason): void {
    if (this.signal.aborted) return;
    this.#session.signal.removeEventListener("abort", this.#onLost);
    const { election, token } = this;
    const cause = reason === "lease-lost" ? this.#session.signal.reason : undefined;
    const message =
      `The leadership of "${election}" with token ${token} is over (${reason}): ` +
      "stop what only the leader may do";
    const details = { election, token, reason };
    this.#ended.abort(consensusErrors.ERR_LEADERSHIP_LOST(message, details, cause));
  }
}

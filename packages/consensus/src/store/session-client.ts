/**
 * SessionClient: an engine's session: requests that may be sent again and take effect once.
 *
 * A session is opened with the first request. Requests are numbered; an attempt whose outcome is unknown is repeated
 * under its number, and the store answers as it did before. How far answers have come is told with each request, so the
 * store forgets them. A session that was closed for silence is replaced, unless an attempt under it is unknown; so is one
 * whose oldest request is open while as many after it were answered as the store keeps answers for.
 *
 * Invariants: a number is given once and never to another request; what is below `answeredBelow` is answered or given up,
 * and a repeat of it that arrives late is not executed; a session never has more numbers from the oldest open one on than
 * the store keeps answers for.
 */
import { coreErrors } from "@foundation/core";
import { consensusErrors } from "../errors.js";
import type { Group } from "../group/group.js";
import { encodeCommand } from "../protocol/store/command.js";
import type { StoreResponse } from "../protocol/store/replicated-store.js";
import type { StoreAnswer, StoreRequest } from "../protocol/store/request.js";
import { Attempts, type Owner } from "./attempts.js";
import { ENGINE_LIMITS } from "./limits.js";

/** One session, as its client sees it. */
interface Session {
  readonly id: number;
  next: number;
  /** Numbers given and not answered, lowest first. */
  readonly open: Set<number>;
}

/** A request without a place. */
interface Waiting {
  readonly enter: () => void;
  isGone: boolean;
}

/** A session that is being opened, for all who wait for it. */
interface Opening {
  readonly attempts: Attempts;
  readonly done: Promise<void>;
}

type Proposer = Pick<Group<StoreResponse>, "propose">;

export class SessionClient {
  readonly #owner: Owner;
  readonly #group: Proposer;
  readonly #windowMax: number;
  readonly #waiting: Waiting[] = [];
  #session: Session | undefined;
  #opening: Opening | undefined;
  #running = 0;

  /** @param windowMax answers that the store keeps for one session */
  constructor(owner: Owner, group: Proposer, windowMax: number) {
    this.#owner = owner;
    this.#group = group;
    this.#windowMax = windowMax;
  }

  /** @throws ERR_QUEUE_FULL, and what `Attempts` throws */
  async execute(request: StoreRequest, attempts: Attempts): Promise<StoreAnswer> {
    // Half of the window: answers come a little out of order, and the other half is for those that wait for an older one.
    if (this.#running < Math.ceil(this.#windowMax / 2)) this.#running += 1;
    else await this.#queue(attempts);
    try {
      for (;;) {
        const session = this.#usable() ?? (await this.#opened(attempts));
        const answer = await this.#executeIn(session, request, attempts);
        if (answer) return answer;
      }
    } finally {
      this.#leave();
    }
  }

  /** Has the store forget the session, if that can be done in so many milliseconds. */
  async close(timeout: number): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (!session) return;
    await this.#group.propose(encodeCommand({ type: "close", session: session.id }), { timeout });
  }

  /** Undefined when the session is gone and the request certainly was not executed. */
  async #executeIn(
    session: Session,
    request: StoreRequest,
    attempts: Attempts,
  ): Promise<StoreAnswer | undefined> {
    const sequence = session.next;
    session.next += 1;
    session.open.add(sequence);
    try {
      const { response } = await attempts.run((options) => {
        const [answeredBelow = sequence] = session.open;
        const numbered = { session: session.id, sequence, answeredBelow };
        const data = encodeCommand({ type: "command", ...numbered, request });
        return this.#group.propose(data, options);
      });
      if (response.type === "done") return response.response;
      const why = new Error(`the store answered "${response.type}"`);
      const isRefused = response.type === "no-session" || response.type === "busy";
      if (isRefused && this.#session === session) this.#session = undefined;
      if (attempts.isUncertain) throw attempts.unknown(why);
      if (!isRefused) throw why;
      return undefined;
    } finally {
      session.open.delete(sequence);
    }
  }

  /** The session there is, unless one request of it is open for so long that the store keeps no more answers. */
  #usable(): Session | undefined {
    const session = this.#session;
    if (!session) return undefined;
    const [oldest = session.next] = session.open;
    // That request goes on in it; silence closes it.
    if (session.next - oldest >= this.#windowMax) this.#session = undefined;
    return this.#session;
  }

  /** The session there is, or a new one: many requests wait for one opening. */
  async #opened(attempts: Attempts): Promise<Session> {
    for (;;) {
      const session = this.#usable();
      if (session) return session;
      this.#opening ??= this.#open();
      const { attempts: opening, done } = this.#opening;
      try {
        await attempts.wait(done);
      } catch (error) {
        if (coreErrors.ERR_TIMEOUT.is(error) && isNoQuorum(opening.lastError)) {
          throw opening.lastError;
        }
        // It took as long as an opening is tried; this request may have more time.
        const isPassing = coreErrors.ERR_OUTCOME_UNKNOWN.is(error) || isNoQuorum(error);
        if (!isPassing || this.#owner.isClosed) throw error;
      }
    }
  }

  #open(): Opening {
    const attempts = new Attempts(this.#owner);
    const done = this.#openBy(attempts).finally(() => {
      this.#opening = undefined;
    });
    return { attempts, done };
  }

  /** A session that was opened and not learnt of does no harm: silence closes it. */
  async #openBy(attempts: Attempts): Promise<void> {
    const { response } = await attempts.run((options) =>
      this.#group.propose(encodeCommand({ type: "open" }), options),
    );
    if (response.type !== "opened") throw new Error(`an opening was answered "${response.type}"`);
    this.#session = { id: response.session, next: 1, open: new Set() };
  }

  async #queue(attempts: Attempts): Promise<void> {
    const { requestsMax: limit } = ENGINE_LIMITS;
    if (this.#waiting.length >= limit) {
      throw coreErrors.ERR_QUEUE_FULL(
        `${limit} requests to the store wait already; await their answers before sending more`,
        { queue: "requests to the store", limit, unit: "messages" },
      );
    }
    let waiting: Waiting | undefined;
    const entered = new Promise<void>((resolve) => {
      waiting = { enter: resolve, isGone: false };
      this.#waiting.push(waiting);
    });
    try {
      await attempts.wait(entered);
    } catch (error) {
      if (waiting) waiting.isGone = true;
      throw error;
    }
  }

  /** Its place goes to the first that still waits. */
  #leave(): void {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (next.isGone) continue;
      next.enter();
      return;
    }
    this.#running -= 1;
  }
}

function isNoQuorum(error: unknown): boolean {
  return consensusErrors.ERR_NO_QUORUM.is(error);
}

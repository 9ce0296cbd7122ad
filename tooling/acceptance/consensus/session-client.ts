/** SessionClient: one operation at a time, each sent until its fate is known, and executed once by its session. */
import type { Random } from "@foundation/core/ports";
import type { Outcome, SessionCommand, SessionResult } from "@foundation/consensus";
import type { OpenOperation } from "@foundation/testkit";
import type { Clients } from "./clients.js";
import { answerOf, LOCKS, SESSION_KEYS, type Answer, type Operation } from "./command.js";
import type { Member } from "./member.js";
import { fail } from "./violation.js";

const ATTEMPTS_MAX = 8;
const PACE_MS = 20;
/** How long an attempt waits for its answer. */
const PATIENCE_MS = { min: 30, max: 500 } as const;

/** An operation that is being tried. */
interface Trying {
  readonly of: string;
  readonly make: (member: Member) => SessionCommand<Operation>;
  readonly done: (result: SessionResult<Answer>) => void;
  /** It is given up; `isCertain`: no attempt had or will have an effect. */
  readonly given: (isCertain: boolean) => void;
  attempts: number;
  refused: number;
  isOver: boolean;
}

export class SessionClient {
  readonly #clients: Clients;
  readonly #name: string;
  readonly #random: Random;
  /** The greatest token of each lock it was given. */
  readonly #tokens = new Map<string, number>();
  readonly #seen = new Map<string, number | null>();
  #session: number | undefined;
  #sequence = 0;
  #opened = 0;
  isIdle = true;

  constructor(clients: Clients, name: string, random: Random) {
    this.#clients = clients;
    this.#name = name;
    this.#random = random;
  }

  begin(): void {
    const { world } = this.#clients;
    world.after(this.#random.next() * PACE_MS * 2, () => {
      if (world.isHealed) return;
      if (this.#session === undefined) this.#open();
      else this.#act(this.#session);
    });
  }

  #open(): void {
    this.#opened += 1;
    this.isIdle = false;
    this.#try({
      of: `${this.#name} open ${this.#opened}`,
      make: (member) => ({ type: "open", timeMs: this.#wallMs(member) }),
      done: (result) => {
        if (result.type === "opened") this.#session = result.session;
        this.#sequence = 0;
        this.#next();
      },
      given: () => this.#next(),
    });
  }

  #act(session: number): void {
    const random = this.#random;
    if (random.next() < 0.3) return this.#read();
    this.isIdle = false;
    const operation = random.next() < 0.3 ? this.#lockOperation() : this.#keyOperation();
    this.#sequence += 1;
    const sequence = this.#sequence;
    const of = `${this.#name}:${session}#${sequence}`;
    const open = this.#clients.invoke(this.#name, operation);
    this.#try({
      of,
      make: (member) => {
        const timeMs = this.#wallMs(member);
        const payload = operation;
        return { type: "command", timeMs, session, sequence, answeredBelow: sequence, payload };
      },
      done: (result) => {
        this.#learn(operation, open, result, of);
        this.#next();
      },
      given: (isCertain) => {
        if (isCertain) open.notApplied();
        else open.unknown();
        this.#next();
      },
    });
  }

  #read(): void {
    const key = SESSION_KEYS[Math.floor(this.#random.next() * SESSION_KEYS.length)] as string;
    const member = this.#clients.pick(this.#random);
    this.#clients.get(member, this.#name, key, (value) => this.#seen.set(key, value));
    this.#next();
  }

  #keyOperation(): Operation {
    const random = this.#random;
    const key = SESSION_KEYS[Math.floor(random.next() * SESSION_KEYS.length)] as string;
    const value = this.#clients.drawValue();
    const draw = random.next();
    if (draw < 0.4) return { type: "put", key, value };
    if (draw < 0.5) return { type: "delete", key };
    return { type: "compareAndSet", key, expected: this.#seen.get(key) ?? null, value };
  }

  #lockOperation(): Operation {
    const random = this.#random;
    const key = LOCKS[Math.floor(random.next() * LOCKS.length)] as string;
    const token = this.#tokens.get(key);
    if (token === undefined || random.next() < 0.4) {
      return { type: "acquire", key, takes: random.next() < 0.3 };
    }
    return { type: random.next() < 0.6 ? "use" : "release", key, token };
  }

  #learn(
    operation: Operation,
    open: OpenOperation<Answer>,
    result: SessionResult<Answer>,
    of: string,
  ): void {
    if (result.type === "answered") fail("exactly once", `${of} is called answered and is not`);
    if (result.type !== "done") {
      this.#session = undefined;
      return open.unknown();
    }
    const { response } = result;
    open.ok(answerOf(operation, response));
    const { key } = operation;
    if (operation.type === "acquire" && typeof response === "number") {
      this.#tokens.set(key, response);
    }
    if (operation.type === "put") this.#seen.set(key, operation.value);
  }

  #next(): void {
    this.isIdle = true;
    this.begin();
  }

  #try(fields: Pick<Trying, "of" | "make" | "done" | "given">): void {
    this.#attempt({ ...fields, attempts: 0, refused: 0, isOver: false });
  }

  #attempt(trying: Trying): void {
    const { world } = this.#clients;
    const { of, make, done, given } = trying;
    if (trying.isOver) return;
    if (trying.attempts >= ATTEMPTS_MAX) {
      trying.isOver = true;
      return given(trying.refused === trying.attempts);
    }
    trying.attempts += 1;
    const name = `${of} (${trying.attempts})`;
    const member = this.#clients.pick(this.#random);
    let isAwaited = true;
    const again = (): void => {
      if (isAwaited) this.#attempt(trying);
      isAwaited = false;
    };
    const settle = (result: SessionResult<Answer> | undefined): void => {
      if (trying.isOver) return;
      if (!result || result.type === "busy") return again();
      trying.isOver = true;
      done(result);
    };
    world.of(member).propose({ name, of, session: make(member) }, (outcome: Outcome) => {
      if (outcome.type === "committed") return member.await(outcome.index, settle);
      if (outcome.type === "not-applied") trying.refused += 1;
      // Not at once, or a group without a leader would be asked without an end.
      world.after(this.#random.next() * PACE_MS, again);
    });
    const { min, max } = PATIENCE_MS;
    world.after(min + this.#random.next() * (max - min), again);
  }

  #wallMs(member: Member): number {
    return member.wallMs(this.#clients.world.now);
  }
}

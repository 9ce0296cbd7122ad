/**
 * Requests: one question to etcd and its outcome, which is one of three.
 *
 * It resolves, or rejects with an error that says that nothing was done, or with `ERR_OUTCOME_UNKNOWN`. A request is
 * sent again by itself, to the next endpoint, when the one before certainly did nothing, or when doing it twice is the
 * same as once; anything else would be a second write that nobody asked for.
 *
 * Invariants: a request of effect "once" is never sent after one of its attempts was in doubt; what was sent, may have an
 * effect and has no answer ends with `ERR_OUTCOME_UNKNOWN`.
 */
import { coreErrors, parseDuration, type Duration } from "@foundation/core";
import type { Random, Timer } from "@foundation/core/ports";
import type { Metadata } from "@grpc/grpc-js";
import type { RequestOptions } from "../engine/engine.js";
import { closedError } from "../store/engine-errors.js";
import { AccessToken } from "./access-token.js";
import { ClusterGuard } from "./cluster-guard.js";
import type { Endpoint } from "./endpoint.js";
import { Endpoints } from "./endpoints.js";
import type { Failure } from "./failures.js";
import type { Library } from "./library.js";
import { ETCD_ATTEMPT_MS_MIN, TOKEN_RENEWALS_MAX } from "./limits.js";
import type { EtcdCalls } from "./messages.js";
import {
  failureFor,
  overError,
  saysHowItIs,
  unknownError,
  type Effect,
  type Tries,
} from "./outcomes.js";
import { Pauses } from "./pauses.js";
import { refusedBy, type Refused } from "./refusals.js";
import { Scope } from "./scope.js";
import type { Settings } from "./settings.js";

export interface Question<Name extends keyof EtcdCalls> {
  readonly name: Name;
  readonly request: EtcdCalls[Name]["request"];
  readonly effect: Effect;
  readonly refused: Refused;
}

/** A connected endpoint, and what is sent along. */
export interface Way {
  readonly endpoint: Endpoint;
  readonly endpoints: Endpoints;
  readonly metadata: Metadata;
  /** Undefined without credentials, empty where etcd knows no users. */
  readonly token: string | undefined;
}

interface Opened {
  readonly library: Library;
  readonly endpoints: Endpoints;
}

type Attempt<Answer> =
  | { readonly answer: Answer; readonly failure: undefined }
  | { readonly answer?: undefined; readonly failure: Failure };

export class Requests {
  readonly guard = new ClusterGuard();
  readonly #settings: Settings;
  readonly #bring: () => Promise<Library>;
  readonly #token: AccessToken | undefined;
  readonly #random: Random;
  /** What an endpoint is asked first: a read that costs nothing. */
  readonly #introduction: Question<"Range">;
  readonly #scopes = new Set<Scope>();
  #underWay = 0;
  #isClosed = false;
  #opening: Promise<Opened> | undefined;
  #endpoints: Endpoints | undefined;

  /** @param bring gives the client's library; called once, by the first request */
  constructor(settings: Settings, bring: () => Promise<Library>) {
    this.#settings = settings;
    this.#bring = bring;
    this.#random = settings.runtime.random.fork("etcd");
    const key = Buffer.from(`${settings.namespace}\0`);
    const request = { key, count_only: true, serializable: true };
    this.#introduction = {
      name: "Range",
      request,
      effect: "none",
      refused: { what: "a first read" },
    };
    if (settings.credentials !== undefined) this.#token = new AccessToken(this, settings);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Time for one request. `release` it. @throws {ERR_CLOSED, ERR_QUEUE_FULL, ERR_INVALID_ARGUMENT} */
  scopeOf(options: RequestOptions = {}): Scope {
    const { requestsMax } = this.#settings.limits;
    if (this.#underWay >= requestsMax) {
      throw coreErrors.ERR_QUEUE_FULL(
        `${requestsMax} requests to etcd are under way already; ask more slowly, or raise limits.requestsMax`,
        { queue: "etcd requests", limit: requestsMax, unit: "messages" },
      );
    }
    const { timeout } = options;
    const timeoutMs =
      timeout === undefined
        ? this.#settings.timeoutMs
        : parseDuration(timeout as Duration, "timeout");
    return this.open({ timeoutMs, signal: options.signal });
  }

  /** A scope that ends when the engine is closed, too. `done` with it. @throws {ERR_CLOSED} */
  open(options: { readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined }): Scope {
    if (this.#isClosed) throw closedError("The engine over etcd");
    const scope = new Scope({ clock: this.#settings.runtime.clock, ...options });
    this.#scopes.add(scope);
    return scope;
  }

  done(scope: Scope): void {
    scope.release();
    this.#scopes.delete(scope);
  }

  /** Asks within a time of its own. */
  async ask<Name extends keyof EtcdCalls>(
    question: Question<Name>,
    options: RequestOptions = {},
  ): Promise<EtcdCalls[Name]["answer"]> {
    const scope = this.scopeOf(options);
    this.#underWay += 1;
    try {
      return await this.askWithin(scope, question);
    } finally {
      this.#underWay -= 1;
      this.done(scope);
    }
  }

  /** Asks until there is an answer, or the scope has ended. */
  async askWithin<Name extends keyof EtcdCalls>(
    scope: Scope,
    question: Question<Name>,
  ): Promise<EtcdCalls[Name]["answer"]> {
    const tries: Tries = { inDoubt: false, renewals: 0, last: undefined };
    const pauses = new Pauses(this.#settings.times, this.#random);
    try {
      for (;;) {
        const way = await this.way(scope, question.name !== "Authenticate");
        if (way === undefined)
          throw overError(this.#about(scope, question), tries, this.#endpoints?.trouble);
        const { answer, failure } = await this.#attempt(way, scope, question);
        if (failure === undefined) return answer;
        tries.last = failure.reason;
        if (failure.type === "in-doubt") tries.inDoubt = true;
        if (failure.type === "in-doubt" && question.effect === "once") {
          throw unknownError(this.#about(scope, question), failure.reason);
        }
        if (failure.type === "token" && way.token && tries.renewals < TOKEN_RENEWALS_MAX) {
          tries.renewals += 1;
          this.#token?.drop(way.token);
        } else if (failure.type === "in-doubt" || failure.type === "not-taken") {
          way.endpoints.passOver(way.endpoint);
          await pauses.next(scope);
        } else throw refusedBy(failure, question.refused);
      }
    } catch (error) {
      if (!tries.inDoubt || question.effect === "none" || saysHowItIs(error)) throw error;
      // Whatever stands in the way now, an attempt before may have been applied.
      throw unknownError(this.#about(scope, question), (error as Error).message);
    }
  }

  /**
   * A connected endpoint and what is sent along; undefined when the scope ends first. Before it is asked anything else an
   * endpoint is asked for its cluster, so that nothing is written into another one.
   */
  async way(scope: Scope, withToken = true): Promise<Way | undefined> {
    const pauses = new Pauses(this.#settings.times, this.#random);
    for (;;) {
      const way = await this.#wayTo(scope, withToken);
      if (way === undefined || way.endpoint.isKnown || !withToken) return way;
      const { endpoint, endpoints } = way;
      const { failure } = await this.#attempt(way, scope, this.#introduction);
      if (failure === undefined) {
        endpoint.isKnown = true;
        endpoint.trouble = "";
        return way;
      }
      // What etcd refuses to this user it refuses again, to the request, and then in words.
      if (failure.type !== "in-doubt" && failure.type !== "not-taken") return way;
      endpoint.trouble = `${endpoint.address}: ${failure.reason}`;
      endpoints.passOver(endpoint);
      await pauses.next(scope);
    }
  }

  async #wayTo(scope: Scope, withToken: boolean): Promise<Way | undefined> {
    this.#opening ??= this.#open();
    const opened = await scope.until(this.#opening);
    if (opened === undefined) return undefined;
    const { library, endpoints } = opened;
    let token: string | undefined;
    if (withToken && this.#token !== undefined) {
      token = await scope.until(this.#token.current());
      if (token === undefined) return undefined;
    }
    const endpoint = await endpoints.choose(scope);
    if (endpoint === undefined) return undefined;
    const metadata = new library.grpc.Metadata();
    // Without it a member that has lost its cluster would let requests and watches wait.
    metadata.set("hasleader", "true");
    if (token) metadata.set("token", token);
    return { endpoint, endpoints, metadata, token };
  }

  /** The token was refused by a watch. */
  dropToken(token: string): void {
    this.#token?.drop(token);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const scope of this.#scopes) scope.end("closed");
    this.#scopes.clear();
    const opened = await this.#opening?.catch(() => undefined);
    opened?.endpoints.close();
  }

  async #open(): Promise<Opened> {
    try {
      const library = await this.#bring();
      this.#endpoints = new Endpoints(library, this.#settings, this.#random);
      return { library, endpoints: this.#endpoints };
    } catch (error) {
      // Asked again: the package may be there by then.
      this.#opening = undefined;
      throw error;
    }
  }

  async #attempt<Name extends keyof EtcdCalls>(
    { endpoint, endpoints, metadata }: Way,
    scope: Scope,
    { name, request, effect }: Question<Name>,
  ): Promise<Attempt<EtcdCalls[Name]["answer"]>> {
    const withinMs = this.#attemptMs(scope, effect);
    const { address } = endpoint;
    const attempt = await new Promise<Attempt<EtcdCalls[Name]["answer"]>>((resolve) => {
      let leave = () => {};
      let timer: Timer | undefined;
      const settle = (end: Attempt<EtcdCalls[Name]["answer"]>) => {
        leave();
        timer?.cancel();
        resolve(end);
      };
      const cancel = endpoint.call(name, request, metadata, (error, answer) => {
        if (answer !== undefined) settle({ answer, failure: undefined });
        else settle({ failure: failureFor(error, effect) });
      });
      const giveUp = (why: string) => {
        settle({ failure: { type: "in-doubt", reason: `${address} ${why}` } });
        cancel();
      };
      if (withinMs !== undefined) {
        timer = scope.clock.setTimer(withinMs, () => giveUp("did not answer in time"));
      }
      leave = scope.onEnd(() => giveUp("had not answered"));
    });
    if (attempt.failure !== undefined) return attempt;
    try {
      this.guard.check(attempt.answer, address);
    } catch (error) {
      endpoints.passOver(endpoint);
      throw error;
    }
    return attempt;
  }

  /** What may be repeated leaves time for another endpoint; undefined: all that is left. */
  #attemptMs(scope: Scope, effect: Effect): number | undefined {
    if (effect === "once") return undefined;
    if (scope.timeoutMs === undefined) return this.#settings.timeoutMs;
    return Math.max(ETCD_ATTEMPT_MS_MIN, scope.remainingMs / 2);
  }

  #about(scope: Scope, { effect, refused: { what } }: Pick<Question<never>, "effect" | "refused">) {
    return { scope, effect, what, target: this.#settings.endpoints.join(", ") };
  }
}

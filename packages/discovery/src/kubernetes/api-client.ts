/**
 * ApiClient: lists and watches over one connection, within limits of time and size.
 *
 * Whatever goes wrong is an `ApiFailure`: the problem in words, what it means for the copy, and how long
 * the server asks to be left alone. A token that was refused is read again once: it may just have been
 * renewed. Invariants: no answer is kept beyond its limit; nothing is retried here.
 */
import { isFoundationError, type Clock, type FoundationError, type Timer } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { troubleOf } from "../http/trouble-words.js";
import { readStatus } from "../protocol/kubernetes/answers.js";
import { kubernetesLimits } from "../protocol/kubernetes/limits.js";
import { quoted, refusal, wantedOf, type ApiRequest } from "../protocol/kubernetes/refusal.js";
import type { ApiConnection, ApiResponse, ConnectApi } from "./api-connection.js";
import { LineSplitter, LineTooLong } from "./line-splitter.js";
import type { Credentials, ServiceAccount } from "./service-account.js";

/** What to ask for; the server is the account's. */
export type Question = Omit<ApiRequest, "server">;

/** A list or a watch that failed. */
export class ApiFailure extends Error {
  /**
   * @param because what of the copy is in doubt: the version is gone, an event was lost, or nothing
   * @param retryAfterMs how long the server asks to be left alone
   */
  constructor(
    readonly problem: FoundationError,
    readonly because: "gone" | "lost" | "failed" = "failed",
    readonly retryAfterMs?: number,
  ) {
    super(problem.message, { cause: problem });
  }
}

/** Asks one API server; see the module. */
export class ApiClient {
  readonly #account: Pick<ServiceAccount, "credentials">;
  readonly #connect: ConnectApi;
  readonly #clock: Clock;
  #connection: { readonly to: Credentials; readonly api: ApiConnection } | undefined;

  constructor(account: Pick<ServiceAccount, "credentials">, connect: ConnectApi, clock: Clock) {
    this.#account = account;
    this.#connect = connect;
    this.#clock = clock;
  }

  /** The whole answer to a list, parsed. @throws {ApiFailure} */
  async list(question: Question, signal: AbortSignal): Promise<unknown> {
    const deadline = new Deadline(this.#clock, kubernetesLimits.requestMs, signal);
    try {
      const { response, request } = await this.#open(question, deadline);
      const text = await this.#whole(response, request, deadline, kubernetesLimits.answerBytesMax);
      return parsed(text, request);
    } finally {
      deadline.end();
    }
  }

  /**
   * The events of a watch, parsed, in the batches they arrive in; the first batch is empty and says that
   * the watch has begun. Ends when the server ends it or says nothing for too long. @throws {ApiFailure}
   */
  async *watch(question: Question, signal: AbortSignal): AsyncGenerator<readonly unknown[]> {
    const deadline = new Deadline(this.#clock, kubernetesLimits.requestMs, signal);
    try {
      const { response, request } = await this.#open(question, deadline);
      deadline.renew(kubernetesLimits.watchSilentMs);
      yield [];
      const splitter = new LineSplitter(kubernetesLimits.lineBytesMax);
      try {
        for await (const chunk of response.body) {
          deadline.renew(kubernetesLimits.watchSilentMs);
          const lines = splitter.push(chunk);
          if (lines.length > 0) yield lines.map((line) => parsed(line, request, "lost"));
        }
      } catch (error) {
        // The server speaks once a minute: who is silent for longer is not there any more.
        if (deadline.isOver) return;
        throw this.#trouble(error, request, deadline);
      }
      if (splitter.isInside) throw malformed(request, "it ended inside a line", "failed");
    } finally {
      deadline.end();
    }
  }

  /** Lets go of the connection. Idempotent. */
  close(): void {
    this.#connection?.api.close();
    this.#connection = undefined;
  }

  async #open(
    question: Question,
    deadline: Deadline,
  ): Promise<{ readonly response: ApiResponse; readonly request: ApiRequest }> {
    for (let isSecond = false; ; isSecond = true) {
      const credentials = await this.#credentials();
      const { server, token } = credentials;
      const request: ApiRequest = { ...question, server };
      let response: ApiResponse;
      try {
        const { api } = this.#connectionTo(credentials);
        response = await api.get(question.path, token, deadline.signal);
      } catch (error) {
        throw this.#trouble(error, request, deadline);
      }
      if (response.status === 200) return { response, request };
      const failure = await this.#refused(response, request, deadline);
      const mayBeRenewed = response.status === 401 && !isSecond;
      if (!mayBeRenewed || (await this.#credentials()).token === token) throw failure;
    }
  }

  async #credentials(): Promise<Credentials> {
    try {
      return await this.#account.credentials();
    } catch (error) {
      if (isFoundationError(error)) throw new ApiFailure(error);
      throw error;
    }
  }

  #connectionTo(to: Credentials): { readonly to: Credentials; readonly api: ApiConnection } {
    const before = this.#connection;
    if (before?.to.server === to.server && before.to.ca === to.ca) return before;
    before?.api.close();
    this.#connection = { to, api: this.#connect(to.server, to.ca) };
    return this.#connection;
  }

  async #refused(
    response: ApiResponse,
    request: ApiRequest,
    deadline: Deadline,
  ): Promise<ApiFailure> {
    let text = "";
    try {
      text = await this.#whole(response, request, deadline, kubernetesLimits.errorBytesMax);
    } catch {
      // What it says beside its status is only for people.
    }
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    const status = readStatus(json, response.status, text);
    // The status of HTTP decides; a body that says otherwise is somebody else's.
    const problem = refusal(request, { ...status, code: response.status });
    const because = response.status === 410 ? "gone" : "failed";
    const headerMs = Number(response.retryAfter ?? Number.NaN) * 1_000;
    const retryAfterMs = Number.isFinite(headerMs) ? headerMs : status.retryAfterMs;
    return new ApiFailure(problem, because, retryAfterMs);
  }

  async #whole(
    response: ApiResponse,
    request: ApiRequest,
    deadline: Deadline,
    bytesMax: number,
  ): Promise<string> {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    try {
      for await (const chunk of response.body) {
        sizeBytes += chunk.length;
        if (sizeBytes > bytesMax) throw malformed(request, `it is larger than ${bytesMax} bytes`);
        parts.push(chunk);
      }
    } catch (error) {
      throw this.#trouble(error, request, deadline);
    }
    return Buffer.concat(parts).toString("utf8");
  }

  #trouble(error: unknown, request: ApiRequest, deadline: Deadline): ApiFailure {
    if (error instanceof ApiFailure) return error;
    if (error instanceof LineTooLong) return malformed(request, error.message, "lost");
    const reason = deadline.isOver
      ? `there was no answer within ${kubernetesLimits.requestMs} ms`
      : troubleOf(error, true).message;
    const { server, path, verb } = request;
    return new ApiFailure(
      discoveryErrors.ERR_KUBERNETES_UNAVAILABLE(
        `The Kubernetes API server ${server} was not reached to ${verb} ${wantedOf(request)}: ${reason}. ` +
          "The peers known until now stay on offer; it is asked again.",
        { server, request: path, reason },
        error,
      ),
    );
  }
}

/** The failure for an answer that is not what was asked for. */
export function malformed(
  request: Question,
  reason: string,
  because: "lost" | "failed" = "failed",
): ApiFailure {
  return new ApiFailure(
    discoveryErrors.ERR_KUBERNETES_ANSWER(
      `The answer to ${request.verb} ${wantedOf({ ...request, server: "" })} is not what the Kubernetes API ` +
        `gives: ${reason}. The peers known until now stay on offer; it is asked again.`,
      { request: request.path, reason },
    ),
    because,
  );
}

function parsed(text: string, request: ApiRequest, because?: "lost"): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw malformed(request, `it is no JSON: ${quoted(text).slice(0, 80)}`, because);
  }
}

/** A signal that also fires when the time is up. */
class Deadline {
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  #timer: Timer | undefined;
  /** True when the time was up first. */
  isOver = false;

  constructor(clock: Clock, ms: number, outer: AbortSignal) {
    this.#clock = clock;
    this.#outer = outer;
    outer.addEventListener("abort", this.#cut, { once: true });
    if (outer.aborted) this.#cut();
    this.renew(ms);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Counts anew from now. */
  renew(ms: number): void {
    this.#timer?.cancel();
    if (this.#abort.signal.aborted) return;
    this.#timer = this.#clock.setTimer(ms, () => {
      this.isOver = true;
      this.#abort.abort();
    });
  }

  /** Leaves no timer, and no request, behind. */
  end(): void {
    this.#timer?.cancel();
    this.#outer.removeEventListener("abort", this.#cut);
    this.#abort.abort();
  }

  readonly #cut = (): void => this.#abort.abort();
}

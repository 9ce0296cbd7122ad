/**
 * ComputeApi: one request to Compute Engine, with the token, a line for `explain()`, and the problem in words.
 */
import { isFoundationError, type DiscoveryContext } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import type { HttpAnswer, HttpClient } from "../http/http-client.js";
import { discoveryLimits } from "../limits.js";
import { gcpFailure } from "../protocol/gcp/gcp-refusal.js";
import type { AccessTokens } from "./access-tokens.js";

export interface ComputeCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** The permission it needs: `compute.instances.list`. */
  readonly permission: string;
  readonly project: string;
  readonly signal: AbortSignal;
}

export class ComputeApi {
  readonly #http: HttpClient;
  readonly #base: string;
  readonly #tokens: AccessTokens;
  readonly #context: DiscoveryContext;

  constructor(http: HttpClient, base: string, tokens: AccessTokens, context: DiscoveryContext) {
    this.#http = http;
    this.#base = base.replace(/\/+$/, "");
    this.#tokens = tokens;
    this.#context = context;
  }

  /**
   * The body of a good answer; `undefined` for 404, which is not always wrong.
   *
   * @throws {ERR_LOOKUP_FAILED | ERR_LOOKUP_REFUSED}
   */
  async ask(call: ComputeCall): Promise<string | undefined> {
    const token = await this.#tokens.current(call.signal).catch((error: unknown) => {
      throw failed(wordsOf(error), error);
    });
    const answer = await this.#exchange(call, token.reveal());
    if (answer.status === 200) return answer.body;
    if (answer.status === 404) return undefined;
    throw this.problem(call, answer);
  }

  /** The problem that an answer with an error status is. */
  problem({ permission, project }: ComputeCall, { status, body }: HttpAnswer): Error {
    const { type, reason } = gcpFailure({ status, body, permission, project });
    if (type === "token") this.#tokens.drop();
    if (type === "failed" || type === "missing") return failed(reason);
    return discoveryErrors.ERR_LOOKUP_REFUSED(
      `Google does not let this node use ${permission}, with a token of ${this.#tokens.source}: ${reason}. ` +
        "The last known peers stay on offer.",
      { strategy: "gcp", what: permission, reason },
    );
  }

  async #exchange({ method, path, signal }: ComputeCall, token: string): Promise<HttpAnswer> {
    const { clock, trace } = this.#context;
    const startedAtMs = clock.now();
    const tried = `${method} ${this.#base}${path}`;
    try {
      const answer = await this.#http.exchange({
        method,
        url: `${this.#base}${path}`,
        headers: { accept: "application/json", authorization: `Bearer ${token}` },
        ...(method === "POST" && { body: "" }),
        timeoutMs: discoveryLimits.lookTimeoutMs,
        signal,
      });
      trace({ tried, answer: `status ${answer.status}`, tookMs: clock.now() - startedAtMs });
      return answer;
    } catch (error) {
      trace({ tried, answer: wordsOf(error), tookMs: clock.now() - startedAtMs });
      throw failed(`${this.#base}: ${wordsOf(error)}`, error);
    }
  }
}

/** A look-up that failed, in the words of this strategy. */
export function failed(reason: string, cause?: unknown): Error {
  return discoveryErrors.ERR_LOOKUP_FAILED(
    `Compute Engine's instances could not be listed: ${reason}. The last known peers stay on offer, and it is tried again.`,
    { strategy: "gcp", reason },
    isFoundationError(cause) ? undefined : cause,
  );
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

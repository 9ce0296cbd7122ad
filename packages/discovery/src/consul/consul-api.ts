/**
 * ConsulApi: one request to the agent, with the token, a line for `explain()`, and the problem in words when it fails.
 */
import { type DiscoveryContext, type FoundationError } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { HttpTrouble, type HttpAnswer, type HttpClient } from "../http/http-client.js";
import { refusalOf, type ConsulRequest } from "../protocol/consul/refusal.js";
import type { ConsulSettings } from "./consul-settings.js";

export interface ConsulCall {
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly body?: string;
  /** As people would say it: `look up the service "shop"`. */
  readonly what: string;
  readonly access: ConsulRequest["access"];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export class ConsulApi {
  readonly #http: HttpClient;
  readonly #settings: ConsulSettings;
  readonly #context: DiscoveryContext;

  constructor(http: HttpClient, settings: ConsulSettings, context: DiscoveryContext) {
    this.#http = http;
    this.#settings = settings;
    this.#context = context;
  }

  /** Whatever the agent answers. @throws {ERR_LOOKUP_FAILED} when it does not answer */
  async ask(call: ConsulCall): Promise<HttpAnswer> {
    const { base, token } = this.#settings;
    const { clock, trace } = this.#context;
    const startedAtMs = clock.now();
    const tried = `${call.method} ${base}${call.path}`;
    try {
      const secret = await token().catch((error: unknown) => {
        throw new HttpTrouble("refused", `its token cannot be read: ${String(error)}`, error);
      });
      const answer = await this.#http.exchange({
        method: call.method,
        url: `${base}${call.path}`,
        headers: {
          accept: "application/json",
          ...(call.body !== undefined && { "content-type": "application/json" }),
          ...(secret !== undefined && { "x-consul-token": secret.reveal() }),
        },
        ...(call.body !== undefined && { body: call.body }),
        timeoutMs: call.timeoutMs,
        signal: call.signal,
      });
      trace({ tried, answer: `status ${answer.status}`, tookMs: clock.now() - startedAtMs });
      return answer;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      trace({ tried, answer: reason, tookMs: clock.now() - startedAtMs });
      throw failed(call.what, base, reason, error);
    }
  }

  /** The answer when it is good. @throws {ERR_LOOKUP_FAILED | ERR_LOOKUP_REFUSED} */
  async askWell(call: ConsulCall): Promise<HttpAnswer> {
    const answer = await this.ask(call);
    if (answer.status !== 200) throw await this.problem(call, answer);
    return answer;
  }

  /** The problem that an answer with an error status is. */
  async problem({ what, access }: ConsulCall, answer: HttpAnswer): Promise<FoundationError> {
    const { base, service, token } = this.#settings;
    const hasToken = (await token().catch(() => undefined)) !== undefined;
    const request = { what, service, access, hasToken };
    const { type, reason } = refusalOf(answer.status, answer.body, request);
    if (type === "failed") return failed(what, base, reason);
    return discoveryErrors.ERR_LOOKUP_REFUSED(
      `Consul at ${base} does not let this node ${what}: ${reason}. The last known peers stay on offer.`,
      { strategy: "consul", what, reason },
    );
  }

  /** The problem that an answer of another form is. */
  malformed(what: string, expected: string): FoundationError {
    return failed(what, this.#settings.base, `the answer is not ${expected}`);
  }
}

function failed(what: string, base: string, reason: string, cause?: unknown): FoundationError {
  return discoveryErrors.ERR_LOOKUP_FAILED(
    `Consul at ${base} could not ${what}: ${reason}. The last known peers stay on offer, and it is tried again.`,
    { strategy: "consul", reason },
    cause,
  );
}

/**
 * InstanceMetadata: the metadata service of an EC2 instance, version 2 only.
 *
 * A session token is fetched by PUT and sent with each GET; it is renewed when the service refuses it. Version 1 is not
 * tried: what answers without a token also answers to a request that somebody tricked this process into.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 */
import type { Clock } from "@foundation/core";
import { Secret } from "@foundation/core";
import { HttpTrouble, type HttpAnswer, type HttpClient } from "../http/http-client.js";
import { discoveryLimits } from "../limits.js";

const TOKEN_TTL_S = 21_600;

type Environment = Readonly<Record<string, string | undefined>>;

export class InstanceMetadata {
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #base: string | undefined;
  #token: { readonly secret: Secret; readonly untilMs: number } | undefined;

  constructor(http: HttpClient, clock: Clock, env: Environment) {
    this.#http = http;
    this.#clock = clock;
    this.#base = baseOf(env);
  }

  /** The text at a path below `/latest/`; `undefined` for 404. @throws Error in words */
  async get(path: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#base === undefined) throw new Error("AWS_EC2_METADATA_DISABLED says not to ask it");
    let answer = await this.#ask(path, signal);
    if (answer.status === 401) {
      this.#token = undefined;
      answer = await this.#ask(path, signal);
    }
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new Error(wordsOf(answer.status));
    return answer.body;
  }

  async #ask(path: string, signal: AbortSignal): Promise<HttpAnswer> {
    const token = await this.#session(signal);
    return this.#http.exchange({
      method: "GET",
      url: `${this.#base}/latest/${path}`,
      headers: { "x-aws-ec2-metadata-token": token.reveal() },
      timeoutMs: discoveryLimits.metadataTimeoutMs,
      signal,
    });
  }

  async #session(signal: AbortSignal): Promise<Secret> {
    const nowMs = this.#clock.now();
    if (this.#token !== undefined && nowMs < this.#token.untilMs) return this.#token.secret;
    const answer = await this.#http
      .exchange({
        method: "PUT",
        url: `${this.#base}/latest/api/token`,
        headers: { "x-aws-ec2-metadata-token-ttl-seconds": String(TOKEN_TTL_S) },
        timeoutMs: discoveryLimits.metadataTimeoutMs,
        signal,
      })
      .catch((error: unknown) => {
        throw error instanceof HttpTrouble && error.kind === "timeout" ? hopLimit(error) : error;
      });
    if (answer.status !== 200 || answer.body === "") throw new Error(wordsOf(answer.status));
    const secret = new Secret(answer.body);
    this.#token = {
      secret,
      untilMs: nowMs + TOKEN_TTL_S * 1_000 - discoveryLimits.credentialsEarlyMs,
    };
    return secret;
  }
}

function baseOf(env: Environment): string | undefined {
  if (/^true$/i.test(env["AWS_EC2_METADATA_DISABLED"] ?? "")) return undefined;
  const given = env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]?.replace(/\/+$/, "");
  if (given !== undefined && given !== "") return given;
  const isIpv6 = /^ipv6$/i.test(env["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] ?? "");
  return isIpv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
}

function wordsOf(status: number): string {
  if (status === 403) return "the instance's metadata service is switched off (403)";
  return `the instance's metadata service answered with the status ${status}`;
}

/** The one failure of version 2 that everybody meets: from a container, its answer dies one hop short. */
function hopLimit(cause: Error): Error {
  return new Error(
    "the instance's metadata service gave no session token; this is no EC2 instance, or a container on one, whose " +
      "hop limit must be 2 (aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2)",
    { cause },
  );
}

/**
 * discoverAws: the running strategy: signed looks at EC2, page after page.
 *
 * A page that fails after a good one makes the answer partial: whom it might have named stays on offer.
 */
import {
  isFoundationError,
  type DiscoveryContext,
  type Peer,
  type PeerSet,
} from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import type { HttpAnswer, HttpClient } from "../http/http-client.js";
import { nodeHttp } from "../http/node-http.js";
import { discoveryLimits } from "../limits.js";
import { awsFailure } from "../protocol/aws/aws-refusal.js";
import {
  describeInstancesForm,
  readInstances,
  type AwsTags,
  type InstancesPage,
} from "../protocol/aws/describe-instances.js";
import { keepLooking, type LookAnswer } from "../strategies/keep-looking.js";
import { intervalMs } from "./aws-options.js";
import type { AwsOptions } from "./aws.js";
import { CredentialsChain, type AwsCredentials } from "./credentials-chain.js";
import { credentialSources, domainOf, said } from "./credential-sources.js";
import { InstanceMetadata } from "./instance-metadata.js";
import { signedForm } from "./signed-form.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** @param http the way to AWS and its metadata services; Node's own HTTP unless a test has another */
export async function* discoverAws(
  options: AwsOptions,
  env: Environment,
  context: DiscoveryContext,
  http: HttpClient = nodeHttp(context.clock),
): AsyncGenerator<PeerSet, void, undefined> {
  const looks = new InstanceLooks(options, env, context, http);
  try {
    yield* keepLooking(context, {
      source: "aws",
      tries: `ec2:DescribeInstances ${JSON.stringify(looks.tags)}`,
      intervalMs: intervalMs(options),
      timeoutMs: discoveryLimits.lookTimeoutMs * 3,
      look: (signal) => looks.look(signal),
    });
  } finally {
    http.close();
  }
}

class InstanceLooks {
  readonly tags: AwsTags;
  readonly #options: AwsOptions;
  readonly #env: Environment;
  readonly #context: DiscoveryContext;
  readonly #http: HttpClient;
  readonly #metadata: InstanceMetadata;
  readonly #credentials: CredentialsChain;
  #region: string | undefined;

  constructor(options: AwsOptions, env: Environment, context: DiscoveryContext, http: HttpClient) {
    this.#options = options;
    this.#env = env;
    this.#context = context;
    this.#http = http;
    this.tags = options.tags ?? { "foundation-cluster": context.cluster };
    this.#metadata = new InstanceMetadata(http, context.clock, env);
    const facts = {
      given: options.credentials,
      env,
      http,
      metadata: this.#metadata,
      region: (signal: AbortSignal) => this.#regionNow(signal),
    };
    this.#credentials = new CredentialsChain(credentialSources(facts), context.clock);
  }

  async look(signal: AbortSignal): Promise<LookAnswer> {
    const peers: Peer[] = [];
    let nextToken: string | undefined;
    for (let pages = 0; pages < discoveryLimits.awsPagesMax; pages += 1) {
      try {
        const page = await this.#page(nextToken, signal);
        peers.push(...page.peers);
        this.#tellOf(page);
        nextToken = page.nextToken;
      } catch (error) {
        if (pages === 0 || signal.aborted) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        // What was wrong with a later page is worth a pause too.
        const nextMs = discoveryLimits.retryMaxMs;
        return { peers, partial: `page ${pages + 1} is missing: ${reason}`, nextMs };
      }
      if (nextToken === undefined) return { peers };
    }
    return { peers, partial: `there are more than ${discoveryLimits.awsPagesMax} pages` };
  }

  async #page(nextToken: string | undefined, signal: AbortSignal): Promise<InstancesPage> {
    const region = await this.#regionNow(signal).catch((error: unknown) => {
      throw failed(`the region is not known (${wordsOf(error)}); set the option or AWS_REGION`);
    });
    const credentials = await this.#credentials.current(signal).catch((error: unknown) => {
      throw failed(wordsOf(error), error);
    });
    const answer = await this.#ask(region, credentials, nextToken, signal);
    if (answer.status !== 200) throw this.#problem(answer, region, credentials);
    const page = readInstances(answer.body, {
      addressType: this.#options.addressType ?? "private",
      port: this.#options.port,
      ownAddress: this.#context.self.address,
    });
    if (page === undefined) throw failed("the answer is none to DescribeInstances");
    return page;
  }

  async #ask(
    region: string,
    credentials: AwsCredentials,
    nextToken: string | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { clock, trace } = this.#context;
    const url = new URL(this.#endpoint(region));
    const body = describeInstancesForm(this.tags, nextToken);
    const wallMs = clock.wallNow();
    const headers = signedForm({ url, body, service: "ec2", region, credentials, wallMs });
    const startedAtMs = clock.now();
    const tried = `POST ${url.origin} DescribeInstances, with credentials of ${credentials.source}`;
    try {
      const timeoutMs = discoveryLimits.lookTimeoutMs;
      const request = { method: "POST", url: url.href, headers, body } as const;
      const answer = await this.#http.exchange({ ...request, timeoutMs, signal });
      const tookMs = clock.now() - startedAtMs;
      trace({ tried, answer: `status ${answer.status}`, tookMs });
      return answer;
    } catch (error) {
      trace({ tried, answer: wordsOf(error), tookMs: clock.now() - startedAtMs });
      throw failed(`${url.origin}: ${wordsOf(error)}`, error);
    }
  }

  #endpoint(region: string): string {
    const { endpoint } = this.#options;
    const named = said(this.#env, "AWS_ENDPOINT_URL_EC2") ?? said(this.#env, "AWS_ENDPOINT_URL");
    return endpoint ?? named ?? `https://ec2.${region}.${domainOf(region)}`;
  }

  async #regionNow(signal: AbortSignal): Promise<string> {
    const { region } = this.#options;
    const named = said(this.#env, "AWS_REGION") ?? said(this.#env, "AWS_DEFAULT_REGION");
    this.#region ??= region ?? named;
    this.#region ??= (await this.#metadata.get("meta-data/placement/region", signal))?.trim();
    if (this.#region === undefined) throw new Error("the instance's metadata does not say it");
    return this.#region;
  }

  #problem(answer: HttpAnswer, region: string, { source }: AwsCredentials): Error {
    const { status, body, headers } = answer;
    const dateMs = new Date(headers["date"] ?? "").getTime();
    const skewMs = Number.isNaN(dateMs) ? undefined : dateMs - this.#context.clock.wallNow();
    const action = "ec2:DescribeInstances";
    const { type, reason } = awsFailure({ status, body, action, region, skewMs });
    // The next look takes new ones: temporary credentials may have been withdrawn or rotated.
    if (type === "credentials") this.#credentials.drop();
    if (type === "failed" || type === "throttled") return failed(reason);
    return discoveryErrors.ERR_LOOKUP_REFUSED(
      `AWS does not let this node list instances, with credentials of ${source}: ${reason}. ` +
        "The last known peers stay on offer.",
      { strategy: "aws", what: action, reason },
    );
  }

  #tellOf({ without }: InstancesPage): void {
    if (without.length === 0) return;
    const { addressType = "private" } = this.#options;
    this.#context.logger.debug("Instances without an address of the wanted kind are left out", {
      addressType,
      instances: without.slice(0, 10),
      count: without.length,
    });
  }
}

function failed(reason: string, cause?: unknown): Error {
  return discoveryErrors.ERR_LOOKUP_FAILED(
    `EC2's instances could not be listed: ${reason}. The last known peers stay on offer, and it is tried again.`,
    { strategy: "aws", reason },
    isFoundationError(cause) ? undefined : cause,
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

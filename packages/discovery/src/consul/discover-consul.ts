/**
 * discoverConsul: the running strategy: a registration that is kept, and looks that wait for a change.
 *
 * A look is one query. It blocks as long as the last answer's index allows; after an answer that lacks somebody the next
 * looks are short, so that a node that left is missing from as many answers as it takes without waiting minutes for each.
 */
import type { DiscoveryContext, Peer, PeerSet } from "@foundation/core";
import type { HttpAnswer, HttpClient } from "../http/http-client.js";
import { nodeHttp, type NodeHttpOptions } from "../http/node-http.js";
import { discoveryLimits } from "../limits.js";
import { BlockingIndex } from "../protocol/consul/blocking-index.js";
import { readHealth } from "../protocol/consul/health-answer.js";
import { healthPath } from "../protocol/consul/health-query.js";
import { keepLooking, type LookAnswer } from "../strategies/keep-looking.js";
import { ConsulApi } from "./consul-api.js";
import type { ConsulOptions } from "./consul.js";
import { consulSettings, type ConsulSettings } from "./consul-settings.js";
import { keepRegistered } from "./node-registration.js";

/** @param connect the way to the agent; Node's own HTTP unless a test has another */
export async function* discoverConsul(
  options: ConsulOptions,
  env: Readonly<Record<string, string | undefined>>,
  context: DiscoveryContext,
  connect: (connection: NodeHttpOptions) => HttpClient = (connection) =>
    nodeHttp(context.clock, connection),
): AsyncGenerator<PeerSet, void, undefined> {
  if (context.signal.aborted) return;
  const settings = await consulSettings(options, env, context.cluster);
  const http = connect(settings.connection);
  const api = new ConsulApi(http, settings, context);
  const unregister = settings.register
    ? keepRegistered(api, settings, context)
    : () => Promise.resolve();
  try {
    const looks = new HealthLooks(api, settings, context);
    yield* keepLooking(context, {
      source: "consul",
      tries: `GET ${settings.base}/v1/health/service/${settings.service}`,
      intervalMs: settings.intervalMs,
      timeoutMs: looks.timeoutMs + discoveryLimits.lookTimeoutMs,
      look: (signal) => looks.look(signal),
    });
  } finally {
    await unregister();
    http.close();
  }
}

class HealthLooks {
  readonly #api: ConsulApi;
  readonly #settings: ConsulSettings;
  readonly #context: DiscoveryContext;
  readonly #index = new BlockingIndex();
  #last: ReadonlySet<string> = new Set();
  /** How many short looks are still to come. */
  #unsure = 0;

  constructor(api: ConsulApi, settings: ConsulSettings, context: DiscoveryContext) {
    this.#api = api;
    this.#settings = settings;
    this.#context = context;
  }

  /** Consul adds up to a sixteenth of the wait, so that not all clients ask again at once. */
  get timeoutMs(): number {
    return this.#settings.waitMs * (1 + 1 / 16) + discoveryLimits.lookTimeoutMs;
  }

  async look(signal: AbortSignal): Promise<LookAnswer> {
    const index = this.#unsure > 0 ? undefined : this.#index.current;
    const what = `look up the service "${this.#settings.service}"`;
    try {
      const answer = await this.#api.askWell({
        method: "GET",
        path: this.#path(index),
        what,
        access: "read",
        timeoutMs: this.timeoutMs,
        signal,
      });
      const read = readHealth(answer.body, {
        cluster: this.#context.cluster,
        ownAddress: this.#context.self.address,
        passing: this.#settings.passing,
      });
      if (read === undefined) throw this.#api.malformed(what, "a list of instances");
      const back = this.#index.take(answer.headers["x-consul-index"], this.#context.clock.now());
      this.#note(read.peers);
      const older = back && `its index went back from ${back.from} to ${back.to}: ${OLDER}`;
      const hidden = read.peers.length === 0 ? await this.#hiddenBecause(answer) : undefined;
      return this.#answer(read.peers, partialBecause(answer) ?? hidden ?? read.partial ?? older);
    } catch (error) {
      this.#index.reset();
      throw error;
    }
  }

  /** To whom it does not know, Consul does not say that it has filtered; only what its policy is. Who registers is told then. */
  async #hiddenBecause({ headers }: HttpAnswer): Promise<string | undefined> {
    if (this.#settings.register || headers["x-consul-default-acl-policy"] !== "deny") {
      return undefined;
    }
    if ((await this.#settings.token()) !== undefined) return undefined;
    return "Consul denies by default and no token was given; set `token`, `tokenFile` or CONSUL_HTTP_TOKEN";
  }

  #path(index: number | undefined): string {
    const { waitMs } = this.#settings;
    return healthPath({
      ...this.#settings,
      blocking: index === undefined ? undefined : { index, waitMs },
    });
  }

  /** Somebody is missing: look again soon, until he was missing from enough answers. */
  #note(peers: readonly Peer[]): void {
    const now = new Set(peers.map(({ address }) => address));
    const isSomebodyMissing = [...this.#last].some((address) => !now.has(address));
    if (isSomebodyMissing) this.#unsure = discoveryLimits.missesMax - 1;
    else if (this.#unsure > 0) this.#unsure -= 1;
    this.#last = now;
  }

  #answer(peers: readonly Peer[], partial: string | undefined): LookAnswer {
    return {
      peers,
      ...(partial !== undefined && { partial }),
      nextMs: this.#pauseMs(peers.length),
    };
  }

  /** Each answer is the whole list: while thousands start at once, everybody would read it without end. */
  #pauseMs(instances: number): number {
    if (this.#unsure > 0) return discoveryLimits.consulRecheckMs;
    // Without an index the next query cannot wait for a change.
    if (this.#index.current === undefined) return discoveryLimits.consulPollMs;
    return instances * discoveryLimits.consulPauseMsEach;
  }
}

const OLDER = "a server that is behind answered, or the servers were restored";

/** Consul's own word that an answer may lack something. */
function partialBecause({ headers }: HttpAnswer): string | undefined {
  if (headers["x-consul-results-filtered-by-acls"] === "true") {
    return 'the ACL token may not see every node; add the rule node_prefix "" { policy = "read" }';
  }
  if (headers["x-consul-knownleader"] === "false") {
    return "the servers have no leader, so the answer may be old";
  }
  return undefined;
}

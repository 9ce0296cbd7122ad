/**
 * discoverGcp: the running strategy: looks at Compute Engine, zone after zone and page after page.
 *
 * What cannot be had after something was had (a later page, one of several zones) makes the answer partial: whom it might
 * have named stays on offer. A group's members are looked up first; the instances are then those among them.
 */
import type { DiscoveryContext, Peer, PeerSet } from "@foundation/core";
import type { HttpClient } from "../http/http-client.js";
import { nodeHttp } from "../http/node-http.js";
import { discoveryLimits } from "../limits.js";
import { readGroup, readInstances, type InstancesReader } from "../protocol/gcp/compute-answer.js";
import {
  groupPath,
  instancesPath,
  labelValue,
  type GcpLabels,
  type GcpPlace,
  type GroupListing,
} from "../protocol/gcp/compute-query.js";
import { keepLooking, type LookAnswer } from "../strategies/keep-looking.js";
import { AccessTokens } from "./access-tokens.js";
import { ComputeApi, failed, wordsOf } from "./compute-api.js";
import { intervalMs } from "./gcp-options.js";
import type { GcpOptions } from "./gcp.js";
import { MetadataServer } from "./metadata-server.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** @param http the way to Google; Node's own HTTP unless a test has another */
export async function* discoverGcp(
  options: GcpOptions,
  env: Environment,
  context: DiscoveryContext,
  http: HttpClient = nodeHttp(context.clock),
): AsyncGenerator<PeerSet, void, undefined> {
  const looks = new ComputeLooks(options, env, context, http);
  try {
    yield* keepLooking(context, {
      source: "gcp",
      tries: looks.tries,
      intervalMs: intervalMs(options),
      timeoutMs: discoveryLimits.lookTimeoutMs * 3,
      look: (signal) => looks.look(signal),
    });
  } finally {
    http.close();
  }
}

type Members = InstancesReader["members"];

class ComputeLooks {
  readonly tries: string;
  readonly #options: GcpOptions;
  readonly #env: Environment;
  readonly #context: DiscoveryContext;
  readonly #labels: GcpLabels;
  readonly #metadata: MetadataServer;
  readonly #tokens: AccessTokens;
  readonly #api: ComputeApi;
  #project: string | undefined;
  #listing: GroupListing = "managed";

  constructor(options: GcpOptions, env: Environment, context: DiscoveryContext, http: HttpClient) {
    this.#options = options;
    this.#env = env;
    this.#context = context;
    const { instanceGroup, endpoint = "https://compute.googleapis.com" } = options;
    const own = { "foundation-cluster": labelValue(context.cluster) };
    this.#labels = options.labels ?? (instanceGroup === undefined ? own : {});
    const group = instanceGroup === undefined ? "" : ` of the group ${instanceGroup}`;
    this.tries = `compute.instances.list ${JSON.stringify(this.#labels)}${group}`;
    this.#metadata = new MetadataServer(http, env);
    const keyFile = options.keyFile ?? said(env, "GOOGLE_APPLICATION_CREDENTIALS");
    this.#tokens = new AccessTokens(http, context.clock, this.#metadata, keyFile);
    this.#api = new ComputeApi(http, endpoint, this.#tokens, context);
  }

  async look(signal: AbortSignal): Promise<LookAnswer> {
    const project = await this.#projectNow(signal);
    const members = await this.#members(project, signal);
    const zones: readonly (string | undefined)[] = this.#options.zones ?? [undefined];
    const peers: Peer[] = [];
    const missing: string[] = [];
    let isAnyGood = false;
    let hasFailed = false;
    for (const zone of zones) {
      try {
        await this.#list(project, zone, members, signal, peers, missing);
        isAnyGood = true;
      } catch (error) {
        const isLast = zone === zones.at(-1);
        if (signal.aborted || (isLast && !isAnyGood && peers.length === 0)) throw error;
        hasFailed = true;
        missing.push(`${zone ?? "the rest"}: ${wordsOf(error)}`);
      }
    }
    if (missing.length === 0) return { peers };
    const more = missing.length > 1 ? `, and ${missing.length - 1} more` : "";
    const partial = `${missing[0] ?? ""}${more}`;
    // What failed after something good is worth a pause too.
    return { peers, partial, ...(hasFailed && { nextMs: discoveryLimits.retryMaxMs }) };
  }

  /** Adds the instances of a zone, or of all zones, and what is missing among them. */
  async #list(
    project: string,
    zone: string | undefined,
    members: Members,
    signal: AbortSignal,
    peers: Peer[],
    missing: string[],
  ): Promise<void> {
    const { addressType = "private", port, region } = this.#options;
    const ownAddress = this.#context.self.address;
    const reader = { addressType, port, ownAddress, region, members };
    const permission = "compute.instances.list";
    let pageToken: string | undefined;
    for (let pages = 0; pages < discoveryLimits.gcpPagesMax; pages += 1) {
      const path = instancesPath(project, zone, this.#labels, pageToken);
      const body = await this.#api.ask({ method: "GET", path, permission, project, signal });
      if (body === undefined) throw failed(`there is no project ${project} or zone ${zone ?? ""}`);
      const page = readInstances(body, reader);
      if (page === undefined) throw failed("the answer is no list of instances");
      peers.push(...page.peers);
      missing.push(...page.missing);
      this.#tellOf(page.without);
      pageToken = page.nextPageToken;
      if (pageToken === undefined) return;
    }
    missing.push(`there are more than ${discoveryLimits.gcpPagesMax} pages`);
  }

  async #members(project: string, signal: AbortSignal): Promise<Members> {
    const { instanceGroup } = this.#options;
    if (instanceGroup === undefined) return undefined;
    const members = new Map<string, { readonly draining: boolean }>();
    for (const place of await this.#places(signal)) {
      const found =
        (await this.#group(project, place, instanceGroup, this.#listing, signal)) ??
        (await this.#group(project, place, instanceGroup, this.#other(), signal));
      if (found === undefined) {
        const where = place.type === "zone" ? place.zone : place.region;
        throw failed(`there is no instance group ${instanceGroup} in ${where} of ${project}`);
      }
      for (const [key, member] of found) members.set(key, member);
    }
    return members;
  }

  /** A group that is not managed has no manager (404): from then on it is asked the other way first. */
  #other(): GroupListing {
    this.#listing = this.#listing === "managed" ? "unmanaged" : "managed";
    return this.#listing;
  }

  async #group(
    project: string,
    place: GcpPlace,
    group: string,
    listing: GroupListing,
    signal: AbortSignal,
  ): Promise<Members> {
    const permission =
      listing === "managed" ? "compute.instanceGroupManagers.get" : "compute.instanceGroups.list";
    const members = new Map<string, { readonly draining: boolean }>();
    let pageToken: string | undefined;
    for (let pages = 0; pages < discoveryLimits.gcpPagesMax; pages += 1) {
      const path = groupPath(project, place, group, listing, pageToken);
      const body = await this.#api.ask({ method: "POST", path, permission, project, signal });
      if (body === undefined) return undefined;
      const page = readGroup(body);
      if (page === undefined) throw failed("the answer is no list of a group's members");
      for (const [key, member] of page.members) members.set(key, member);
      pageToken = page.nextPageToken;
      if (pageToken === undefined) return members;
    }
    throw failed(`the group ${group} has more than ${discoveryLimits.gcpPagesMax} pages`);
  }

  async #places(signal: AbortSignal): Promise<readonly GcpPlace[]> {
    const { zones, region } = this.#options;
    if (region !== undefined) return [{ type: "region", region }];
    if (zones !== undefined) return zones.map((zone) => ({ type: "zone", zone }));
    const own = await this.#metadata.get("instance/zone", signal).catch((error: unknown) => {
      throw failed(`where the group is, is not known (${wordsOf(error)}); set zones or region`);
    });
    return [{ type: "zone", zone: own.trim().split("/").at(-1) ?? "" }];
  }

  async #projectNow(signal: AbortSignal): Promise<string> {
    this.#project ??= this.#options.project ?? said(this.#env, "GOOGLE_CLOUD_PROJECT");
    try {
      this.#project ??= await this.#tokens.project();
      this.#project ??= (await this.#metadata.get("project/project-id", signal)).trim();
    } catch (error) {
      throw failed(
        `the project is not known (${wordsOf(error)}); set the option or GOOGLE_CLOUD_PROJECT`,
      );
    }
    return this.#project;
  }

  #tellOf(without: readonly string[]): void {
    if (without.length === 0) return;
    this.#context.logger.debug("Instances without an address of the wanted kind are left out", {
      addressType: this.#options.addressType ?? "private",
      instances: without.slice(0, 10),
      count: without.length,
    });
  }
}

/** An empty variable counts as not set: container tools cannot leave one out. */
function said(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === undefined || text === "" ? undefined : text;
}

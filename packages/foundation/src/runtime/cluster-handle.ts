/** The Cluster interface over its parts. Every method is a sentence: what is done stands in the part's own file. */
import { coreErrors, type Member } from "@foundation/core";
import type { Channel, ChannelOptions } from "../channels/channel.js";
import type { Cluster, ClusterInfo, NodeFilter } from "../cluster.js";
import { healthReport, type HealthReport } from "../health/report.js";
import type { ClusterParts } from "./assemble.js";
import { collectVitals } from "./collect-vitals.js";
import { inspect } from "./inspect.js";
import type { Leaving } from "./leave.js";
import { linksOf } from "./links-of.js";
import { problemsOf, refusalsOf } from "./problems.js";
import { membersReady } from "./ready.js";
import { watchCluster } from "./watch.js";

export function clusterHandle(parts: ClusterParts, { leave, drain }: Leaving): Cluster {
  const { config, overlay, registry, pubsub, runtime } = parts;
  const { membership } = overlay;
  return {
    name: config.values.name,
    get self() {
      return parts.members.of(membership.self);
    },
    nodes: (filter) => matching(parts.members.list(), filter),
    ready: async (options = {}) => membersReady(membership, runtime.clock, options, parts.closed),
    watch: ({ signal } = {}) =>
      watchCluster(overlay, parts.consensus.news, runtime.logger, parts.closed, signal),
    info: () => info(parts),
    explainDiscovery: () => parts.discovery.explain(),
    health: (options = {}) => health(parts, options.signal),
    async inspect(id, options = {}) {
      if (parts.closed.aborted) throw hasLeft();
      return inspect(overlay, id, parts.describe, options);
    },
    async switchTopology(to) {
      if (parts.closed.aborted) throw hasLeft();
      overlay.switchTopology(to);
    },
    startProcess: (definition, ...parameters) => registry.startProcess(definition, ...parameters),
    process: (definition, name) => registry.process(definition, name),
    async send(name, message, options) {
      registry.send(name, message, options);
    },
    migrate: (process, options) => registry.migrate(process, options),
    rebalance: (options) => registry.rebalance(options),
    bestNodeFor: (workload) => parts.members.of(registry.bestNodeFor(workload)),
    supervise: (name, options) => registry.supervise(name, options),
    supervisor: (name) => registry.supervisor(name),
    startEcosystem: (name, options) => registry.startEcosystem(name, options),
    ecosystem: (name, coordinator) => registry.ecosystem(name, coordinator),
    registry: bound(registry, REGISTRY_METHODS),
    groups: registry.groups,
    services: registry.services,
    loadBalancer: registry.loadBalancer,
    pubsub: bound(pubsub, ["publish", "subscribe"]),
    state: bound(parts.state, STATE_TYPES),
    cache: (name, options) => parts.caches.open(name, options),
    docs: bound(parts.documents, ["open", "forget"]),
    // What the messages are is agreed between the nodes of an application: nobody else can know it.
    channel: <Message, Reply>(name: string, options?: ChannelOptions) =>
      parts.channels.open(name, options) as Channel<unknown, unknown> as Channel<Message, Reply>,
    ...recipesOf(parts),
    reconfigure: async (patch) => config.reconfigure(patch, parts.carriers),
    drain,
    leave,
    [Symbol.asyncDispose]: leave,
  };
}

const REGISTRY_METHODS = [
  "register",
  "unregister",
  "update",
  "lookup",
  "lookupAll",
  "select",
  "count",
  "watch",
] as const;

const STATE_TYPES = [
  "map",
  "set",
  "counter",
  "growCounter",
  "boundedCounter",
  "flag",
  "register",
  "multiRegister",
  "nested",
] as const;

function recipesOf({ config, consensus }: ClusterParts) {
  const {
    kv,
    locks,
    semaphores,
    barriers,
    elections,
    sequences,
    config: agreed,
  } = consensus.recipes;
  const shared = bound(agreed, ["get", "getWithConsensus", "setClusterWide", "watch"]);
  const own = { explain: () => config.explain() };
  return {
    ...{ kv, locks, semaphores, barriers, elections, sequences },
    config: Object.freeze({ ...shared, ...own }),
  };
}

function hasLeft(): Error {
  return coreErrors.ERR_CLOSED("This node has left its cluster", { what: "cluster" });
}

/** Only these methods of a part: what closes it or drains it is the handle's own business. */
function bound<Part extends object, Name extends keyof Part>(
  part: Part,
  names: readonly Name[],
): Pick<Part, Name> {
  const methods = names.map((name) => [name, (part[name] as () => unknown).bind(part)]);
  return Object.freeze(Object.fromEntries(methods)) as Pick<Part, Name>;
}

function matching(members: readonly Member[], filter: NodeFilter | undefined): readonly Member[] {
  if (filter === undefined) return members;
  const { role, labels = {} } = filter;
  const wanted = Object.entries(labels);
  return members.filter(
    (member) =>
      (role === undefined || member.roles.includes(role)) &&
      wanted.every(([key, value]) => member.labels[key] === value),
  );
}

function info(parts: ClusterParts): ClusterInfo {
  const { config, strategy, overlay, registry, vitals, consensus } = parts;
  const { membership } = overlay;
  const members = membership.members();
  const { leader } = consensus.news;
  const { processes, children } = registry.info();
  // Without asking anybody: whoever is not suspected counts as reachable.
  const presumed = members.filter(({ status }) => status !== "suspect");
  const own = vitals.read();
  const report = healthReport({
    name: config.values.name,
    strategy: strategy.name,
    topology: overlay.topology,
    members,
    vitals: new Map(presumed.map(({ id }) => [id, own])),
    problems: problemsOf(parts),
    refusals: refusalsOf(parts),
  });
  return {
    name: config.values.name,
    self: membership.self,
    nodes: members,
    strategy: strategy.name,
    topology: overlay.topology,
    health: report.status,
    leader: leader && membership.member(leader),
    processes: {
      here: processes,
      distributed: children.running,
      failed: children.failed,
    },
    messageRate: own.messagesPerSecond,
    links: linksOf(overlay.links()),
  };
}

async function health(parts: ClusterParts, signal: AbortSignal | undefined): Promise<HealthReport> {
  const { config, strategy, overlay, vitals } = parts;
  const { messenger, membership } = overlay;
  const asked = new Set(membership.members().map(({ id }) => id));
  const answers = await collectVitals(messenger, membership, vitals.read(), signal);
  return healthReport({
    name: config.values.name,
    strategy: strategy.name,
    topology: overlay.topology,
    // Who came in the meantime was not asked, and is no less reachable for it.
    members: membership.members().filter(({ id }) => asked.has(id)),
    vitals: answers,
    problems: problemsOf(parts),
    refusals: refusalsOf(parts),
  });
}

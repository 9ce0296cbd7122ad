/** The Cluster interface over its parts. Every method is a sentence: what is done stands in the part's own file. */
import type { Member } from "@foundation/core";
import type { Cluster, ClusterInfo, NodeFilter } from "../cluster.js";
import { healthReport, type HealthReport } from "../health/report.js";
import type { ClusterParts } from "./assemble.js";
import { collectVitals } from "./collect-vitals.js";
import type { Leaving } from "./leave.js";
import { problemsOf, refusalsOf } from "./problems.js";
import { membersReady } from "./ready.js";
import { watchMembership } from "./watch.js";

export function clusterHandle(parts: ClusterParts, { leave, drain }: Leaving): Cluster {
  const { config, overlay, registry, pubsub, runtime } = parts;
  const { membership } = overlay;
  return {
    name: config.values.name,
    get self() {
      return membership.self;
    },
    nodes: (filter) => matching(membership.members(), filter),
    ready: (options = {}) => membersReady(membership, runtime.clock, options, parts.closed),
    watch: ({ signal } = {}) =>
      watchMembership(membership, runtime.logger, either(parts.closed, signal)),
    info: () => info(parts),
    health: (options = {}) => health(parts, options.signal),
    startProcess: (definition, ...parameters) => registry.startProcess(definition, ...parameters),
    process: (definition, name) => registry.process(definition, name),
    async send(name, message) {
      registry.send(name, message);
    },
    registry,
    pubsub,
    config: { explain: () => config.explain() },
    drain,
    leave,
    [Symbol.asyncDispose]: leave,
  };
}

function either(a: AbortSignal, b: AbortSignal | undefined): AbortSignal {
  return b === undefined ? a : AbortSignal.any([a, b]);
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
  const { config, strategy, overlay, registry, vitals } = parts;
  const { membership } = overlay;
  const members = membership.members();
  const own = registry.info();
  // Without asking anybody: whoever is not suspected counts as reachable.
  const presumed = members.filter(({ status }) => status !== "suspect");
  const report = healthReport({
    name: config.values.name,
    strategy: strategy.name,
    members,
    vitals: new Map(presumed.map(({ id }) => [id, vitals.read()])),
    problems: problemsOf(parts),
    refusals: refusalsOf(parts),
  });
  return {
    name: config.values.name,
    self: membership.self,
    nodes: members,
    strategy: strategy.name,
    topology: "full-mesh",
    health: report.status,
    processes: {
      here: own.processes,
      distributed: own.children.running,
      failed: own.children.failed,
    },
    messageRate: vitals.messagesPerSecond(),
  };
}

async function health(parts: ClusterParts, signal: AbortSignal | undefined): Promise<HealthReport> {
  const { config, strategy, overlay, vitals } = parts;
  const { messenger, membership } = overlay;
  const answers = await collectVitals(messenger, membership, vitals.read(), signal);
  return healthReport({
    name: config.values.name,
    strategy: strategy.name,
    members: membership.members(),
    vitals: answers,
    problems: problemsOf(parts),
    refusals: refusalsOf(parts),
  });
}

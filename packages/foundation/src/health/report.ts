/**
 * The health report: pure. What each node said of itself goes in, a verdict with reasons and advice comes out.
 *
 * A node that did not answer is listed as unreachable, never dropped: a report that hides the sick is worse than none.
 */
import type { Member, NodeId } from "@foundation/core";
import type { TopologyName } from "@foundation/overlay";

export type HealthStatus = "healthy" | "degraded" | "critical";

/** What a node says of itself. */
export interface NodeVitals {
  readonly uptimeMs: number;
  readonly heapUsedBytes: number;
  readonly rssBytes: number;
  /** How late the event loop ran its timers lately, in ms. */
  readonly eventLoopLagMs: number;
  readonly processes: number;
  readonly mailboxMessages: number;
  readonly messagesPerSecond: number;
}

export interface NodeHealth {
  readonly id: NodeId;
  readonly name: string;
  readonly status: "healthy" | "busy" | "suspect" | "draining" | "unreachable";
  /** Absent when the node did not answer. */
  readonly vitals?: NodeVitals;
}

export interface HealthReport {
  readonly status: HealthStatus;
  readonly cluster: {
    readonly name: string;
    readonly strategy: string;
    readonly topology: TopologyName;
    readonly nodes: number;
    readonly reachable: number;
  };
  readonly nodes: readonly NodeHealth[];
  /** This node's own parts. */
  readonly services: Readonly<
    Record<"discovery" | "overlay" | "registry" | "pubsub", HealthStatus>
  >;
  readonly performance: {
    readonly messagesPerSecond: number;
    readonly eventLoopLagMsMax: number;
    readonly processes: number;
  };
  /** What to do, one sentence each. Empty when all is well. */
  readonly recommendations: readonly string[];
}

export interface ReportInput {
  readonly name: string;
  readonly strategy: string;
  readonly topology: TopologyName;
  readonly members: readonly Member[];
  readonly vitals: ReadonlyMap<NodeId, NodeVitals>;
  /** What each of this node's services has to complain of, one sentence each. */
  readonly problems: Readonly<
    Record<"discovery" | "overlay" | "registry" | "pubsub", readonly string[]>
  >;
  /** Handshakes that were refused lately, by code. */
  readonly refusals: readonly {
    readonly code: string;
    readonly count: number;
    readonly lastMessage: string;
  }[];
}

/** An event loop later than this makes a node busy: its own timers can no longer be trusted. */
export const busyLagMs = 200;

/** Makes the report. */
export function healthReport(input: ReportInput): HealthReport {
  const nodes = input.members.map((member) => nodeHealth(member, input.vitals.get(member.id)));
  const reachable = nodes.filter((node) => node.vitals !== undefined).length;
  const answered = [...input.vitals.values()];
  const refused = refusalAdvice(input.refusals);
  const { discovery, overlay, registry, pubsub } = input.problems;
  const told = [...discovery, ...overlay, ...registry, ...pubsub];
  const recommendations = [...nodeAdvice(nodes), ...refused, ...told];
  const complete = reachable === nodes.length && refused.length === 0;
  return {
    status: verdict(nodes.length, reachable, recommendations.length),
    cluster: {
      name: input.name,
      strategy: input.strategy,
      topology: input.topology,
      nodes: nodes.length,
      reachable,
    },
    nodes,
    services: {
      discovery: service(discovery.length === 0),
      overlay: service(complete && overlay.length === 0),
      registry: service(registry.length === 0),
      pubsub: service(pubsub.length === 0),
    },
    performance: {
      messagesPerSecond: sum(answered, (vitals) => vitals.messagesPerSecond),
      eventLoopLagMsMax: Math.max(0, ...answered.map((vitals) => vitals.eventLoopLagMs)),
      processes: sum(answered, (vitals) => vitals.processes),
    },
    recommendations,
  };
}

function nodeHealth(member: Member, vitals: NodeVitals | undefined): NodeHealth {
  const { id, name } = member;
  if (vitals === undefined) return { id, name, status: "unreachable" };
  if (member.status === "suspect") return { id, name, status: "suspect", vitals };
  if (member.status === "draining") return { id, name, status: "draining", vitals };
  const status = vitals.eventLoopLagMs > busyLagMs ? "busy" : "healthy";
  return { id, name, status, vitals };
}

/** Critical when half of the listed nodes or more do not answer: no majority can be counted on. */
function verdict(listed: number, reachable: number, problems: number): HealthStatus {
  if (reachable * 2 <= listed) return "critical";
  return reachable < listed || problems > 0 ? "degraded" : "healthy";
}

function nodeAdvice(nodes: readonly NodeHealth[]): string[] {
  const advice: string[] = [];
  for (const node of nodes) {
    if (node.status === "unreachable") {
      advice.push(`${node.name} did not answer: check that its process runs and can be reached.`);
    }
    if (node.status === "busy") {
      advice.push(
        `${node.name}'s event loop is ${Math.round(node.vitals?.eventLoopLagMs ?? 0)} ms late: ` +
          "move long synchronous work to a worker thread.",
      );
    }
  }
  return advice;
}

function refusalAdvice(refusals: ReportInput["refusals"]): string[] {
  return refusals.map(
    ({ code, count, lastMessage }) =>
      `${count} handshake(s) were refused with ${code}: ${lastMessage}`,
  );
}

function service(well: boolean): HealthStatus {
  return well ? "healthy" : "degraded";
}

function sum(list: readonly NodeVitals[], of: (vitals: NodeVitals) => number): number {
  return list.reduce((total, vitals) => total + of(vitals), 0);
}

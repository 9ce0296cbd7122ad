/**
 * The path of a look at a service's instances and their health: `GET /v1/health/service/:service`.
 *
 * Pure. `passing` is not asked of the server, because an instance that drains is not passing and has to be seen.
 */

/** Which servers may answer. */
export type ConsulConsistency = "default" | "stale" | "consistent";

export interface HealthQuery {
  readonly service: string;
  /** An instance must have all of them. */
  readonly tags: readonly string[];
  readonly datacenter: string | undefined;
  readonly namespace: string | undefined;
  readonly partition: string | undefined;
  readonly consistency: ConsulConsistency;
  /** Wait for a change beyond this index, for so long. */
  readonly blocking: { readonly index: number; readonly waitMs: number } | undefined;
}

/** The path with its query. */
export function healthPath(query: HealthQuery): string {
  const parts = [
    ...scope(query),
    ...query.tags.map((tag) => pair("tag", tag)),
    ...(query.consistency === "default" ? [] : [query.consistency]),
  ];
  if (query.blocking !== undefined) {
    const { index, waitMs } = query.blocking;
    parts.push(pair("index", String(index)), pair("wait", `${Math.ceil(waitMs)}ms`));
  }
  const path = `/v1/health/service/${encodeURIComponent(query.service)}`;
  return parts.length === 0 ? path : `${path}?${parts.join("&")}`;
}

/** The parameters that say whose services are meant. */
export function scope(
  where: Pick<HealthQuery, "datacenter" | "namespace" | "partition">,
): readonly string[] {
  return [
    ...(where.datacenter === undefined ? [] : [pair("dc", where.datacenter)]),
    ...(where.namespace === undefined ? [] : [pair("ns", where.namespace)]),
    ...(where.partition === undefined ? [] : [pair("partition", where.partition)]),
  ];
}

function pair(name: string, value: string): string {
  return `${name}=${encodeURIComponent(value)}`;
}

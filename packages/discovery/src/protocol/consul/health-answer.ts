/**
 * What an answer of `/v1/health/service/:service` says: which instances are nodes of this cluster, and which of them drain.
 *
 * Pure. An instance that says it is of another cluster is left out; one that says nothing (another program registered it)
 * is taken at its service's address. What is not of the documented form is a malformed answer as a whole when it is no
 * list, and makes the answer partial when it is one entry: nobody goes because his entry could not be read.
 */
import { isNodeId, type Peer } from "@foundation/core";
import { parsePeerAddress, peerAddressLike } from "../peer-address.js";
import { clusterMark, CONSUL_META } from "./service-registration.js";

export interface HealthReading {
  readonly peers: readonly Peer[];
  /** Why the answer may lack peers that are there. */
  readonly partial?: string;
}

export interface HealthReader {
  readonly cluster: string;
  /** This node's address: where an instance says no port or scheme, it is dialled alike. */
  readonly ownAddress: string;
  /** Only instances none of whose checks fails. */
  readonly passing: boolean;
}

/** Reads the body; `undefined` when it is no list of instances. */
export function readHealth(body: string, reader: HealthReader): HealthReading | undefined {
  const entries = parsed(body);
  if (!Array.isArray(entries)) return undefined;
  const peers: Peer[] = [];
  const unreadable: string[] = [];
  for (const [at, entry] of entries.entries()) {
    const read = readEntry(entry, reader);
    if (typeof read === "string") unreadable.push(`instance ${at}: ${read}`);
    else if (read !== undefined) peers.push(read);
  }
  if (unreadable.length === 0) return { peers };
  const more = unreadable.length > 1 ? `, and ${unreadable.length - 1} like it` : "";
  return { peers, partial: `${unreadable[0] ?? ""}${more}` };
}

/** The peer; nothing when it is not wanted; a text when it cannot be read. */
function readEntry(entry: unknown, reader: HealthReader): Peer | string | undefined {
  const service = field(entry, "Service");
  if (!isRecord(service)) return "it has no Service";
  const meta = isRecord(service["Meta"]) ? service["Meta"] : {};
  const cluster = meta[CONSUL_META.cluster];
  if (typeof cluster === "string" && cluster !== clusterMark(reader.cluster)) return undefined;
  const checks = field(entry, "Checks");
  if (!Array.isArray(checks)) return "it has no Checks";
  const statuses = checks.map((check) => field(check, "Status"));
  const isDraining = meta[CONSUL_META.draining] === "true";
  const isWell = statuses.every((status) => status === "passing");
  const isLeaving = isDraining && statuses.every((status) => status !== "critical");
  if (reader.passing && !isWell && !isLeaving) return undefined;
  const address = addressOf(entry, service, meta, reader.ownAddress);
  if (address === undefined) return "its address is none";
  const id = meta[CONSUL_META.id];
  return {
    address,
    ...(typeof id === "string" && isNodeId(id) && { id }),
    ...(isDraining && { draining: true as const }),
  };
}

function addressOf(
  entry: unknown,
  service: Readonly<Record<string, unknown>>,
  meta: Readonly<Record<string, unknown>>,
  ownAddress: string,
): string | undefined {
  const told = meta[CONSUL_META.address];
  const host = text(service["Address"]) ?? text(field(field(entry, "Node"), "Address"));
  const port = service["Port"];
  try {
    if (typeof told === "string") return parsePeerAddress(told);
    if (host === undefined) return undefined;
    const own = typeof port === "number" && port > 0 ? port : undefined;
    return peerAddressLike(ownAddress, host, own);
  } catch {
    return undefined;
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

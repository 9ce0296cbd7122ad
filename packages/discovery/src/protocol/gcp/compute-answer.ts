/**
 * What Compute Engine's answers say: instances with their addresses, members of a group, and what an answer lacks.
 *
 * Pure. An instance that is stopping or suspending is a peer that drains; one that is staging has no node yet. Warnings
 * and `unreachables` make the answer partial; that a zone has no instances is no warning, though it is sent as one.
 */
import type { Peer } from "@foundation/core";
import { peerAddressLike } from "../peer-address.js";

/** Which of an instance's addresses peers dial. */
export type GcpAddressType = "private" | "public" | "ipv6";

export interface InstancesReader {
  readonly addressType: GcpAddressType;
  readonly port: number | undefined;
  readonly ownAddress: string;
  /** Only zones of this region. */
  readonly region: string | undefined;
  /** Only these instances, by zone and name, and which of them drain. */
  readonly members: ReadonlyMap<string, { readonly draining: boolean }> | undefined;
}

/** One page. */
export interface ComputePage {
  readonly peers: readonly Peer[];
  /** Instances that have no address of the wanted kind. */
  readonly without: readonly string[];
  readonly nextPageToken: string | undefined;
  /** What the answer lacks, in words. */
  readonly missing: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

const LEAVING = ["STOPPING", "SUSPENDING", "PENDING_STOP"];

/** Reads a page of instances, of one zone or of all; `undefined` when it is none. */
export function readInstances(body: string, reader: InstancesReader): ComputePage | undefined {
  const answer = parsed(body);
  const kind = text(answer?.["kind"]);
  if (answer === undefined || !/^compute#instance(Aggregated)?List$/.test(kind ?? "")) {
    return undefined;
  }
  const peers: Peer[] = [];
  const without: string[] = [];
  for (const instance of instancesOf(answer)) {
    const read = readInstance(instance, reader);
    if (typeof read === "string") without.push(read);
    else if (read !== undefined) peers.push(read);
  }
  return {
    peers,
    without,
    nextPageToken: text(answer["nextPageToken"]),
    missing: missingOf(answer, reader.region),
  };
}

/** A page of a group's members, by zone and name; `undefined` when it is none. */
export interface GroupPage {
  readonly members: ReadonlyMap<string, { readonly draining: boolean }>;
  readonly nextPageToken: string | undefined;
}

/** What a managed group does to an instance that will not stay as it is. */
const ENDING = ["ABANDONING", "DELETING", "RECREATING", "STOPPING", "SUSPENDING"];

/** Reads a page of `listManagedInstances` or `listInstances`. */
export function readGroup(body: string): GroupPage | undefined {
  const answer = parsed(body);
  if (answer === undefined) return undefined;
  const isUnmanaged = (text(answer["kind"]) ?? "").endsWith("ListInstances");
  const listed = answer["managedInstances"] ?? answer["items"];
  // A managed group's answer has no kind, and without members no field at all.
  if (listed !== undefined && !Array.isArray(listed)) return undefined;
  if (listed === undefined && !isUnmanaged && answer["error"] !== undefined) return undefined;
  const members = new Map<string, { readonly draining: boolean }>();
  for (const each of (listed ?? []) as readonly unknown[]) {
    const member = record(each);
    const key = memberKey(text(member["instance"]));
    if (key === undefined) continue;
    const action = text(member["currentAction"]) ?? "NONE";
    members.set(key, { draining: ENDING.includes(action) });
  }
  return { members, nextPageToken: text(answer["nextPageToken"]) };
}

/** `zone/name` of an instance's URL. */
export function memberKey(url: string | undefined): string | undefined {
  const match = /\/zones\/([^/]+)\/instances\/([^/?#]+)$/.exec(url ?? "");
  return match === null ? undefined : `${match[1]}/${match[2]}`;
}

function instancesOf(answer: Fields): readonly Fields[] {
  const { items } = answer;
  if (Array.isArray(items)) return items.map(record);
  return Object.values(record(items)).flatMap((scope) => list(record(scope)["instances"]));
}

/** The peer; nothing when it is not wanted; its name when it has no address. */
function readInstance(instance: Fields, reader: InstancesReader): Peer | string | undefined {
  const status = text(instance["status"]) ?? "";
  if (status !== "RUNNING" && !LEAVING.includes(status)) return undefined;
  const zone = text(instance["zone"])?.split("/").at(-1) ?? "";
  if (reader.region !== undefined && !isOf(zone, reader.region)) return undefined;
  const name = text(instance["name"]) ?? "";
  const member = reader.members?.get(`${zone}/${name}`);
  if (reader.members !== undefined && member === undefined) return undefined;
  const host = list(instance["networkInterfaces"])
    .map((each) => hostOf(each, reader.addressType))
    .find((each) => each !== undefined);
  const address = host === undefined ? undefined : dialled(host, reader);
  if (address === undefined) return name;
  const isDraining = status !== "RUNNING" || member?.draining === true;
  return { address, ...(isDraining && { draining: true as const }) };
}

function hostOf(network: Fields, kind: GcpAddressType): string | undefined {
  switch (kind) {
    case "private":
      return text(network["networkIP"]);
    case "public":
      return text(list(network["accessConfigs"])[0]?.["natIP"]);
    case "ipv6": {
      const external = list(network["ipv6AccessConfigs"])[0]?.["externalIpv6"];
      return text(network["ipv6Address"]) ?? text(external);
    }
    default:
      kind satisfies never;
      return undefined;
  }
}

function dialled(host: string, { ownAddress, port }: InstancesReader): string | undefined {
  try {
    return peerAddressLike(ownAddress, host, port);
  } catch {
    return undefined;
  }
}

function missingOf(answer: Fields, region: string | undefined): readonly string[] {
  const unreachable = [answer["unreachables"] ?? []].flat().flatMap((each) => text(each) ?? []);
  const warnings = [
    ["", record(answer["warning"])] as const,
    ...Object.entries(Array.isArray(answer["items"]) ? {} : record(answer["items"])).map(
      ([scope, value]) => [scope, record(record(value)["warning"])] as const,
    ),
  ];
  const told = warnings.flatMap(([scope, warning]) => {
    const code = text(warning["code"]);
    if (code === undefined || code === "NO_RESULTS_ON_PAGE") return [];
    return `${scope === "" ? "the answer" : scope}: ${text(warning["message"]) ?? code}`;
  });
  const cut = unreachable.map((zone) => `${zone} cannot be reached`);
  const isWanted = (words: string): boolean => {
    const zone = /zones\/([a-z0-9-]+)/.exec(words)?.[1];
    return region === undefined || zone === undefined || isOf(zone, region);
  };
  return [...cut, ...told].filter(isWanted);
}

function isOf(zone: string, region: string): boolean {
  return zone.startsWith(`${region}-`);
}

function parsed(body: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Fields)
      : undefined;
  } catch {
    return undefined;
  }
}

function record(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

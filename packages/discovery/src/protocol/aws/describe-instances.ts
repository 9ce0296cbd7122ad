/**
 * DescribeInstances of EC2's Query API: which instances are asked for, and what an answer says of them.
 *
 * Pure. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html. An instance that is shutting
 * down or stopping is a peer that drains; a pending one has no node yet.
 */
import type { Peer } from "@foundation/core";
import { discoveryLimits } from "../../limits.js";
import { peerAddressLike } from "../peer-address.js";
import { elements, readXml, textAt } from "./xml.js";

/** Which of an instance's addresses peers dial. */
export type AwsAddressType = "private" | "public" | "ipv6";

/** What tags must say: each key with one of its values, which may hold EC2's wildcards `*` and `?`. */
export type AwsTags = Readonly<Record<string, string | readonly string[]>>;

const API_VERSION = "2016-11-15";
const STATES = ["running", "shutting-down", "stopping"];

/** The form of one page's request. */
export function describeInstancesForm(tags: AwsTags, nextToken: string | undefined): string {
  const form = new URLSearchParams({
    Action: "DescribeInstances",
    Version: API_VERSION,
    MaxResults: String(discoveryLimits.awsPageSize),
  });
  const filters: readonly (readonly [string, readonly string[]])[] = [
    ["instance-state-name", STATES],
    ...Object.entries(tags).map(
      ([key, value]) => [`tag:${key}`, typeof value === "string" ? [value] : value] as const,
    ),
  ];
  for (const [at, [name, values]] of filters.entries()) {
    form.set(`Filter.${at + 1}.Name`, name);
    for (const [of, value] of values.entries()) form.set(`Filter.${at + 1}.Value.${of + 1}`, value);
  }
  if (nextToken !== undefined) form.set("NextToken", nextToken);
  return form.toString();
}

/** One page. */
export interface InstancesPage {
  readonly peers: readonly Peer[];
  /** Instances that have no address of the wanted kind. */
  readonly without: readonly string[];
  readonly nextToken: string | undefined;
}

export interface InstancesReader {
  readonly addressType: AwsAddressType;
  readonly port: number | undefined;
  readonly ownAddress: string;
}

/** Reads a page; `undefined` when it is no answer to DescribeInstances. */
export function readInstances(body: string, reader: InstancesReader): InstancesPage | undefined {
  const root = readXml(body);
  if (root?.name !== "DescribeInstancesResponse") return undefined;
  if (elements(root, "reservationSet").length === 0) return undefined;
  const peers: Peer[] = [];
  const without: string[] = [];
  for (const instance of elements(root, "reservationSet", "item", "instancesSet", "item")) {
    const host = hostOf(instance, reader.addressType);
    const state = textAt(instance, "instanceState", "name") ?? "running";
    const address = host === undefined ? undefined : dialled(host, reader);
    if (address === undefined) without.push(textAt(instance, "instanceId") ?? "an instance");
    else if (STATES.includes(state)) {
      peers.push({ address, ...(state !== "running" && { draining: true as const }) });
    }
  }
  return { peers, without, nextToken: textAt(root, "nextToken") };
}

type Element = ReturnType<typeof elements>[number];

function hostOf(instance: Element, kind: AwsAddressType): string | undefined {
  switch (kind) {
    case "private":
      return textAt(instance, "privateIpAddress");
    case "public":
      return textAt(instance, "ipAddress");
    case "ipv6": {
      const found = ["networkInterfaceSet", "item", "ipv6AddressesSet", "item", "ipv6Address"];
      return textAt(instance, "ipv6Address") ?? textAt(instance, ...found);
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

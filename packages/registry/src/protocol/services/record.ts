/**
 * ServiceRecord: what a node tells the others of an instance of a service it offers, and the check of what a peer told.
 *
 * Records stand in their node's shard, so they come and go with it; only their node changes them.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Health } from "./health.js";

/** What travels. Plain data. */
export interface ServiceRecord {
  readonly capabilities: readonly string[];
  readonly metadata: unknown;
  /** Its share of the requests, relative to the other instances'. */
  readonly weight: number;
  readonly zone: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly health: Health;
  /** What the last check said, for people. */
  readonly note: string | undefined;
  /** False for what can only be discovered. */
  readonly takesRequests: boolean;
  /** Running a request twice does no harm. */
  readonly idempotent: boolean;
}

/** One instance of a service, somewhere in the cluster. */
export interface ServiceInstance extends ServiceRecord {
  /** The same on every node. */
  readonly id: string;
  readonly service: string;
  readonly node: NodeId;
  readonly boot: Boot;
  /** Its number on its node. */
  readonly serial: number;
}

const HEALTHS: readonly unknown[] = ["starting", "healthy", "unhealthy"];

/** The key in a node's shard. */
export function recordKey(serial: number, service: string): string {
  return `${serial}:${service}`;
}

/** What a key says, or undefined when it is not one. */
export function parseRecordKey(key: string): { serial: number; service: string } | undefined {
  const end = key.indexOf(":");
  const serial = Number(key.slice(0, end));
  const service = key.slice(end + 1);
  return end > 0 && Number.isSafeInteger(serial) && serial >= 0 && service.length > 0
    ? { serial, service }
    : undefined;
}

/** The id of an instance. */
export function instanceId(node: NodeId, boot: Boot, serial: number): string {
  return `${node}/${boot}/${serial}`;
}

/** Checks what arrived from a peer. */
export function parseRecord(value: unknown): ServiceRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const record = value as { readonly [Field in keyof ServiceRecord]?: unknown };
  const { capabilities, metadata, weight, zone, labels, health, note } = record;
  if (!isTexts(capabilities) || !isLabels(labels) || !isWeight(weight)) return undefined;
  if (!HEALTHS.includes(health)) return undefined;
  return {
    capabilities,
    metadata,
    weight,
    zone: typeof zone === "string" ? zone : undefined,
    labels,
    health: health as Health,
    note: typeof note === "string" ? note : undefined,
    takesRequests: record.takesRequests === true,
    idempotent: record.idempotent === true,
  };
}

/** True for a weight that a strategy can work with. */
export function isWeight(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

export function isLabels(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).every((label) => typeof label === "string");
}

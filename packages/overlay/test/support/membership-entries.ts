/** Ids, boots and entries for membership tests: short names, valid forms. */
import {
  parseBoot,
  parseNodeId,
  type Boot,
  type MemberStatus,
  type NodeId,
} from "@foundation/core";
import type { DirectoryEntry } from "../../src/protocol/membership/entry.js";
import type { WireEntry } from "../../src/protocol/membership/messages.js";

/** The id of node `number`; ids are ordered as the numbers. */
export function idOf(number: number): NodeId {
  return parseNodeId(number.toString(16).padStart(32, "0"));
}

export function bootOf(number: number): Boot {
  return parseBoot(number.toString(16).padStart(24, "0"));
}

export function addressOf(number: number): string {
  return `10.0.0.${number}:1`;
}

/** Node `number` in its first boot, alive, unless told otherwise. */
export function entryOf(number: number, change: Partial<DirectoryEntry> = {}): DirectoryEntry {
  return {
    id: idOf(number),
    boot: bootOf(1),
    incarnation: 0,
    status: "alive",
    address: addressOf(number),
    name: `n${number}`,
    roles: [],
    labels: {},
    ...change,
  };
}

export function wireOf(number: number, change: Partial<WireEntry> = {}): WireEntry {
  return { ...entryOf(number), ageMs: 0, ...change };
}

export const statuses: readonly MemberStatus[] = ["alive", "draining", "suspect", "down", "left"];

/**
 * GossipMessage: what a node says of itself, inside the seal.
 *
 * JSON, because it is small, opened only after its seal was found right, and read by people who debug. Every field is
 * checked all the same: a member of another version must not break this one. Pure.
 *
 * Invariant: `formatMessage` of what `parseMessage` accepts fits into one datagram.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { assert } from "../assert.js";
import { gossipLimits } from "./limits.js";

/** The start of a node, for others to name: 24 hexadecimal digits. */
export type Session = string;

export interface GossipMessage {
  /** `hello` wants to be answered, `beat` says I am there, `bye` says I am gone. */
  readonly type: "hello" | "beat" | "bye";
  readonly id: NodeId;
  /** What to dial. */
  readonly address: string;
  /** The sender's next word comes within about this. */
  readonly intervalMs: number;
  readonly draining: boolean;
  /** The sender's wall clock, a hint only. */
  readonly wallMs: number;
  /** Sessions the sender has heard: to them it proves that this datagram is not an old one. */
  readonly greets: readonly Session[];
}

const TYPES = ["hello", "beat", "bye"] as const;
const SESSION = /^[0-9a-f]{24}$/;

/** The text of a message. */
export function formatMessage(message: GossipMessage): string {
  assert(message.address.length <= gossipLimits.addressCharsMax, "an address is short");
  assert(message.greets.length <= gossipLimits.greetsMax, "a datagram names a few sessions");
  const { type, id, address, intervalMs, draining, wallMs, greets } = message;
  return JSON.stringify({
    t: type,
    id,
    a: address,
    i: Math.round(intervalMs),
    w: Math.round(wallMs),
    ...(draining && { d: 1 }),
    ...(greets.length > 0 && { g: greets }),
  });
}

/** The message of a text; undefined when it is none. Fields it does not know are left alone: a later version's. */
export function parseMessage(text: string): GossipMessage | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { t, id, a: address, i: interval, w: wallMs, d = 0, g = [] } = value;
  const type = TYPES.find((each) => each === t);
  if (type === undefined || !isNodeId(id)) return undefined;
  if (typeof address !== "string" || address.length === 0) return undefined;
  if (address.length > gossipLimits.addressCharsMax) return undefined;
  if (!isCount(interval) || !isCount(wallMs) || !isSessions(g)) return undefined;
  const { intervalMsMin, intervalMsMax } = gossipLimits;
  const intervalMs = Math.min(intervalMsMax, Math.max(intervalMsMin, interval));
  return { type, id, address, intervalMs, draining: d === 1, wallMs, greets: g };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSessions(value: unknown): value is readonly Session[] {
  if (!Array.isArray(value) || value.length > gossipLimits.greetsMax) return false;
  return value.every((each) => typeof each === "string" && SESSION.test(each));
}

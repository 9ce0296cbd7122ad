/**
 * NodeId and Boot: who a node is, and which start of it.
 *
 * A NodeId is 128 random bits, kept where the node has a data directory. A Boot is fresh for each start and ordered
 * among the boots of one NodeId without trusting the wall clock: a persisted order, greater each time, where there is
 * storage; without it the NodeId itself is new at each start, so the order never matters. Shards, fencing, monitors and
 * sessions are keyed by the pair. A name (`app-host-pid`) is for people only.
 */
import { coreErrors } from "../errors/errors.js";
import type { Random } from "../ports/random.js";

declare const nodeIdBrand: unique symbol;
declare const bootBrand: unique symbol;

/** 32 lower-case hexadecimal digits. */
export type NodeId = string & { readonly [nodeIdBrand]: true };

/** 24 lower-case hexadecimal digits: 64 bits of order, then 32 random bits. Compared as text. */
export type Boot = string & { readonly [bootBrand]: true };

const NODE_ID = /^[0-9a-f]{32}$/;
const BOOT = /^[0-9a-f]{24}$/;

/** A new random NodeId. */
export function createNodeId(random: Random): NodeId {
  return hexOf(random.secret(16)) as NodeId;
}

/** @throws {ERR_INVALID_ARGUMENT} when the text is not a NodeId. */
export function parseNodeId(text: string): NodeId {
  if (NODE_ID.test(text)) return text as NodeId;
  throw invalid("nodeId", "32 lower-case hexadecimal digits", text);
}

/** True when the value is a well-formed NodeId. */
export function isNodeId(value: unknown): value is NodeId {
  return typeof value === "string" && NODE_ID.test(value);
}

/**
 * A new boot that is greater than every boot made with a smaller `order` for the same NodeId.
 *
 * @param order what grows with each start, or the wall clock in ms where nothing is persisted; an integer from 0 to 2^53 - 1
 */
export function createBoot(order: number, random: Random): Boot {
  if (!Number.isSafeInteger(order) || order < 0) {
    throw invalid("order", "an integer from 0 to 2^53 - 1", String(order));
  }
  return (order.toString(16).padStart(16, "0") + hexOf(random.secret(4))) as Boot;
}

/** @throws {ERR_INVALID_ARGUMENT} when the text is not a Boot. */
export function parseBoot(text: string): Boot {
  if (BOOT.test(text)) return text as Boot;
  throw invalid("boot", "24 lower-case hexadecimal digits", text);
}

/** True when the value is a well-formed Boot. */
export function isBoot(value: unknown): value is Boot {
  return typeof value === "string" && BOOT.test(value);
}

function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

function invalid(argument: string, expected: string, found: string): Error {
  const shown = found.length > 64 ? `${found.slice(0, 64)}…` : found;
  return coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found "${shown}"`, {
    argument,
    expected,
    found: shown,
  });
}

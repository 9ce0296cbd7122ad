/**
 * Requests as bytes: what the log holds.
 *
 * A version byte, then one MessagePack value: arrays instead of objects, numbers instead of words, because each command
 * is written to every member's disk. What is parsed is checked for its shape here, and for its sense by `checkRequest`.
 *
 * A command of a version that a member does not know is refused on that member and executed on others; so a new version
 * may be proposed only once every member runs a release that knows it.
 */
import { createCodec } from "@foundation/core";
import type { Comparison, Operation, Transaction } from "../../engine/engine.js";
import { STORE_LIMITS, type StoreLimits } from "./limits.js";
import type { StoreRefusal, StoreRequest } from "./request.js";

export const COMMAND_VERSION = 1;

const codec = createCodec();

const TARGETS = ["version", "createRevision", "modRevision", "value", "lease"] as const;
const SIGNS = ["=", "!=", "<", ">"] as const;
const LIMIT_NAMES = Object.keys(STORE_LIMITS) as readonly (keyof StoreLimits)[];

const KINDS = { txn: 0, grant: 1, keep: 2, revoke: 3, compact: 4, limit: 5 } as const;
const RANGE = 0;
const PUT = 1;
const DELETE = 2;

/** Thrown within this file only, for bytes that are no command. */
class Malformed extends Error {}

export function encodeRequest(request: StoreRequest): Uint8Array {
  return sealed(requestData(request));
}

/** The request, or why the bytes are none. Its values may be views of them, to be read before they change. */
export function parseRequest(bytes: Uint8Array): StoreRequest | StoreRefusal {
  return parsing(() => requestOf(opened(bytes)));
}

/** Commands are views of a slab that is never written twice: one piece of memory for many. */
const SLAB_BYTES = 16_384;
let slab = new Uint8Array(0);
let slabAt = 0;

/** Adds the version to what a command is made of. */
export function sealed(data: unknown): Uint8Array {
  return sealedIn(data) ?? sealedInNewSlab(data) ?? sealedAlone(data);
}

/** Undefined when the slab has no room for it. */
function sealedIn(data: unknown): Uint8Array | undefined {
  const at = slabAt;
  if (at + 1 >= slab.length) return undefined;
  const end = codec.encodeInto(data, slab, at + 1);
  if (end < 0) return undefined;
  slab[at] = COMMAND_VERSION;
  slabAt = end;
  return slab.subarray(at, end);
}

function sealedInNewSlab(data: unknown): Uint8Array | undefined {
  const [before, beforeAt] = [slab, slabAt];
  slab = new Uint8Array(SLAB_BYTES);
  slabAt = 0;
  const bytes = sealedIn(data);
  // It is larger than a slab: others go on in the one before.
  if (!bytes) [slab, slabAt] = [before, beforeAt];
  return bytes;
}

function sealedAlone(data: unknown): Uint8Array {
  const body = codec.encode(data);
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = COMMAND_VERSION;
  bytes.set(body, 1);
  return bytes;
}

/** Undoes `sealed`; to be called within `parsing`. */
export function opened(bytes: Uint8Array): unknown {
  if (bytes[0] !== COMMAND_VERSION) throw new Malformed(`a command of version ${bytes[0]}`);
  // A large value is a view: the store keeps none of a command's memory.
  return codec.decode(bytes, 1, bytes.length, true);
}

/** Runs a parser; what it does not understand becomes a refusal. */
export function parsing<Parsed>(parse: () => Parsed): Parsed | StoreRefusal {
  try {
    return parse();
  } catch (error) {
    return { reason: "malformed", problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Request to the arrays that stand for it. */
export function requestData(request: StoreRequest): readonly unknown[] {
  switch (request.type) {
    case "txn": {
      const { if: comparisons = [], then, else: otherwise = [] } = request.transaction;
      return [
        KINDS.txn,
        comparisons.map(comparisonData),
        then.map(operationData),
        otherwise.map(operationData),
      ];
    }
    case "grant":
      return [KINDS.grant, request.ttlMs];
    case "keep":
      return [KINDS.keep, request.leases];
    case "revoke":
      return [KINDS.revoke, request.lease];
    case "compact":
      return [KINDS.compact, request.revision];
    case "limit":
      return [KINDS.limit, limitsData(request.limits)];
    default:
      return request satisfies never;
  }
}

export function requestOf(data: unknown): StoreRequest {
  const fields = list(data);
  const [kind, first] = fields;
  expectLength(fields, kind === KINDS.txn ? 4 : 2);
  switch (kind) {
    case KINDS.txn:
      return { type: "txn", transaction: transactionOf(fields) };
    case KINDS.grant:
      return { type: "grant", ttlMs: number(first) };
    case KINDS.keep:
      return { type: "keep", leases: list(first).map(text) };
    case KINDS.revoke:
      return { type: "revoke", lease: text(first) };
    case KINDS.compact:
      return { type: "compact", revision: number(first) };
    case KINDS.limit:
      return { type: "limit", limits: limitsOf(first) };
    default:
      throw new Malformed(`a command of kind ${String(kind)}`);
  }
}

export function limitsData(limits: StoreLimits): readonly number[] {
  return LIMIT_NAMES.map((name) => limits[name]);
}

export function limitsOf(data: unknown): StoreLimits {
  const values = list(data);
  expectLength(values, LIMIT_NAMES.length);
  const named = LIMIT_NAMES.map((name, i) => [name, number(values[i])] as const);
  return Object.fromEntries(named) as unknown as StoreLimits;
}

export function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Malformed("a list is missing");
  return value;
}

export function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Malformed("no number");
  return value;
}

/** An integer from 0. */
export function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Malformed("no count");
  return value as number;
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw new Malformed("a text is missing");
  return value;
}

export function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Malformed("bytes are missing");
  return value;
}

export function expectLength(fields: readonly unknown[], length: number): void {
  if (fields.length !== length) throw new Malformed(`${fields.length} fields, not ${length}`);
}

function transactionOf(fields: readonly unknown[]): Transaction {
  const [, comparisons, then, otherwise] = fields;
  return {
    if: list(comparisons).map(comparisonOf),
    then: list(then).map(operationOf),
    else: list(otherwise).map(operationOf),
  };
}

function comparisonData({ key, target, is, than }: Comparison): readonly unknown[] {
  return [TARGETS.indexOf(target), SIGNS.indexOf(is), key, than ?? null];
}

function comparisonOf(data: unknown): Comparison {
  const fields = list(data);
  expectLength(fields, 4);
  const target = TARGETS[count(fields[0])];
  const is = SIGNS[count(fields[1])];
  const key = text(fields[2]);
  const than = fields[3];
  if (!target || !is) throw new Malformed("an unknown comparison");
  if (target === "value" || target === "lease") {
    if (is !== "=" && is !== "!=") throw new Malformed(`a comparison by ${is} of a ${target}`);
    if (target === "value") return { key, target, is, than: bytesOf(than) };
    return { key, target, is, than: than === null ? undefined : text(than) };
  }
  return { key, target, is, than: number(than) };
}

function operationData(operation: Operation): readonly unknown[] {
  switch (operation.type) {
    case "range": {
      const { key, end = null, limit = null, revision = null, keysOnly } = operation;
      return [RANGE, key, end, limit, revision, keysOnly === true];
    }
    case "put":
      return [PUT, operation.key, operation.value, operation.lease ?? null];
    case "delete":
      return [DELETE, operation.key, operation.end ?? null];
    default:
      return operation satisfies never;
  }
}

function operationOf(data: unknown): Operation {
  const fields = list(data);
  const [kind, , second, third, fourth, fifth] = fields;
  const key = text(fields[1]);
  switch (kind) {
    case RANGE:
      expectLength(fields, 6);
      return {
        type: "range",
        key,
        ...(second !== null && { end: text(second) }),
        ...(third !== null && { limit: number(third) }),
        ...(fourth !== null && { revision: number(fourth) }),
        ...(fifth === true && { keysOnly: true }),
      };
    case PUT:
      expectLength(fields, 4);
      return {
        type: "put",
        key,
        value: bytesOf(second),
        ...(third !== null && { lease: text(third) }),
      };
    case DELETE:
      expectLength(fields, 3);
      return { type: "delete", key, ...(second !== null && { end: text(second) }) };
    default:
      throw new Malformed(`an operation of kind ${String(kind)}`);
  }
}

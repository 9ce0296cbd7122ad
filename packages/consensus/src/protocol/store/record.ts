/** Records of a snapshot: pairs, changes and answers as the arrays that stand for them, and back. */
import type { Change, KeyValue, OperationResult, Revision } from "../../engine/engine.js";
import type { StoreAnswer, StoreRefusal } from "./request.js";
import { bytesOf, count, expectLength, list, number, text } from "./request-codec.js";
import { storedPair } from "./stored-pair.js";

const RANGE = 0;
const PUT = 1;
const DELETE = 2;

const TXN = 0;
const GRANTED = 1;
const KEPT = 2;
const DONE = 3;
const REFUSED = 4;

export function pairData(pair: KeyValue): readonly unknown[] {
  const { key, value, createRevision, modRevision, version, lease = null } = pair;
  return [key, value, createRevision, modRevision, version, lease];
}

export function pairOf(data: unknown): KeyValue {
  const fields = list(data);
  expectLength(fields, 6);
  const [key, value, createRevision, modRevision, version, lease] = fields;
  return storedPair({
    key: text(key),
    value: bytesOf(value),
    createRevision: count(createRevision),
    modRevision: count(modRevision),
    version: count(version),
    ...(lease !== null && { lease: text(lease) }),
  });
}

/** How a change names a pair: one that stands elsewhere in the snapshot is written there only. */
const HERE = 0;
const CURRENT = 1;
const EARLIER = 2;
const NONE = 3;

/** Where the pairs of changes stand, beside the changes. */
export interface PairSource {
  /** What the key has now. */
  current(key: string): KeyValue | undefined;
  /** The first revision of the history: what a key got at this or later is among its changes. */
  readonly first: Revision;
}

export function changeData(change: Change, source: PairSource): readonly unknown[] {
  const { previous } = change;
  const before = !previous
    ? [NONE]
    : previous.modRevision >= source.first
      ? [EARLIER]
      : [HERE, pairData(previous)];
  if (change.type === "delete") return [DELETE, change.key, before];
  const { pair } = change;
  const isCurrent = source.current(pair.key)?.modRevision === pair.modRevision;
  return [PUT, isCurrent ? [CURRENT, pair.key] : [HERE, pairData(pair)], before];
}

/** @param earlier the pairs of the changes before, by key; those of this one are added */
export function changeOf(
  data: unknown,
  revision: Revision,
  source: Pick<PairSource, "current">,
  earlier: Map<string, KeyValue>,
): Change {
  const fields = list(data);
  expectLength(fields, 3);
  const [kind, what, before] = fields;
  if (kind === DELETE) {
    const key = text(what);
    const previous = previousOf(before, key, earlier);
    earlier.delete(key);
    return { type: "delete", key, revision, ...(previous && { previous }) };
  }
  if (kind !== PUT) throw new Error(`a change of the unknown kind ${String(kind)}`);
  const [where, named] = list(what);
  const pair = where === CURRENT ? source.current(text(named)) : pairOf(named);
  if (pair?.modRevision !== revision) throw new Error("a change of another revision's pair");
  const previous = previousOf(before, pair.key, earlier);
  earlier.set(pair.key, pair);
  return { type: "put", pair, ...(previous && { previous }) };
}

function previousOf(
  data: unknown,
  key: string,
  earlier: ReadonlyMap<string, KeyValue>,
): KeyValue | undefined {
  const [where, pair] = list(data);
  if (where === NONE) return undefined;
  if (where === HERE) return pairOf(pair);
  const found = earlier.get(key);
  if (where !== EARLIER || !found) throw new Error("a change of a pair that never was");
  return found;
}

export function answerData(answer: StoreAnswer): readonly unknown[] {
  switch (answer.type) {
    case "txn": {
      const { succeeded, revision, results } = answer.result;
      return [TXN, succeeded, revision, results.map(resultData)];
    }
    case "granted":
      return [GRANTED, answer.lease, answer.ttlMs];
    case "kept":
      return [KEPT, answer.ttlsMs];
    case "done":
      return [DONE];
    case "refused":
      return [REFUSED, answer.refusal];
    default:
      return answer satisfies never;
  }
}

export function answerOf(data: unknown): StoreAnswer {
  const [kind, first, second, third] = list(data);
  switch (kind) {
    case TXN: {
      const results = list(third).map(resultOf);
      return {
        type: "txn",
        result: { succeeded: first === true, revision: count(second), results },
      };
    }
    case GRANTED:
      return { type: "granted", lease: text(first), ttlMs: number(second) };
    case KEPT:
      return { type: "kept", ttlsMs: list(first).map(number) };
    case DONE:
      return { type: "done" };
    case REFUSED:
      // Said by this package and kept as it was said: nothing acts upon it but the words of an error.
      return { type: "refused", refusal: first as StoreRefusal };
    default:
      throw new Error(`an answer of the unknown kind ${String(kind)}`);
  }
}

function resultData(result: OperationResult): readonly unknown[] {
  switch (result.type) {
    case "range":
      return [RANGE, result.pairs.map(pairData), result.count];
    case "put":
      return [PUT, result.previous ? pairData(result.previous) : null];
    case "delete":
      return [DELETE, result.previous.map(pairData)];
    default:
      return result satisfies never;
  }
}

function resultOf(data: unknown): OperationResult {
  const [kind, first, second] = list(data);
  switch (kind) {
    case RANGE:
      return { type: "range", pairs: list(first).map(pairOf), count: count(second) };
    case PUT:
      return first === null ? { type: "put" } : { type: "put", previous: pairOf(first) };
    case DELETE:
      return { type: "delete", previous: list(first).map(pairOf) };
    default:
      throw new Error(`a result of the unknown kind ${String(kind)}`);
  }
}

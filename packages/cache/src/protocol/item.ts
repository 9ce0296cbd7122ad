/**
 * Item: one entry, or the trace of a deleted one, as it goes from node to node.
 *
 * Times travel as what is left of them, so that clocks need not agree. Plain arrays, because an item is most of what the
 * cache sends; what arrives is checked field by field, since a peer of another version may send anything.
 */
import { compareVersions, type Version } from "./version.js";

export interface Item {
  readonly key: string;
  readonly version: Version;
  /** The encoded value; undefined: deleted, or expired. */
  readonly bytes: Uint8Array | undefined;
  /** Until it is stale. Infinity: never; negative: it is. */
  readonly freshForMs: number;
  /** After that. */
  readonly staleForMs: number;
  readonly tags: readonly string[];
}

export type WireItem = readonly [
  key: string,
  epoch: number,
  counter: number,
  writer: string,
  bytes: Uint8Array | null,
  freshForMs: number | null,
  staleForMs: number,
  tags: readonly string[],
];

export function wireOf(item: Item): WireItem {
  const { key, version, bytes, freshForMs, staleForMs, tags } = item;
  const left = freshForMs === Infinity ? null : freshForMs;
  const { epoch, counter, writer } = version;
  return [key, epoch, counter, writer, bytes ?? null, left, staleForMs, tags];
}

/** The item, or undefined when it is none. */
export function parseItem(wire: unknown): Item | undefined {
  if (!Array.isArray(wire) || wire.length !== 8) return undefined;
  const [key, epoch, counter, writer, bytes, fresh, staleForMs, tags] = wire as unknown[];
  const version = parseVersion([epoch, counter, writer]);
  if (typeof key !== "string" || version === undefined || !isTexts(tags)) return undefined;
  if (bytes !== null && !(bytes instanceof Uint8Array)) return undefined;
  if (fresh !== null && !isNumber(fresh)) return undefined;
  if (!isNumber(staleForMs) || staleForMs < 0) return undefined;
  const freshForMs = fresh ?? Infinity;
  return { key, version, bytes: bytes ?? undefined, freshForMs, staleForMs, tags };
}

/** An entry as it goes to who wants no more than its value. */
export type WireFresh = readonly [bytes: Uint8Array, freshForMs: number | null];

/** What is fresh of an entry. */
export interface Fresh {
  readonly bytes: Uint8Array;
  /** Above 0. Infinity: for ever. */
  readonly freshForMs: number;
}

export function wireOfFresh(bytes: Uint8Array, freshForMs: number): WireFresh {
  return [bytes, freshForMs === Infinity ? null : freshForMs];
}

/** Undefined: there is nothing fresh, or it is none. */
export function parseFresh(wire: unknown): Fresh | undefined {
  if (!Array.isArray(wire) || wire.length !== 2) return undefined;
  const [bytes, fresh] = wire as unknown[];
  if (!(bytes instanceof Uint8Array)) return undefined;
  if (fresh === null) return { bytes, freshForMs: Infinity };
  return isNumber(fresh) && fresh > 0 ? { bytes, freshForMs: fresh } : undefined;
}

export function wireVersion({ epoch, counter, writer }: Version): readonly unknown[] {
  return [epoch, counter, writer];
}

export function parseVersion(wire: unknown): Version | undefined {
  if (!Array.isArray(wire) || wire.length !== 3) return undefined;
  const [epoch, counter, writer] = wire as unknown[];
  if (!isCount(epoch) || !isCount(counter) || typeof writer !== "string") return undefined;
  return { epoch, counter, writer };
}

/** A version as callers see it. */
export function textOfVersion({ epoch, counter, writer }: Version): string {
  return `${epoch}.${counter}.${writer}`;
}

/** The newest of several, by version. */
export function newestOf(items: readonly Item[]): Item | undefined {
  let newest: Item | undefined;
  for (const item of items) {
    if (newest === undefined || compareVersions(item.version, newest.version) > 0) newest = item;
  }
  return newest;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** What of an item a caller may be given as it is: undefined where it is a deletion, or its time is over. */
export function freshOf(item: Item | undefined): Fresh | undefined {
  return isFresh(item) ? item : undefined;
}

export function isFresh(item: Item | undefined): item is Item & { readonly bytes: Uint8Array } {
  return item?.bytes !== undefined && item.freshForMs > 0;
}

/** Entries of a key-value store, and how they come from an engine's pairs. */
import type { Codec } from "@foundation/core/ports";
import type { KeyValue, LeaseId, Revision } from "../../engine/engine.js";

/** A value, and where it stands in the history of the store. */
export interface KvEntry<T> {
  readonly key: string;
  readonly value: T;
  /** Of the store when it was put. */
  readonly revision: Revision;
  /** Of the store when its key was made. */
  readonly createRevision: Revision;
  /** 1 when its key was made, one more with each put. */
  readonly version: number;
  /** Deletes it when it ends. */
  readonly lease?: LeaseId;
}

export function entryOf<T>(codec: Codec, prefix: string, pair: KeyValue): KvEntry<T> {
  const { key, value, modRevision, createRevision, version, lease } = pair;
  return {
    key: key.slice(prefix.length),
    value: codec.decode(value) as T,
    revision: modRevision,
    createRevision,
    version,
    ...(lease !== undefined && { lease }),
  };
}

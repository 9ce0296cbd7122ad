/**
 * Snapshots: the states that processes asked to be kept (`persist`), so that a crash or a takeover goes on from the last
 * one instead of `init`.
 *
 * Those of distributed children live in a multi-writer map beside the specs, on every node, because any of them may be the
 * next to run the child. A child of one node only has its snapshot on that node. A snapshot is bytes made by the codec: who
 * starts from it gets a state of its own.
 *
 * A snapshot is of one start by a user (incarnation): a stop forgets it, and a later start begins with `init`. Restarts by a
 * supervisor go on from it, whatever they are for. Kept means handed to the links of every member: what a node kept in its
 * last moment may not have left it.
 *
 * Limits: `snapshotBytesMax`.
 */
import { coreErrors, type ProcessSnapshot } from "@foundation/core";
import { crdtErrors, type VersionedMap } from "@foundation/crdt";
import type { ChildSpec } from "../../protocol/child-spec.js";
import {
  droppedStamp,
  isUseless,
  snapshotStamp,
  type SnapshotStamp,
} from "../../protocol/snapshot-stamp.js";
import type { SpecStore } from "../supervision/spec-store.js";
import { show, type Wiring } from "../wiring.js";

/** A state as it is kept. */
interface Kept {
  readonly version: number;
  readonly state: Uint8Array;
}

/** Whose snapshot it is; without a spec, that of a child of this node only. */
export interface SnapshotOwner {
  readonly identity: string;
  readonly spec: ChildSpec | undefined;
}

/** What processes asked to be kept. */
export class Snapshots {
  readonly #wiring: Wiring;
  readonly #map: VersionedMap<unknown, SnapshotStamp>;
  readonly #specs: SpecStore;
  readonly #local = new Map<string, Kept>();
  readonly #stops: (() => void)[];
  #count = 0;

  constructor(wiring: Wiring, map: VersionedMap<unknown, SnapshotStamp>, specs: SpecStore) {
    this.#wiring = wiring;
    this.#map = map;
    this.#specs = specs;
    this.#stops = [
      specs.subscribe((identity) => this.#dropUseless(identity)),
      map.subscribe(({ key }) => this.#dropUseless(key)),
    ];
  }

  /** Snapshots known on this node. */
  get size(): number {
    return this.#map.size + this.#local.size;
  }

  /** The newest snapshot a start may go on from. */
  latest({ identity, spec }: SnapshotOwner): ProcessSnapshot | undefined {
    if (spec === undefined) return this.#opened(this.#local.get(identity), identity);
    const stamp = this.#map.stampOf(identity);
    if (stamp === undefined || stamp.stopped || stamp.incarnation !== spec.incarnation) {
      return undefined;
    }
    return this.#opened(parseKept(this.#map.get(identity)), identity);
  }

  /**
   * Keeps a snapshot in the place of the one before; resolves when it was handed to the links.
   * @throws {ERR_VALUE_TOO_LARGE} @throws {ERR_NOT_ENCODABLE} @throws {ERR_STORE_FULL}
   * @throws {ERR_NO_PROCESS} another instance of the child has kept a newer one, or it was stopped
   */
  keep(
    { identity, spec }: SnapshotOwner,
    { state, version }: ProcessSnapshot,
  ): void | Promise<void> {
    const bytes = this.#wiring.codec.encode(state);
    const limit = this.#wiring.limits.snapshotBytesMax;
    if (bytes.byteLength > limit) throw tooLarge(identity, bytes.byteLength, limit);
    const kept: Kept = { version, state: bytes };
    if (spec === undefined) {
      this.#local.set(identity, { version, state: bytes.slice() });
      return undefined;
    }
    this.#count += 1;
    if (!this.#map.set(identity, kept, snapshotStamp(spec, this.#count))) throw outranked(identity);
    this.#map.flush();
    return new Promise((resolve) => this.#wiring.clock.endOfTurn(resolve));
  }

  /** A child of this node only will not be started again. */
  forget(identity: string): void {
    this.#local.delete(identity);
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#local.clear();
  }

  /** Each node does so by itself, with the same stamp. */
  #dropUseless(identity: string): void {
    const stamp = this.#map.stampOf(identity);
    if (stamp === undefined || stamp.stopped) return;
    const spec = this.#specs.get(identity);
    if (spec === undefined || !isUseless(stamp.incarnation, spec)) return;
    this.#map.delete(identity, droppedStamp(spec, stamp.incarnation));
  }

  /** What cannot be read is no reason not to start: `init` makes a new state. */
  #opened(kept: Kept | undefined, identity: string): ProcessSnapshot | undefined {
    if (kept === undefined) return undefined;
    try {
      return { state: this.#wiring.codec.decode(kept.state), version: kept.version };
    } catch (error) {
      this.#wiring.logger.warn("A kept snapshot cannot be read, so the child starts from init", {
        identity,
        error,
      });
      return undefined;
    }
  }
}

function parseKept(value: unknown): Kept | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { version, state } = value as Partial<Kept>;
  if (typeof version !== "number" || !(state instanceof Uint8Array)) return undefined;
  return { version, state };
}

function outranked(identity: string): Error {
  return coreErrors.ERR_NO_PROCESS(
    `${show(identity)} was stopped, or goes on elsewhere: the state of this instance is not kept`,
    { process: identity },
  );
}

function tooLarge(identity: string, bytes: number, limit: number): Error {
  return crdtErrors.ERR_VALUE_TOO_LARGE(
    `The state of ${show(identity)} is ${bytes} bytes, and at most ${limit} (snapshotBytesMax) are kept: ` +
      "keep less in the state, or raise the limit on every node",
    { store: "registry.snapshots", key: identity, sizeBytes: bytes, limitBytes: limit },
  );
}

/**
 * StampedMap: a versioned map whose writes are stamped with hybrid time, as an application would that wants the last
 * write of a key to stay, deletions included.
 *
 * Invariant: a write made here wins over every write of its key this node knows of, whatever the wall clocks say.
 */
import { HybridLogicalClock } from "@foundation/core";
import {
  createVersionedMap,
  type MapChange,
  type ReplicationPorts,
  type WriteStamp,
} from "@foundation/crdt";
import type { SimulatedHost } from "@foundation/testkit";
import { compareWriteStamps, isWriteStamp } from "../cores/write-stamp.js";

export type StampedChange = MapChange<string, WriteStamp>;

export interface StampedMap {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  delete(key: string): void;
  entries(): Iterable<readonly [string, string]>;
  subscribe(listener: (change: StampedChange) => void): () => void;
  close(): Promise<void>;
}

type Ports = ReplicationPorts & { readonly runtime: Pick<SimulatedHost["runtime"], "clock"> };

export function stampedMap(ports: Ports): StampedMap {
  const map = createVersionedMap<string, WriteStamp>({
    ...ports,
    name: "simulation",
    compare: compareWriteStamps,
    isStamp: isWriteStamp,
  });
  const hybrid = new HybridLogicalClock();
  const { id: node, boot } = ports.membership.self;
  const observe = (stamp: WriteStamp) => void hybrid.receive(stamp, ports.runtime.clock.wallNow());
  const stampFor = (key: string): WriteStamp => {
    // A deletion of what was never seen here is told to no listener.
    const known = map.stampOf(key);
    if (known !== undefined) observe(known);
    return { ...hybrid.tick(ports.runtime.clock.wallNow()), node, boot };
  };
  map.subscribe(({ stamp }) => observe(stamp));
  return {
    get: (key) => map.get(key),
    set: (key, value) => void map.set(key, value, stampFor(key)),
    delete: (key) => void map.delete(key, stampFor(key)),
    *entries() {
      for (const [key, value] of map.entries()) yield [key, value];
    },
    subscribe: (listener) => map.subscribe(listener),
    close: () => map.close(),
  };
}

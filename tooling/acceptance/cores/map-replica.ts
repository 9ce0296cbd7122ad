/**
 * MapReplica: a multi-writer map's core with any order of stamps.
 *
 * Changes are folded and compared with what can be read, so a change that is told wrongly shows.
 */
import type { NodeId } from "@foundation/core";
import { MAP_LIMITS, type MapLimits } from "../../../packages/crdt/src/limits.js";
import type {
  MapChange,
  MapEffect,
  MapInput,
} from "../../../packages/crdt/src/protocol/versioned/inputs.js";
import {
  parseMapMessage,
  type MapMessage,
} from "../../../packages/crdt/src/protocol/versioned/messages.js";
import { VersionedState } from "../../../packages/crdt/src/protocol/versioned/versioned-state.js";
import { Replica, type ReplicaHost, type ReplicaInput } from "./replica.js";

export interface MapReplicaOptions<V, S> {
  readonly self: NodeId;
  readonly tombstoneMs: number;
  readonly compare: (a: S, b: S) => number;
  readonly isStamp: (value: unknown) => value is S;
  readonly onChange?: (change: MapChange<V, S>) => void;
}

/** Small, so that transfers are cut into parts and rounds in a short run. */
const limits: MapLimits = {
  ...MAP_LIMITS,
  deltaEntriesMax: 3,
  roundEntriesMax: 6,
  summaryBytesAim: 400,
  roundBytesAim: 400,
};

export class MapReplica<V, S> extends Replica<MapInput<V, S>, MapEffect<V, S>, MapMessage<V, S>> {
  readonly state: VersionedState<V, S>;
  readonly wrong: string[] = [];
  readonly #options: MapReplicaOptions<V, S>;
  readonly #mirror = new Map<string, V>();

  constructor(
    options: MapReplicaOptions<V, S>,
    host: ReplicaHost<MapInput<V, S> | ReplicaInput, MapMessage<V, S>>,
  ) {
    super(host);
    const { self, tombstoneMs, compare } = options;
    this.#options = options;
    this.state = new VersionedState<V, S>({ self, limits, tombstoneMs, compare });
  }

  handle(input: MapInput<V, S>, now: number): readonly MapEffect<V, S>[] {
    return this.state.handle(input, now);
  }

  run(effect: MapEffect<V, S>): void {
    switch (effect.type) {
      case "broadcast":
        return this.host.broadcast(effect.message);
      case "send":
        return this.host.send(effect.to, effect.message);
      case "changes":
        for (const change of effect.changes) this.#fold(change);
        return;
      case "tombstones-dropped":
        return;
      case "refused":
        this.wrong.push(`a message was refused: ${effect.reason}`);
        return;
      default:
        effect satisfies never;
    }
  }

  receive(from: NodeId, payload: MapMessage<V, S>): void {
    const parsed = parseMapMessage<V, S>(payload, limits, this.#options.isStamp);
    if ("problem" in parsed) this.wrong.push(`a message was ${parsed.problem}`);
    else this.host.feed({ type: "message", from, message: parsed.message });
  }

  set(key: string, value: V, stamp: S): void {
    this.host.feed({ type: "set", key, value, stamp });
    this.written();
  }

  delete(key: string, stamp: S): void {
    this.host.feed({ type: "delete", key, stamp });
    this.written();
  }

  /** Every key that has a value, as text. */
  view(): string {
    const lines = [...this.state.live()].map(
      ({ key, value, stamp }) => `${key} = ${JSON.stringify(value)} at ${JSON.stringify(stamp)}`,
    );
    return lines.sort().join("\n");
  }

  /** The sentences that are not true of changes against what can be read. */
  audit(): readonly string[] {
    const wrong = [...this.wrong];
    let live = 0;
    for (const { key, value } of this.state.live()) {
      live += 1;
      if (this.#mirror.get(key) !== value) wrong.push(`${key} was not told`);
    }
    if (live !== this.#mirror.size) wrong.push(`${live} keys, and ${this.#mirror.size} were told`);
    return wrong;
  }

  #fold(change: MapChange<V, S>): void {
    const { key, previous } = change;
    if (this.#mirror.get(key) !== previous) this.wrong.push(`${key}: a wrong previous value`);
    if (change.type === "set") this.#mirror.set(key, change.value);
    else this.#mirror.delete(key);
    this.#options.onChange?.(change);
  }
}

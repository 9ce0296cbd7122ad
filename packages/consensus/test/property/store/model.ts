/**
 * The store, told naively: every revision is a whole copy of all keys, and nothing is shared or undone.
 *
 * Written from the words of the engine's contract and not from the store, so that both would have to be wrong in the
 * same way.
 */
import type {
  Change,
  Comparison,
  KeyRange,
  KeyValue,
  Operation,
  OperationResult,
  Transaction,
} from "../../../src/engine/engine.js";

type State = ReadonlyMap<string, KeyValue>;

/** What a transaction of the model ends with. */
export type ModelAnswer =
  | {
      readonly succeeded: boolean;
      readonly revision: number;
      readonly results: readonly OperationResult[];
    }
  | "lease-lost"
  | "compacted"
  | "invalid";

interface ModelLease {
  readonly ttlMs: number;
  endMs: number;
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

export class Model {
  /** By revision; the first is before the first change. */
  readonly states: State[] = [new Map()];
  readonly leases = new Map<string, ModelLease>();
  compacted = 0;
  timeMs = 0;
  #granted = 0;

  get revision(): number {
    return this.states.length - 1;
  }

  get now(): State {
    return this.states[this.revision] as State;
  }

  advance(ms: number): void {
    this.timeMs += ms;
    const ended = [...this.leases].filter(([, { endMs }]) => endMs <= this.timeMs);
    ended.sort(([a, x], [b, y]) => x.endMs - y.endMs || Number(a) - Number(b));
    for (const [id] of ended) this.revoke(id);
  }

  grant(ttlMs: number): string {
    this.#granted += 1;
    this.leases.set(String(this.#granted), { ttlMs, endMs: this.timeMs + ttlMs });
    return String(this.#granted);
  }

  keep(id: string): number {
    const lease = this.leases.get(id);
    if (!lease) return 0;
    lease.endMs = this.timeMs + lease.ttlMs;
    return lease.ttlMs;
  }

  revoke(id: string): void {
    this.leases.delete(id);
    const left = [...this.now].filter(([, { lease }]) => lease !== id);
    if (left.length < this.now.size) this.states.push(new Map(left));
  }

  compact(revision: number): "done" | "invalid" {
    if (revision > this.revision) return "invalid";
    this.compacted = Math.max(this.compacted, revision);
    return "done";
  }

  txn(transaction: Transaction): ModelAnswer {
    const comparisons = transaction.if ?? [];
    const succeeded = comparisons.every((comparison) => this.#holds(comparison));
    const operations = succeeded ? transaction.then : (transaction.else ?? []);
    const state = new Map(this.now);
    const results: OperationResult[] = [];
    let isChanged = false;
    for (const operation of operations) {
      const result = this.#operate(operation, state);
      if (typeof result === "string") return result;
      isChanged ||=
        result.type === "put" || (result.type === "delete" && result.previous.length > 0);
      results.push(result);
    }
    if (isChanged) this.states.push(state);
    return { succeeded, revision: this.revision, results };
  }

  /** What became different at a revision, in the order of keys. */
  changes(revision: number): Change[] {
    const [before, after] = [this.states[revision - 1] as State, this.states[revision] as State];
    const keys = [...new Set([...before.keys(), ...after.keys()])].sort(byBytes);
    const changes: Change[] = [];
    for (const key of keys) {
      const [previous, pair] = [before.get(key), after.get(key)];
      if (pair === previous) continue;
      const was = previous && { previous };
      if (pair) changes.push({ type: "put", pair, ...was });
      else changes.push({ type: "delete", key, revision, ...was });
    }
    return changes;
  }

  #operate(
    operation: Operation,
    state: Map<string, KeyValue>,
  ): OperationResult | "lease-lost" | "compacted" | "invalid" {
    if (operation.type === "put") {
      const { key, value, lease } = operation;
      if (lease !== undefined && !this.leases.has(lease)) return "lease-lost";
      const previous = state.get(key);
      const revision = this.revision + 1;
      state.set(key, {
        key,
        value,
        createRevision: previous?.createRevision ?? revision,
        modRevision: revision,
        version: (previous?.version ?? 0) + 1,
        ...(lease !== undefined && { lease }),
      });
      return previous ? { type: "put", previous } : { type: "put" };
    }
    if (operation.type === "delete") {
      const previous = within(state, operation);
      for (const { key } of previous) state.delete(key);
      return { type: "delete", previous };
    }
    const { revision, limit, keysOnly } = operation;
    if (revision !== undefined && revision < this.compacted) return "compacted";
    if (revision !== undefined && revision > this.revision) return "invalid";
    const all = within(
      revision === undefined ? state : (this.states[revision] as State),
      operation,
    );
    const pairs = all.slice(0, limit).map((pair) => {
      return keysOnly === true ? { ...pair, value: new Uint8Array(0) } : pair;
    });
    return { type: "range", pairs, count: all.length };
  }

  #holds({ key, target, is, than }: Comparison): boolean {
    const pair = this.now.get(key);
    let order: number;
    if (target === "value") order = pair && Buffer.compare(pair.value, than) === 0 ? 0 : 1;
    else if (target === "lease") order = pair?.lease === than ? 0 : 1;
    else order = Math.sign((pair?.[target] ?? 0) - than);
    if (is === "=") return order === 0;
    if (is === "!=") return order !== 0;
    return is === "<" ? order < 0 : order > 0;
  }
}

export function within(state: State, { key, end }: KeyRange): KeyValue[] {
  const pairs = [...state.values()].filter((pair) => {
    if (end === undefined) return pair.key === key;
    return byBytes(pair.key, key) >= 0 && byBytes(pair.key, end) < 0;
  });
  return pairs.sort((a, b) => byBytes(a.key, b.key));
}

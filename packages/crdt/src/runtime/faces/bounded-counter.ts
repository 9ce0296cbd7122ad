/**
 * BoundedCounter: a counter that never goes below zero, in any partition, without asking anybody.
 *
 * What a node adds gives it rights to take as much away; rights can be handed to another node. See
 * protocol/types/bounded-counter.ts.
 */
import { coreErrors, type Membership, type NodeId } from "@foundation/core";
import { crdtErrors } from "../../errors.js";
import { chainOf } from "../../protocol/causal/dot-table.js";
import {
  NO_RIGHTS,
  rightsOf,
  rightsRowOf,
  valueOfRows,
  type RightsRow,
} from "../../protocol/types/bounded-counter.js";
import type { CausalStore, ChangeStreamOptions, StateHandle } from "../causal/causal-store.js";
import { checkedAmount, type CounterChange } from "./counters.js";
import { handleOf, told } from "./replicated-map.js";

/** A counter of whole numbers that stays at zero or above. */
export interface BoundedCounter extends StateHandle {
  readonly value: number;
  /** How far this node may decrement now. */
  readonly rights: number;
  /** @param by above 0 @default 1 @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CLOSED} */
  increment(by?: number): void;
  /**
   * @param by above 0 @default 1
   * @throws {ERR_RIGHTS_EXHAUSTED} this node has not the rights, though the value may allow it
   * @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CLOSED}
   */
  decrement(by?: number): void;
  /**
   * Hands rights to another node that has the counter open.
   * @throws {ERR_RIGHTS_EXHAUSTED} @throws {ERR_INVALID_ARGUMENT} no such member has it open
   */
  transfer(by: number, to: NodeId): void;
  subscribe(listener: (change: CounterChange) => void): () => void;
  /** Later changes as a bounded stream. @throws {ERR_CLOSED} */
  changes(options?: ChangeStreamOptions): AsyncIterableIterator<CounterChange>;
}

export function boundedCounter(
  store: CausalStore<RightsRow>,
  membership: Membership,
): BoundedCounter {
  const own = store.own.id;
  // So that the others know whom to hand rights to.
  store.write(own, NO_RIGHTS);
  const rows = () => {
    const all = new Map<string, RightsRow>();
    for (const key of store.keys()) all.set(key, rightsRowOf(chainOf(store.head(key))));
    return all;
  };
  const spend = (by: number, row: (before: RightsRow) => RightsRow) => {
    store.assertOpen();
    const wanted = checkedAmount(by, true);
    const all = rows();
    const rights = rightsOf(own, all);
    if (wanted > rights) throw exhausted(store.name, wanted, rights);
    store.write(own, row(all.get(own) ?? NO_RIGHTS));
  };
  const read = changeOf(() => valueOfRows(rows().values()));
  return {
    ...handleOf(store),
    get name() {
      return store.name;
    },
    get value() {
      return valueOfRows(rows().values());
    },
    get rights() {
      return rightsOf(own, rows());
    },
    increment: (by = 1) => {
      store.assertOpen();
      const row = rows().get(own) ?? NO_RIGHTS;
      const added = checkedAmount(row.added + checkedAmount(by, true), true);
      store.write(own, { ...row, added });
    },
    decrement: (by = 1) => spend(by, (row) => ({ ...row, removed: row.removed + by })),
    transfer: (by, to) => {
      const writer = writerOf(store, membership, to);
      spend(by, (row) => {
        const given = { ...row.given, [writer]: (row.given[writer] ?? 0) + by };
        return { ...row, given };
      });
    },
    subscribe: (listener) => store.subscribe((change) => told(read(change), listener)),
    changes: (options) => store.stream(read, options),
  };
}

function changeOf(value: () => number) {
  return ({
    before,
    after,
    local,
  }: Parameters<Parameters<CausalStore<RightsRow>["subscribe"]>[0]>[0]) => {
    const was = rightsRowOf(before);
    const is = rightsRowOf(after);
    const by = is.added - is.removed - (was.added - was.removed);
    return by === 0 ? undefined : ({ value: value(), by, local } satisfies CounterChange);
  };
}

/** The writer that a node's present start is: the latest of its openings. */
function writerOf(store: CausalStore<RightsRow>, membership: Membership, to: NodeId): string {
  const boot = membership.member(to)?.boot;
  const prefix = `${to}/${boot}/`;
  const openings = [...store.keys()].filter((key) => key.startsWith(prefix));
  openings.sort((a, b) => Number(b.slice(prefix.length)) - Number(a.slice(prefix.length)));
  const [latest] = openings;
  if (boot !== undefined && latest !== undefined) return latest;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `to must be a member that has bounded counter "${store.name}" open, found ${to}; ` +
      "open the counter there first",
    { argument: "to", expected: "a member that has the counter open", found: to },
  );
}

function exhausted(name: string, wanted: number, rights: number) {
  return crdtErrors.ERR_RIGHTS_EXHAUSTED(
    `Bounded counter "${name}" was to be lowered by ${wanted} and this node has rights to ` +
      `${rights}; have a node that has more hand some over with transfer`,
    { counter: name, wanted, rights },
  );
}

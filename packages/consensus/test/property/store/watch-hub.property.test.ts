/** Watches with readers that are fast, slow or away, over a store whose history is short: all that is theirs, or an error. */
import { expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import type { Change, KeyRange, Watch } from "../../../src/engine/engine.js";
import { STORE_LIMITS } from "../../../src/protocol/store/limits.js";
import { Store } from "../../../src/protocol/store/store.js";
import { WatchHub } from "../../../src/store/watch-hub.js";
import { Drawing } from "./drawing.js";

const RUNS = Number(process.env["STORE_RUNS"] ?? 60);

interface Follower {
  readonly watch: Watch;
  readonly range: KeyRange;
  readonly first: number;
  readonly seen: string[];
  error: string | undefined;
  isReading: boolean;
}

/** A store that changes, and what it was at each revision. */
class World {
  readonly draw: Drawing;
  readonly store: Store;
  readonly hub: WatchHub;
  readonly followers: Follower[] = [];
  /** By revision, each change as its key and a text. */
  readonly history: (readonly (readonly [key: string, text: string])[])[] = [[]];

  /** Revisions that were forgotten before watches could be told of them. */
  readonly untold: number[] = [];

  constructor(seed: string) {
    this.draw = new Drawing(seededRandom(seed));
    const historyRevisionsMax = this.draw.one([1, 5, 20, 100_000]);
    this.store = new Store({ limits: { ...STORE_LIMITS, historyRevisionsMax } });
    this.hub = new WatchHub(() => this.store);
  }

  async step(): Promise<void> {
    const { draw, store } = this;
    if (draw.chance(0.1) && this.followers.length < 12) this.#follow();
    const known = { revision: store.revision, compacted: store.history.compacted, leases: [] };
    for (let i = draw.below(3); i >= 0; i -= 1) {
      store.execute({ type: "txn", transaction: draw.transaction(known) });
      if (store.revision < this.history.length) continue;
      const changes = store.history.at(store.revision)?.changes ?? [];
      this.history.push(changes.map((change) => [keyOf(change), textOf(change)]));
      // Several revisions may be made before watches are told of any, as by leases that end at one time.
      if (draw.chance(0.7)) this.#notify();
    }
    if (draw.chance(0.05))
      store.execute({ type: "compact", revision: Math.max(1, store.revision) });
    this.#notify();
    for (const follower of this.followers) if (draw.chance(0.3)) this.#read(follower);
    await settled();
  }

  /** All read to the end of what there is. */
  async end(): Promise<void> {
    for (let i = 0; i <= this.store.revision; i += 1) {
      for (const follower of this.followers) this.#read(follower);
      await settled();
    }
  }

  /** What a follower should have seen. */
  expected({ range, first }: Follower): string[] {
    const lines: string[] = [];
    for (const [revision, changes] of this.history.entries()) {
      const own = changes.filter(([key]) => isWithin(key, range));
      if (revision >= first && own.length > 0) {
        lines.push(`${revision} ${own.map(([, text]) => text).join()}`);
      }
    }
    return lines;
  }

  #notify(): void {
    const { compacted } = this.store.history;
    for (let revision = this.hub.told + 1; revision < compacted; revision += 1) {
      this.untold.push(revision);
    }
    this.hub.notify();
  }

  #follow(): void {
    const { draw, store } = this;
    const range = draw.range();
    const from = draw.chance(0.4) ? 1 + draw.below(store.revision + 4) : undefined;
    const watch = this.hub.open(range, from === undefined ? {} : { from });
    const first = from ?? store.revision + 1;
    const follower = { watch, range, first, seen: [], error: undefined, isReading: false };
    this.followers.push(follower);
  }

  #read(follower: Follower): void {
    if (follower.isReading || follower.error !== undefined) return;
    follower.isReading = true;
    follower.watch[Symbol.asyncIterator]()
      .next()
      .then(
        ({ value, done }) => {
          if (done === true) return;
          const { revision, changes } = value as { revision: number; changes: readonly Change[] };
          follower.seen.push(`${revision} ${changes.map(textOf).join()}`);
          follower.isReading = false;
        },
        (error: { code: string }) => {
          follower.error = error.code;
        },
      );
  }
}

const keyOf = (change: Change) => (change.type === "put" ? change.pair.key : change.key);
const textOf = (change: Change) =>
  change.type === "put" ? `${change.pair.key}=${change.pair.version}` : `-${change.key}`;
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function isWithin(key: string, range: KeyRange): boolean {
  if (range.end === undefined) return key === range.key;
  const [bytes, from, end] = [key, range.key, range.end].map((text) => Buffer.from(text)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  return bytes.compare(from) >= 0 && bytes.compare(end) < 0;
}

test("a watch gives all that is its own, in order, until it says that something was forgotten", async () => {
  const ends = { whole: 0, forgotten: 0 };
  for (let run = 0; run < RUNS; run += 1) {
    const world = new World(`watches-${run}`);
    for (let i = 0; i < 60; i += 1) await world.step();
    await world.end();
    for (const follower of world.followers) {
      const expected = world.expected(follower);
      if (follower.error === undefined) {
        expect(follower.seen).toEqual(expected);
        ends.whole += 1;
        continue;
      }
      expect(follower.error).toBe("ERR_REVISION_COMPACTED");
      expect(follower.seen).toEqual(expected.slice(0, follower.seen.length));
      ends.forgotten += 1;
      // Never for nothing: where it begins or what comes next is forgotten, or nobody can know whether that was its own.
      const last = Number(follower.seen.at(-1)?.split(" ")[0] ?? follower.first - 1);
      const next = Number(expected[follower.seen.length]?.split(" ")[0] ?? Infinity);
      const wanted = follower.seen.length === 0 ? follower.first : next;
      const isUnknown = world.untold.some((revision) => revision > last);
      expect(isUnknown || wanted < world.store.history.compacted).toBe(true);
    }
    world.hub.close();
  }
  expect(ends.whole).toBeGreaterThan(RUNS);
  expect(ends.forgotten).toBeGreaterThan(RUNS / 10);
});

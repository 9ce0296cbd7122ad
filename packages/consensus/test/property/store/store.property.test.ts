/** The store beside a naive model that copies everything: every answer and every past revision must be the same. */
import { expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import type { Change, KeyValue } from "../../../src/engine/engine.js";
import { STORE_LIMITS } from "../../../src/protocol/store/limits.js";
import type { StoreAnswer } from "../../../src/protocol/store/request.js";
import { encodeRequest, parseRequest } from "../../../src/protocol/store/request-codec.js";
import { Store } from "../../../src/protocol/store/store.js";
import { Drawing } from "./drawing.js";
import { Model, type ModelAnswer } from "./model.js";

/** More runs than the short ones: STORE_RUNS=10000. */
const RUNS = Number(process.env["STORE_RUNS"] ?? 60);
const STEPS = 80;

class Pair {
  readonly model = new Model();
  readonly store = new Store();
  readonly draw: Drawing;

  constructor(seed: string) {
    this.draw = new Drawing(seededRandom(seed));
  }

  step(): void {
    const { draw, model, store } = this;
    const leases = [...model.leases.keys()];
    switch (draw.below(12)) {
      case 0:
        this.grant(1 + draw.below(500));
        return;
      case 1: {
        const lease = draw.one(["999", ...leases]);
        const answer = store.execute({ type: "keep", leases: [lease] });
        expect(answer).toEqual({ type: "kept", ttlsMs: [model.keep(lease)] });
        return;
      }
      case 2: {
        const lease = draw.one(["999", ...leases]);
        model.revoke(lease);
        expect(store.execute({ type: "revoke", lease })).toEqual({ type: "done" });
        return;
      }
      case 3: {
        const revision = 1 + draw.below(model.revision + 1);
        const answer = store.execute({ type: "compact", revision });
        expect(reasonOf(answer) ?? "done").toBe(model.compact(revision));
        return;
      }
      case 4:
      case 5: {
        const ms = draw.below(200);
        model.advance(ms);
        store.advance(model.timeMs);
        return;
      }
      default:
        this.transact(leases);
    }
  }

  grant(ttlMs: number): void {
    const lease = this.model.grant(ttlMs);
    expect(this.store.execute({ type: "grant", ttlMs })).toEqual({ type: "granted", lease, ttlMs });
  }

  transact(leases: readonly string[]): void {
    const { revision, compacted } = this.model;
    const transaction = this.draw.transaction({ revision, compacted, leases });
    const request = parseRequest(encodeRequest({ type: "txn", transaction }));
    if ("reason" in request) throw new Error(`a request that was encoded is ${request.reason}`);
    const answer = this.store.execute(request);
    expect(plain(answer)).toEqual(plainModel(this.model.txn(transaction)));
  }

  check(): void {
    const { model, store } = this;
    expect(store.revision).toBe(model.revision);
    expect(store.history.compacted).toBe(model.compacted);
    for (let revision = Math.max(1, model.compacted); revision <= model.revision; revision += 1) {
      const changes = store.history.at(revision)?.changes ?? [];
      expect(plain(sorted(changes))).toEqual(plain(model.changes(revision)));
    }
    expect(store.history.at(model.compacted - 1)).toBeUndefined();
    expect(store.size).toBe(model.now.size);
    const ends = [...model.leases.values()].map(({ endMs }) => endMs);
    expect(store.nextEndMs).toBe(ends.length > 0 ? Math.min(...ends) : undefined);
  }
}

function reasonOf(answer: StoreAnswer): string | undefined {
  return answer.type === "refused" ? answer.refusal.reason : undefined;
}

function plainModel(answer: ModelAnswer): unknown {
  return typeof answer === "string" ? answer : plain({ type: "txn", result: answer });
}

/** Bytes as texts, so that arrays of two kinds are equal; a refusal as its reason. */
function plain(value: unknown): unknown {
  const refusal = (value as StoreAnswer).type === "refused" && reasonOf(value as StoreAnswer);
  if (typeof refusal === "string") return refusal;
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (item instanceof Uint8Array) return Buffer.from(item).toString("hex");
    // The store makes the value of a pair when it is read.
    return isPair(item) ? { ...item, value: item.value } : item;
  });
  return JSON.parse(text) as unknown;
}

function isPair(item: unknown): item is KeyValue {
  return typeof item === "object" && item !== null && "modRevision" in item && "value" in item;
}

const keyOf = (change: Change) => (change.type === "put" ? change.pair.key : change.key);

function sorted(changes: readonly Change[]): Change[] {
  return [...changes].sort((a, b) => Buffer.compare(Buffer.from(keyOf(a)), Buffer.from(keyOf(b))));
}

test("a store answers like a model that copies everything at each revision", () => {
  let revisions = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const pair = new Pair(`store-${run}`);
    for (let i = 0; i < STEPS; i += 1) pair.step();
    pair.check();
    revisions += pair.store.revision;
  }
  expect(revisions).toBeGreaterThan(RUNS * 10);
});

test("history stays within its limits of count, size and time, and what it keeps is right", () => {
  for (let run = 0; run < RUNS / 3; run += 1) {
    const draw = new Drawing(seededRandom(`history-${run}`));
    const limits = {
      ...STORE_LIMITS,
      historyRevisionsMax: 1 + draw.below(20),
      historyBytesMax: 200 + draw.below(5_000),
      historyMs: 1 + draw.below(300),
    };
    const store = new Store({ limits });
    const values: string[] = [""];
    let timeMs = 0;
    for (let i = 0; i < 100; i += 1) {
      timeMs += draw.below(30);
      store.advance(timeMs);
      const value = draw.bytes(40);
      store.execute({ type: "txn", transaction: { then: [{ type: "put", key: "k", value }] } });
      values.push(Buffer.from(value).toString("hex"));
      const { history, revision } = store;
      expect(history.count).toBeLessThanOrEqual(limits.historyRevisionsMax);
      expect(history.bytes <= limits.historyBytesMax || history.count === 1).toBe(true);
      const oldest = history.at(Math.max(1, history.compacted));
      expect(timeMs - (oldest?.timeMs ?? 0)).toBeLessThanOrEqual(limits.historyMs);
      const past = Math.max(1, history.compacted + draw.below(revision - history.compacted + 1));
      const then = [{ type: "range", key: "k", revision: past } as const];
      const answer = store.execute({ type: "txn", transaction: { then } });
      if (answer.type !== "txn") throw new Error(JSON.stringify(answer));
      const [range] = answer.result.results;
      const found = range?.type === "range" ? range.pairs[0]?.value : undefined;
      expect(Buffer.from(found ?? []).toString("hex")).toBe(values[past]);
    }
  }
});

/** What the store refuses, and that a refusal leaves no trace. */
import { beforeEach, describe, expect, test } from "@jest/globals";
import { type Operation, rangeOf } from "../../../src/engine/engine.js";
import { STORE_LIMITS, type StoreLimits } from "../../../src/protocol/store/limits.js";
import { encodeCommand } from "../../../src/protocol/store/command.js";
import { ReplicatedStore } from "../../../src/protocol/store/replicated-store.js";
import type { StoreAnswer, StoreRequest } from "../../../src/protocol/store/request.js";

let store: ReplicatedStore;
let index: number;

function ask(request: StoreRequest): StoreAnswer {
  index += 1;
  const response = store.apply(index, index, encodeCommand({ type: "plain", request }));
  if (response.type !== "done") throw new Error(response.type);
  return response.response;
}

function txn(...then: Operation[]): StoreAnswer {
  return ask({ type: "txn", transaction: { then } });
}

function put(key: string, bytes = 1, lease?: string): Operation {
  const value = new Uint8Array(bytes);
  return { type: "put", key, value, ...(lease !== undefined && { lease }) };
}

/** What a refusal says, in one word; else what was answered. */
function word(answer: StoreAnswer): string {
  if (answer.type !== "refused") return answer.type;
  const { refusal } = answer;
  return "limit" in refusal ? refusal.limit : refusal.reason;
}

function limit(limits: Partial<StoreLimits>): void {
  expect(ask({ type: "limit", limits: { ...STORE_LIMITS, ...limits } }).type).toBe("done");
}

/** Everything there is but the time. */
function traces(): unknown {
  const { revision, bytes, size, history, leases } = store.store;
  const attached = Array.from(leases.leases(), ({ id, keys }) => [id, [...keys]]);
  return [revision, bytes, [...store.store.pairs.entries()], size, history.batches(), attached];
}

beforeEach(() => {
  store = new ReplicatedStore();
  index = 0;
});

describe("a limit of the store", () => {
  test("refuses keys, values and transactions that are too large", () => {
    limit({ keyBytesMax: 4, valueBytesMax: 10, operationsMax: 2 });
    expect(word(txn(put("abcd", 10)))).toBe("txn");
    expect(word(txn(put("abcde")))).toBe("keyBytesMax");
    expect(word(txn(put("éé")))).toBe("txn");
    expect(word(txn(put("ééa")))).toBe("keyBytesMax");
    expect(word(txn(put("a", 11)))).toBe("valueBytesMax");
    expect(word(txn(put("a"), put("b"), put("c")))).toBe("operationsMax");
    const comparison = { key: "a", target: "version", is: "=", than: 0 } as const;
    const transaction = { if: [comparison, comparison, comparison], then: [] };
    expect(word(ask({ type: "txn", transaction }))).toBe("operationsMax");
    const value = new Uint8Array(11);
    const large = { if: [{ key: "a", target: "value", is: "=", than: value } as const], then: [] };
    expect(word(ask({ type: "txn", transaction: large }))).toBe("valueBytesMax");
    expect(store.store.revision).toBe(2);
  });

  test("refuses answers with too many keys or bytes, in one range and in several", () => {
    limit({ rangeKeysMax: 5, answerBytesMax: 100 });
    for (let i = 0; i < 6; i += 1) txn(put(`k${i}`, 10));
    const all: Operation = { type: "range", ...rangeOf("k") };
    expect(word(txn(all))).toBe("rangeKeysMax");
    expect(word(txn({ ...all, limit: 6 }))).toBe("rangeKeysMax");
    expect(word(txn({ ...all, limit: 5 }))).toBe("txn");
    expect(word(txn({ ...all, limit: 3 }, { ...all, limit: 3 }))).toBe("rangeKeysMax");
    expect(word(txn({ type: "delete", ...rangeOf("k") }))).toBe("rangeKeysMax");
    txn(put("large", 60), put("larger", 60));
    const large: Operation = { type: "range", ...rangeOf("large") };
    expect(word(txn(large))).toBe("answerBytesMax");
    expect(word(txn({ ...large, keysOnly: true }))).toBe("txn");
    expect(word(txn({ type: "delete", ...rangeOf("large") }))).toBe("answerBytesMax");
    expect(store.store.size).toBe(8);
  });

  test("refuses what makes a full store larger, and lets through what makes it smaller", () => {
    limit({ storeBytesMax: 300 });
    expect(word(txn(put("a", 100)))).toBe("txn");
    expect(word(txn(put("b", 100)))).toBe("storeBytesMax");
    expect(word(txn(put("b", 1)))).toBe("txn");
    limit({ storeBytesMax: 10 });
    expect(word(txn(put("a", 101)))).toBe("storeBytesMax");
    expect(word(txn(put("a", 50)))).toBe("txn");
    expect(word(txn({ type: "delete", key: "b" }))).toBe("txn");
    expect(word(txn({ type: "delete", key: "a" }))).toBe("txn");
    expect(store.store.bytes).toBe(0);
  });

  test("refuses leases that are too many, too short or too long, and renewals of too many at once", () => {
    limit({ leasesMax: 2, leaseMsMin: 10, leaseMsMax: 1_000, keptLeasesMax: 2 });
    expect(word(ask({ type: "grant", ttlMs: 9 }))).toBe("invalid");
    expect(word(ask({ type: "grant", ttlMs: 1_001 }))).toBe("invalid");
    expect(word(ask({ type: "grant", ttlMs: 1_000 }))).toBe("granted");
    expect(word(ask({ type: "grant", ttlMs: 10 }))).toBe("granted");
    expect(word(ask({ type: "grant", ttlMs: 1_000 }))).toBe("leasesMax");
    expect(word(ask({ type: "keep", leases: ["1", "2"] }))).toBe("kept");
    expect(word(ask({ type: "keep", leases: ["1", "2", "3"] }))).toBe("keptLeasesMax");
    index += 10;
    expect(word(ask({ type: "grant", ttlMs: 1_000 }))).toBe("granted");
  });

  test("is an integer from 1, or refused", () => {
    for (const historyMs of [0, -1, 1.5]) {
      const answer = ask({ type: "limit", limits: { ...STORE_LIMITS, historyMs } });
      expect(word(answer)).toBe("invalid");
    }
    expect(store.store.limits).toEqual(STORE_LIMITS);
  });
});

describe("a refusal", () => {
  test("leaves everything as it was, also in the middle of a transaction", () => {
    txn(put("a"), put("b"));
    ask({ type: "grant", ttlMs: 80_000 });
    txn(put("leased", 1, "1"));
    ask({ type: "compact", revision: 2 });
    const before = traces();
    const changes: Operation[] = [
      put("a", 5),
      { type: "delete", key: "leased" },
      put("new", 1, "1"),
    ];
    expect(word(txn(...changes, put("c", 1, "999")))).toBe("lease-lost");
    expect(word(txn(...changes, { type: "range", key: "a", revision: 99 }))).toBe("invalid");
    expect(word(txn(...changes, { type: "range", key: "a", revision: 1 }))).toBe("compacted");
    expect(word(txn(put("x"), put("x")))).toBe("invalid");
    expect(word(txn({ type: "range", key: "a", limit: 0 }))).toBe("invalid");
    expect(word(ask({ type: "compact", revision: 3 }))).toBe("invalid");
    expect(traces()).toEqual(before);
  });
});

describe("leases that end", () => {
  test("end each in a revision, in the order of their ends, also when time jumps past them all", () => {
    for (const ttlMs of [500, 300, 400, 300]) ask({ type: "grant", ttlMs });
    for (const id of ["1", "2", "3", "4"]) txn(put(`z${id}`, 1, id), put(`a${id}`, 1, id));
    ask({ type: "keep", leases: ["2"] });
    const { revision } = store.store;
    store.apply(1_000, 10_000, new Uint8Array(0));
    const ended = [1, 2, 3, 4].map((i) => {
      const changes = store.store.history.at(revision + i)?.changes ?? [];
      return changes.map((change) => (change.type === "delete" ? change.key : "?")).join();
    });
    expect(ended).toEqual(["a4,z4", "a2,z2", "a3,z3", "a1,z1"]);
    expect(store.store.size).toBe(0);
    expect(store.store.nextEndMs).toBeUndefined();
  });

  test("are due at the end of the first one that is there, also after many renewals and revocations", () => {
    for (let i = 0; i < 300; i += 1) ask({ type: "grant", ttlMs: 1_000 + i });
    for (let i = 1; i <= 299; i += 1) {
      if (i % 3 === 0) ask({ type: "keep", leases: [String(i)] });
      else ask({ type: "revoke", lease: String(i) });
    }
    const ends = Array.from(store.store.leases.leases(), ({ expiresMs }) => expiresMs);
    expect(ends).toHaveLength(100);
    expect(store.store.nextEndMs).toBe(Math.min(...ends));
    const first = Math.min(...ends);
    store.apply(2_000, first - 1, new Uint8Array(0));
    expect(store.store.leases.size).toBe(100);
    store.apply(2_001, first, new Uint8Array(0));
    expect(store.store.leases.size).toBe(99);
  });
});

/** Transactions of the engine as etcd's, and back. */
import { describe, expect, test } from "@jest/globals";
import type { Transaction } from "../../../src/engine/engine.js";
import { Keyspace } from "../../../src/etcd/keyspace.js";
import type { EtcdKeyValue, EtcdTxnResponse } from "../../../src/etcd/messages.js";
import { isRead, leaseOf, requestOf, resultOf } from "../../../src/etcd/translation.js";

const keys = new Keyspace("ns/");
const bytes = (text: string) => Buffer.from(text);
const header = { cluster_id: "1", revision: "9" };
const found = (key: string, value: string, lease = "0"): EtcdKeyValue => ({
  key: bytes(key),
  value: bytes(value),
  create_revision: "3",
  mod_revision: "4",
  version: "2",
  lease,
});

describe("keys", () => {
  test("stand below the namespace, by their bytes", () => {
    expect(keys.keyOf("é")).toEqual(bytes("ns/é"));
    expect(keys.rangeOf({ key: "a", end: "b" })).toEqual({
      key: bytes("ns/a"),
      range_end: bytes("ns/b"),
    });
    // In UTF-16 the order would be the other one.
    expect(keys.rangeOf({ key: "\uffff", end: "\u{10000}" })).toBeDefined();
    expect(keys.rangeOf({ key: "\u{10000}", end: "\uffff" })).toBeUndefined();
    expect(keys.rangeOf({ key: "b", end: "b" })).toBeUndefined();
  });

  test("from the first one on, without a namespace, are those from a zero byte on", () => {
    expect(new Keyspace("").rangeOf({ key: "", end: "z" })?.key).toEqual(Buffer.of(0));
  });

  test("that are not UTF-8 are somebody else's, and said to be", () => {
    const foreign = { ...found("ns/", ""), key: Buffer.concat([bytes("ns/"), Buffer.of(0xff)]) };
    expect(() => keys.pairOf(foreign)).toThrow(/not UTF-8: 6e732fff.*namespace of its own/);
  });

  test("keep a byte order mark, which is a character like others", () => {
    expect(keys.pairOf(found("ns/\ufeffa", "")).key).toBe("\ufeffa");
  });
});

describe("transactions", () => {
  test("that change nothing on either way may be repeated", () => {
    const range = { type: "range", key: "a" } as const;
    const put = { type: "put", key: "a", value: bytes("1") } as const;
    expect(isRead({ then: [range], else: [range] })).toBe(true);
    expect(isRead({ then: [range], else: [put] })).toBe(false);
    expect(isRead({ then: [{ type: "delete", key: "a" }] })).toBe(false);
  });

  test("hold copies of their values", () => {
    const value = Uint8Array.of(1, 2);
    const request = requestOf({ then: [{ type: "put", key: "a", value }] }, keys);
    value.fill(9);
    expect([...(request.success[0]?.request_put?.value ?? [])]).toEqual([1, 2]);
  });

  test("that compare a value by `!=` ask inside whether it is equal, and change the branches round", () => {
    const than = bytes("x");
    const transaction: Transaction = {
      if: [
        { key: "v", target: "version", is: ">", than: 1 },
        { key: "a", target: "value", is: "!=", than },
      ],
      then: [{ type: "delete", key: "yes" }],
      else: [{ type: "delete", key: "no" }],
    };
    const { compare, success, failure } = requestOf(transaction, keys);
    expect(compare).toEqual([{ key: bytes("ns/v"), result: 1, target: 0, version: 1 }]);
    const no = [{ request_delete_range: { key: bytes("ns/no"), prev_kv: true } }];
    expect(failure).toEqual(no);
    expect(success).toEqual([
      {
        request_txn: {
          compare: [{ key: bytes("ns/a"), result: 0, target: 3, value: than }],
          success: no,
          failure: [{ request_delete_range: { key: bytes("ns/yes"), prev_kv: true } }],
        },
      },
    ]);
    const deleted = (key: string) => [
      { response_delete_range: { prev_kvs: [found(`ns/${key}`, "1")] } },
    ];
    const answer = (outer: boolean, isEqual: boolean): EtcdTxnResponse => {
      if (!outer) return { header, succeeded: false, responses: deleted("no") };
      const inner = {
        header: null,
        succeeded: isEqual,
        responses: deleted(isEqual ? "no" : "yes"),
      };
      return { header, succeeded: true, responses: [{ response_txn: inner }] };
    };
    const previousOf = (response: EtcdTxnResponse) => {
      const { succeeded, revision, results } = resultOf(transaction, response, keys);
      const [result] = results;
      return [succeeded, revision, result?.type === "delete" && result.previous[0]?.key];
    };
    expect(previousOf(answer(true, false))).toEqual([true, 9, "yes"]);
    expect(previousOf(answer(true, true))).toEqual([false, 9, "no"]);
    expect(previousOf(answer(false, false))).toEqual([false, 9, "no"]);
  });

  test("leave empty ranges out, and their results are in their places all the same", () => {
    const transaction: Transaction = {
      then: [
        { type: "range", key: "b", end: "a" },
        { type: "range", key: "a" },
        { type: "delete", key: "b", end: "b" },
      ],
    };
    expect(requestOf(transaction, keys).success).toEqual([
      { request_range: { key: bytes("ns/a") } },
    ]);
    const kvs = [found("ns/a", "1", "77")];
    const responses = [{ response_range: { header: null, kvs, count: "1" } }];
    const { results } = resultOf(transaction, { header, succeeded: true, responses }, keys);
    expect(results).toEqual([
      { type: "range", pairs: [], count: 0 },
      {
        type: "range",
        pairs: [
          {
            key: "a",
            value: new Uint8Array(bytes("1")),
            createRevision: 3,
            modRevision: 4,
            version: 2,
            lease: "77",
          },
        ],
        count: 1,
      },
      { type: "delete", previous: [] },
    ]);
  });

  test("name leases by etcd's numbers, and one that is none by a number no lease has", () => {
    expect(leaseOf(undefined)).toBe("0");
    expect(leaseOf("9223372036854775807")).toBe("9223372036854775807");
    for (const id of ["9223372036854775808", "0", "", "abc", "-5", "07"]) {
      expect(leaseOf(id)).toBe("-1");
    }
  });
});

/** What etcd's and gRPC's errors say about a request. */
import { describe, expect, test } from "@jest/globals";
import { failureOf, isAnswerTooLarge } from "../../../src/etcd/failures.js";
import { ForgottenRevision, refusedBy } from "../../../src/etcd/refusals.js";

const typeOf = (code: number, details: string) => failureOf({ code, details }).type;

describe("failures of calls", () => {
  test("what etcd refuses before it proposes anything was not done, and may be asked again", () => {
    for (const details of [
      "etcdserver: no leader",
      "etcdserver: not leader",
      "etcdserver: too many requests",
      "raft proposal dropped",
    ]) {
      expect(typeOf(14, details)).toBe("not-taken");
    }
    expect(typeOf(14, "No connection established. Last error: connect ECONNREFUSED")).toBe(
      "not-taken",
    );
  });

  test("what may have been proposed is in doubt, and so is everything that is not known", () => {
    for (const [code, details] of [
      [14, "etcdserver: request timed out"],
      [14, "etcdserver: request timed out, possibly due to previous leader failure"],
      [14, "etcdserver: request timed out, possibly due to connection lost"],
      [14, "etcdserver: leader changed"],
      [14, "etcdserver: server stopped"],
      [14, "Connection dropped"],
      [14, "read ECONNRESET"],
      [4, "Deadline exceeded"],
      [1, "Cancelled on client"],
      [13, "Received RST_STREAM with code 2"],
      [2, "something new"],
      [8, "Received message larger than max (5 vs 4)"],
    ] as const) {
      expect([details, typeOf(code, details)]).toEqual([details, "in-doubt"]);
    }
  });

  test("a refusal for good is told apart by its text", () => {
    expect(typeOf(16, "etcdserver: invalid auth token")).toBe("token");
    expect(typeOf(7, "etcdserver: permission denied")).toBe("refused");
    expect(typeOf(3, "etcdserver: user name is empty")).toBe("refused");
    expect(typeOf(3, "etcdserver: authentication failed, invalid user ID or password")).toBe(
      "refused",
    );
    expect(typeOf(9, "etcdserver: authentication is not enabled")).toBe("no-auth");
    expect(typeOf(5, "etcdserver: requested lease not found")).toBe("lease-lost");
    expect(typeOf(11, "etcdserver: mvcc: required revision has been compacted")).toBe("compacted");
    expect(typeOf(11, "etcdserver: mvcc: required revision is a future revision")).toBe("invalid");
    expect(typeOf(3, "etcdserver: request is too large")).toBe("too-large");
    // The server's own words about what it received; the client's begin otherwise.
    expect(typeOf(8, "grpc: received message larger than max (3 vs. 2)")).toBe("too-large");
    expect(
      isAnswerTooLarge({ code: 8, details: "Received message larger than max (3 vs 2)" }),
    ).toBe(true);
  });

  test("each becomes the engine's error, with what etcd said and what to do", () => {
    const errorOf = (code: number, details: string, lease = "7") =>
      refusedBy(failureOf({ code, details }), { what: "a transaction", bytes: 9, lease });
    expect(errorOf(5, "etcdserver: requested lease not found")).toMatchObject({
      code: "ERR_LEASE_LOST",
      details: { lease: "7" },
    });
    expect(errorOf(3, "etcdserver: request is too large")).toMatchObject({
      code: "ERR_REQUEST_TOO_LARGE",
      details: { size: 9, limit: "--max-request-bytes" },
    });
    expect(errorOf(3, "etcdserver: too many operations in txn request")).toMatchObject({
      code: "ERR_REQUEST_TOO_LARGE",
      details: { limit: "--max-txn-ops", max: 128 },
    });
    expect(errorOf(8, "etcdserver: mvcc: database space exceeded")).toMatchObject({
      code: "ERR_ENGINE_FULL",
    });
    expect(errorOf(7, "etcdserver: permission denied")).toMatchObject({
      code: "ERR_ENGINE_REFUSED",
      message: expect.stringContaining("readwrite"),
    });
    expect(errorOf(11, "etcdserver: mvcc: required revision has been compacted")).toBeInstanceOf(
      ForgottenRevision,
    );
  });
});

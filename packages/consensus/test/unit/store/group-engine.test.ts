/** The engine over a group that fails in chosen ways. */
import { beforeEach, describe, expect, test } from "@jest/globals";
import type { FoundationError } from "@foundation/core";
import { type Operation, rangeOf, type TransactionResult } from "../../../src/engine/engine.js";
import { consensusErrors } from "../../../src/errors.js";
import { parseCommand } from "../../../src/protocol/store/command.js";
import type { GroupEngine } from "../../../src/store/group-engine.js";
import { type Fate, FlakyGroup, type FlakyMember } from "./flaky-group.js";

let group: FlakyGroup;
let member: FlakyMember;
let engine: GroupEngine;

const run = <T>(promise: Promise<T>) => group.clock.run(promise, { withinMs: 1_000_000 });
const put = (key: string, options = {}): Promise<TransactionResult> =>
  engine.txn({ then: [{ type: "put", key, value: Uint8Array.of(1) }] }, options);
const read: Operation = { type: "range", ...rangeOf("") };
const keys = () => [...member.machine.store.pairs.entries()].map(([key]) => key);
const version = (key: string) => member.machine.store.pairs.get(key)?.version;

/** Fates for proposals that change something; then they are applied. */
function fates(...list: Fate[]): void {
  group.fate = (data) => {
    const command = parseCommand(data);
    const isRequest = !("reason" in command) && "request" in command;
    return isRequest ? (list.shift() ?? "applied") : "applied";
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await run(promise);
  } catch (error) {
    return (error as FoundationError).code;
  }
  return "resolved";
}

beforeEach(() => {
  group = new FlakyGroup();
  member = group.member();
  engine = member.engine();
});

describe("what may be sent again", () => {
  test("a session is opened with the first change and used by all that follow", async () => {
    await run(Promise.all([put("a"), put("b")]));
    await run(put("c"));
    expect(group.kinds).toEqual(["open", "command txn", "command txn", "command txn"]);
  });

  test("a transaction whose answer was lost is sent again, takes effect once, and is answered", async () => {
    fates("unknown-applied");
    const { revision } = await run(put("a"));
    expect(revision).toBe(1);
    expect(group.kinds).toEqual(["open", "command txn", "command txn"]);
    expect(version("a")).toBe(1);
  });

  test("a transaction that was lost is sent again until it arrives", async () => {
    fates("refused", "unknown-lost", "refused", "unknown-lost");
    await run(put("a"));
    expect(version("a")).toBe(1);
  });

  test("an attempt that arrives after the answer changes nothing", async () => {
    fates("unknown-late");
    await run(put("a"));
    await run(put("b"));
    await group.clock.advance(1_000);
    await run(put("a"));
    expect(group.kinds.filter((kind) => kind === "command txn")).toHaveLength(4);
    expect(version("a")).toBe(2);
  });

  test("a lease is granted once", async () => {
    fates("unknown-applied", "unknown-lost");
    await run(engine.grantLease(1_000));
    expect(member.machine.store.leases.size).toBe(1);
  });

  test("more requests than the store keeps answers for wait for their turn", async () => {
    group = new FlakyGroup();
    member = group.member({ sessions: { responsesMax: 3 } });
    engine = member.engine();
    const names = Array.from({ length: 50 }, (_, i) => `k${i}`);
    await run(Promise.all(names.map((name) => put(name))));
    expect(keys()).toHaveLength(50);
    expect(member.machine.store.revision).toBe(50);
  });
});

test("a request that gets no answer for long holds up no other", async () => {
  group = new FlakyGroup();
  member = group.member({ sessions: { responsesMax: 10 } });
  engine = member.engine();
  let isStuck = true;
  group.fate = (data) => {
    const isThatOne = Buffer.from(data).includes("stuck");
    return isThatOne && isStuck ? "unknown-lost" : "applied";
  };
  const stuck = put("stuck", { timeout: "1m" });
  for (let i = 0; i < 100; i += 1) await run(put(`k${i}`));
  expect(keys()).toHaveLength(100);
  isStuck = false;
  expect((await run(stuck)).revision).toBe(101);
  expect(version("stuck")).toBe(1);
});

describe("what is said when it fails", () => {
  test("a request that no quorum took in time was not applied", async () => {
    group.fate = () => "refused";
    expect(await codeOf(put("a", { timeout: 500 }))).toBe("ERR_NO_QUORUM");
    group.fate = () => "applied";
    await group.clock.advance(20_000);
    await run(put("b"));
    expect(keys()).toEqual(["b"]);
  });

  test("a request with one lost answer and no later one is unknown, though the last attempt was refused", async () => {
    fates("unknown-lost", ...Array.from({ length: 100 }, () => "refused" as const));
    expect(await codeOf(put("a", { timeout: "1s" }))).toBe("ERR_OUTCOME_UNKNOWN");
  });

  test("an attempt that is late is not executed once its request was given up", async () => {
    group.delayMs = () => 100;
    fates("unknown-late", ...Array.from({ length: 100 }, () => "refused" as const));
    expect(await codeOf(put("a", { timeout: 300 }))).toBe("ERR_OUTCOME_UNKNOWN");
    group.fate = () => "applied";
    await run(put("b"));
    await group.clock.advance(5_000);
    await run(put("c"));
    expect(keys()).toEqual(["b", "c"]);
    expect(group.kinds.filter((kind) => kind === "command txn")).toHaveLength(3);
  });

  test("a full queue is told at once, unless an earlier attempt is unknown", async () => {
    fates("full");
    expect(await codeOf(put("a"))).toBe("ERR_QUEUE_FULL");
    fates("unknown-applied", "full");
    await run(put("b"));
    expect(keys()).toEqual(["b"]);
  });

  test("a session that its silence closed is replaced", async () => {
    await run(put("a"));
    await group.clock.advance(120_000);
    await run(put("b"));
    expect(group.kinds).toEqual(["open", "command txn", "command txn", "open", "command txn"]);
    expect(keys()).toEqual(["a", "b"]);
  });

  test("when the session is gone after a lost answer, the outcome is unknown", async () => {
    await run(put("a"));
    let isFirst = true;
    group.fate = () => {
      if (!isFirst) return "applied";
      isFirst = false;
      // Long silence between the two attempts, as of a member that slept.
      group.delayMs = () => (group.delayMs = () => 1)() + 120_000;
      return "unknown-applied";
    };
    expect(await codeOf(put("b", { timeout: "10m" }))).toBe("ERR_OUTCOME_UNKNOWN");
  });

  test("what is wrong with a request is said before anything is sent", async () => {
    expect(await codeOf(put(""))).toBe("ERR_INVALID_ARGUMENT");
    expect(await codeOf(put("k".repeat(2_000)))).toBe("ERR_REQUEST_TOO_LARGE");
    expect(await codeOf(put("a", { timeout: "soon" }))).toBe("ERR_INVALID_ARGUMENT");
    expect(group.log).toHaveLength(0);
  });

  test("limits are changed for all members, and refuse from then on", async () => {
    const other = group.member();
    await run(engine.setLimits({ keyBytesMax: 4, storeBytesMax: 200 }));
    expect(await codeOf(put("abcde"))).toBe("ERR_REQUEST_TOO_LARGE");
    await run(put("a"));
    await run(put("b"));
    await run(put("c"));
    expect(await codeOf(put("d"))).toBe("ERR_ENGINE_FULL");
    await run(put("a"));
    await other.follow(group.log.length);
    expect(other.machine.store.limits).toEqual(member.machine.store.limits);
    expect(other.machine.store.revision).toBe(member.machine.store.revision);
    expect(await codeOf(engine.setLimits({ keyBytesMax: 0 }))).toBe("ERR_INVALID_ARGUMENT");
  });
});

describe("what costs no entry", () => {
  test("a transaction that only reads asks the group, and writes nothing", async () => {
    await run(put("a"));
    const written = group.log.length;
    const { results, revision } = await run(engine.txn({ then: [read], else: [] }));
    expect(revision).toBe(1);
    expect(results).toMatchObject([{ type: "range", count: 1 }]);
    expect(member.reads).toBe(1);
    expect(group.log).toHaveLength(written);
  });

  test("a member that is behind reads what others wrote before", async () => {
    const other = group.member();
    await run(put("a"));
    const reader = other.engine();
    const { results } = await run(reader.txn({ then: [read] }));
    expect(results).toMatchObject([{ count: 1 }]);
  });

  test("a watch begins behind what was written before, and is ready only then", async () => {
    const other = group.member();
    await run(put("a"));
    const watch = other.engine().watch(rangeOf(""));
    expect(await run(watch.ready())).toBe(2);
    await run(put("b"));
    await other.follow(group.log.length);
    const { value } = await run(watch[Symbol.asyncIterator]().next());
    expect(value).toMatchObject({ revision: 2, changes: [{ type: "put", pair: { key: "b" } }] });
  });

  test("renewals of one turn are one command, of each lease once", async () => {
    const leases = await run(
      Promise.all(Array.from({ length: 20 }, () => engine.grantLease(60_000))),
    );
    const written = group.log.length;
    const kept = await run(
      Promise.all([...leases, ...leases].map(({ id }) => engine.keepLease(id))),
    );
    expect(kept).toHaveLength(40);
    expect(group.kinds.slice(written)).toEqual(["plain keep"]);
    expect(await codeOf(Promise.all([engine.keepLease("999"), engine.keepLease("1")]))).toBe(
      "ERR_LEASE_LOST",
    );
  });

  test("a renewal whose answer is lost is sent again; one that gets none is unknown", async () => {
    const { id } = await run(engine.grantLease(60_000));
    fates("unknown-lost", "refused");
    await run(engine.keepLease(id));
    fates(...Array.from({ length: 1_000 }, () => "refused" as const));
    expect(await codeOf(engine.keepLease(id, { timeout: 200 }))).toBe("ERR_OUTCOME_UNKNOWN");
  });
});

describe("watches of a member", () => {
  test("a member that gets a snapshot gives its watches what they missed", async () => {
    const other = group.member();
    const watch = other.engine().watch(rangeOf(""));
    await run(watch.ready());
    for (const key of ["a", "b", "c"]) await run(put(key));
    await other.restore(member);
    const found: number[] = [];
    const iterator = watch[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i += 1) found.push((await run(iterator.next())).value.revision);
    expect(found).toEqual([1, 2, 3]);
  });

  test("a snapshot without what a watch missed ends it with an error", async () => {
    const other = group.member();
    const watch = other.engine().watch(rangeOf(""));
    await run(watch.ready());
    for (const key of ["a", "b", "c"]) await run(put(key));
    await run(engine.compact(3));
    await other.restore(member);
    expect(await codeOf(watch[Symbol.asyncIterator]().next())).toBe("ERR_REVISION_COMPACTED");
  });

  test("watches end with the member they are of", async () => {
    const watch = engine.watch(rangeOf(""));
    await run(watch.ready());
    const next = watch[Symbol.asyncIterator]().next();
    member.fail(consensusErrors.ERR_LOG_READ_ONLY("full", { group: "flaky", reason: "full" }));
    expect(await codeOf(next)).toBe("ERR_LOG_READ_ONLY");
  });

  test("a watch that is closed before it was placed leaves nothing behind", async () => {
    group.delayMs = () => 5_000;
    const watch = engine.watch(rangeOf(""));
    await watch.close();
    await group.clock.settle();
    expect(await codeOf(watch.ready())).toBe("ERR_CLOSED");
    expect(group.clock.pendingTimers).toBe(0);
  });
});

describe("closing", () => {
  test("what is under way is answered, the session is closed, and nothing is left", async () => {
    const answer = put("a");
    await group.clock.advance(1);
    const closed = engine.close();
    expect(await codeOf(put("b"))).toBe("ERR_CLOSED");
    await run(Promise.all([answer, closed]));
    expect(keys()).toEqual(["a"]);
    expect(group.kinds.at(-1)).toBe("close");
    expect(member.machine.sessions).toBe(0);
    expect(group.clock.pendingTimers).toBe(0);
  });

  test("what no quorum takes keeps nobody from closing", async () => {
    await run(put("a"));
    group.fate = () => "refused";
    const lost = codeOf(put("b"));
    await group.clock.advance(1);
    await run(engine.close());
    expect(await lost).toBe("ERR_CLOSED");
  });
});

import { describe, expect, test } from "@jest/globals";
import { coreErrors } from "@foundation/core";
import { wrongAfter } from "./at-rest.js";
import { CacheBook, type Op } from "./cache-book.js";
import type { CachePlan } from "./cache-plan.js";
import {
  ALL,
  backwardReads,
  lostReads,
  notLinearizable,
  overdueReads,
  staleReads,
} from "./cache-rules.js";

const plan: CachePlan = {
  ...{ name: "c", options: {}, isQuorum: false, isNear: false, mayForget: false, replicas: 2 },
  on: ["a"],
};
const of = { cache: "c", key: "k", by: "a#1" };
const kept = { keepsMemory: true, keepsTime: true };

/** A book of one cache whose clock goes a millisecond with each look. */
function bookOf(stepMs = 1) {
  let nowMs = 0;
  const book = new CacheBook(() => (nowMs += stepMs));
  const write = (more: Partial<Op> = {}) => {
    const value = book.newValue("c", "k");
    return book.begin({ ...of, type: "write", call: "set", value, ...more });
  };
  const wrote = (more?: Partial<Op>) => {
    const op = write(more);
    book.done(op);
    return op.value as string;
  };
  const read = (value: string | undefined, call = "get", by = "a#1") => {
    const op = book.begin({ ...of, by, type: "read", call });
    book.done(op, value);
    return op;
  };
  const removed = (more: Partial<Op> = {}) => {
    book.done(book.begin({ ...of, type: "delete", call: "delete", ...more }));
  };
  return { book, write, wrote, read, removed };
}

describe("the book of caches", () => {
  test("finds what nobody wrote, and what was refused and is there all the same", () => {
    const { book, write, read } = bookOf();
    read("c/k/7");
    expect(book.violations.join()).toContain("nobody wrote that");
    const op = write();
    const details = { cache: "c", reason: "x" };
    book.failed(
      op,
      Object.assign(coreErrors.ERR_CLOSED("x", { what: "c" }), { retryable: true, details }),
    );
    read(op.value);
    expect(book.violations.join()).toContain("was refused, and is there");
  });

  test("takes an error for wrong only while nothing is", () => {
    const { book, write } = bookOf();
    book.failed(write(), coreErrors.ERR_CLOSED("x", { what: "c" }));
    expect(book.violations).toEqual([]);
    book.beStrict(true);
    book.failed(write(), coreErrors.ERR_CLOSED("x", { what: "c" }));
    expect(book.violations.join()).toContain("while nothing was wrong");
  });
});

describe("the rules of caches", () => {
  test("find a stale read after a write, a deletion, and a tag that was invalidated", () => {
    for (const newer of ["write", "delete", "untag"] as const) {
      const { book, wrote, read, removed } = bookOf();
      const old = wrote({ tag: "red" });
      read(old);
      expect(staleReads(book, plan, ALL)).toEqual([]);
      if (newer === "write") wrote();
      else removed({ type: newer, key: "", tag: "red" });
      read(old);
      expect(staleReads(book, plan, ALL)).toHaveLength(1);
    }
  });

  test("take no read for stale that was under way with the write", () => {
    const { book, write, wrote } = bookOf();
    const old = wrote();
    const newer = write();
    const read = book.begin({ ...of, type: "read", call: "get" });
    book.done(newer);
    book.done(read, old);
    expect(staleReads(book, plan, ALL)).toEqual([]);
  });

  test("find what was computed before a write and is kept after it", () => {
    const { book, write, wrote, read } = bookOf();
    const computed = write({ isComputed: true, call: "compute" });
    wrote();
    const shared = book.begin({ ...of, type: "read", call: "getOrCompute" });
    book.done(computed);
    book.done(shared, computed.value);
    expect(staleReads(book, plan, ALL)).toEqual([]);
    expect(staleReads(book, { ...plan, isQuorum: true }, ALL)).toHaveLength(1);
    read(computed.value, "get", "b#1");
    expect(staleReads(book, plan, ALL)).toHaveLength(1);
  });

  test("find what is lost, and nothing where it was deleted or has an end", () => {
    const { book, wrote, read, removed } = bookOf();
    wrote();
    read(undefined);
    expect(lostReads(book, plan, ALL)).toHaveLength(1);
    expect(lostReads(book, { ...plan, mayForget: true }, ALL)).toEqual([]);
    removed();
    read(undefined);
    expect(lostReads(book, plan, ALL)).toHaveLength(1);
  });

  test("find an entry that outlived its time, but for who may be given a stale one", () => {
    const { book, wrote, read } = bookOf(1_000);
    const brief = wrote({ ttlMs: 500, staleForMs: 60_000 });
    read(brief, "getOrCompute");
    expect(overdueReads(book, plan, ALL)).toEqual([]);
    read(brief);
    expect(overdueReads(book, plan, ALL)).toHaveLength(1);
  });

  test("find a node that reads backwards", () => {
    const { book, write, wrote, read } = bookOf();
    const old = wrote();
    const newer = write();
    read(newer.value);
    read(old, "get", "b#1");
    expect(backwardReads(book, plan, ALL)).toEqual([]);
    read(old);
    expect(backwardReads(book, plan, ALL)).toHaveLength(1);
  });

  test("find a quorum that is no register", async () => {
    const { book, write, wrote, read } = bookOf();
    const [first, second] = [write().value, write().value];
    read(first);
    read(second, "get", "b#1");
    wrote();
    expect(await notLinearizable(book, plan)).toEqual([]);
    read(second);
    expect((await notLinearizable(book, plan)).join()).toContain("not linearizable");
  });

  test("find what a storm left though something newer was acknowledged, and what it lost", () => {
    const { book, wrote } = bookOf();
    const [old, newer] = [wrote(), wrote()];
    const left = (value?: string) => new Map(value === undefined ? [] : [["k", value] as const]);
    expect(wrongAfter(book, plan, left(newer), kept)).toEqual([]);
    expect(wrongAfter(book, plan, left(old), kept).join()).toContain("in spite of");
    expect(wrongAfter(book, plan, left(old), { ...kept, keepsTime: false })).toEqual([]);
    expect(wrongAfter(book, plan, left(), kept).join()).toContain("gone");
    expect(wrongAfter(book, plan, left(), { ...kept, keepsMemory: false })).toEqual([]);
  });
});

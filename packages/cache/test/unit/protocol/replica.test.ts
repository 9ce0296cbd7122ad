import { describe, expect, test } from "@jest/globals";
import { Replica } from "../../../src/protocol/replica.js";
import type { Item } from "../../../src/protocol/item.js";
import { bucketOf } from "../../../src/protocol/key-hash.js";
import { countedBytes } from "../../../src/protocol/table.js";

const item = (key: string, counter: number, more: Partial<Item> = {}): Item => ({
  key,
  version: { epoch: 1, counter, writer: "a" },
  bytes: new Uint8Array([counter]),
  freshForMs: Infinity,
  staleForMs: 0,
  tags: [],
  ...more,
});
const gone = { bytes: undefined } as const;

const replicaOf = (more: Partial<ConstructorParameters<typeof Replica>[0]> = {}) =>
  new Replica({ entriesMax: 100, bytesMax: 100_000, tombstonesMax: 100, ...more });

describe("a replica", () => {
  test("takes only what is newer", () => {
    const replica = replicaOf();
    expect(replica.apply(item("k", 2), 0)).toBe(true);
    expect(replica.apply(item("k", 1), 0)).toBe(false);
    expect(replica.apply(item("k", 2), 0)).toBe(false);
    expect(replica.get("k", 0)?.version.counter).toBe(2);
  });

  test("lets nothing deleted come back, not even when it has forgotten the deletion itself", () => {
    const replica = replicaOf({ tombstonesMax: 1 });
    replica.apply(item("k", 1), 0);
    replica.apply(item("k", 2, gone), 0);
    expect(replica.apply(item("k", 1), 0)).toBe(false);
    replica.apply(item("other", 3, gone), 0);
    expect(replica.item("k", 0)).toBeUndefined();
    expect(replica.apply(item("k", 1), 0)).toBe(false);
    expect(replica.apply(item("k", 4), 0)).toBe(true);
  });

  test("lets nothing come back that was emptied with its bucket, though the key was deleted before", () => {
    const replica = replicaOf();
    replica.apply(item("k", 5, gone), 0);
    replica.giveUp(bucketOf("k"), new Set(), { epoch: 1, counter: 10, writer: "a" });
    expect(replica.apply(item("k", 7), 0)).toBe(false);
    expect(replica.apply(item("k", 11), 0)).toBe(true);
  });

  test("tells others of deletions it no longer remembers, not of evictions and of what has expired", () => {
    const replica = replicaOf({ entriesMax: 1, tombstonesMax: 0 });
    replica.apply(item("k", 5), 0);
    replica.apply(item("other", 1), 0);
    replica.apply(item("k", 6, { freshForMs: 10 }), 0);
    expect(replica.get("k", 20)).toBeUndefined();
    expect(replica.floor(bucketOf("k")).counter).toBe(6);
    expect(replica.deleted(bucketOf("k")).counter).toBe(0);
    replica.apply(item("k", 7, gone), 20);
    expect(replica.deleted(bucketOf("k")).counter).toBe(7);
  });

  test("lets nothing evicted come back older than it was", () => {
    const replica = replicaOf({ entriesMax: 1 });
    replica.apply(item("k", 5), 0);
    replica.apply(item("other", 1), 0);
    expect(replica.get("k", 0)).toBeUndefined();
    expect(replica.apply(item("k", 4), 0)).toBe(false);
    expect(replica.apply(item("k", 6), 0)).toBe(true);
  });

  test("lets nothing expired come back from an older write that lives longer", () => {
    const replica = replicaOf();
    replica.apply(item("k", 2, { freshForMs: 10 }), 0);
    expect(replica.get("k", 11)).toBeUndefined();
    expect(replica.apply(item("k", 1), 12)).toBe(false);
  });

  test("keeps the limit of bytes at each write", () => {
    const bytesMax = 2_000;
    const replica = replicaOf({ bytesMax });
    for (let i = 1; i < 50; i++) {
      replica.apply(item(`key-${i}`, i, { bytes: new Uint8Array(300) }), 0);
      expect(replica.sizeBytes).toBeLessThanOrEqual(bytesMax);
    }
    const one = countedBytes({ key: "key-49", sizeBytes: 300, expiresAtMs: 0, tags: [] });
    expect(replica.size).toBe(Math.floor(bytesMax / one));
  });

  test("gives a bucket page by page, each key once, deletions too", () => {
    const replica = replicaOf();
    const bucket = bucketOf("k");
    const keys = Array.from({ length: 40_000 }, (_, i) => `k-${i}`);
    const inIt = keys.filter((key) => bucketOf(key) === bucket).slice(0, 40);
    for (const [i, key] of inIt.entries()) replica.apply(item(key, i + 1), 0);
    replica.apply(item(inIt[0]!, 100, gone), 0);
    const found: string[] = [];
    for (let after: string | undefined = ""; after !== undefined; ) {
      const page: ReturnType<Replica["page"]> = replica.page(bucket, after, 200, 0);
      found.push(...page.items.map(({ key }) => key));
      after = page.next;
    }
    expect(found).toEqual([...inIt].sort());
  });
});

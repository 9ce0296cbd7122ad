import { describe, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { wireOf, wireVersion, type Item } from "../../../src/protocol/item.js";
import { bucketOf } from "../../../src/protocol/key-hash.js";
import { allPages } from "../../../src/runtime/bucket-page.js";

const b = "b" as NodeId;
const bucket = bucketOf("k");
const version = { epoch: 0, counter: 5, writer: b };
const item = (key: string): Item => ({
  ...{ key, version, bytes: new Uint8Array([1]) },
  ...{ freshForMs: Infinity, staleForMs: 0, tags: [] },
});
const page = (next: string | null, key = "k") => [
  "page",
  [wireOf(item(key))],
  next,
  wireVersion(version),
];

describe("the pages of a bucket", () => {
  test("are asked for until the last one", async () => {
    const replies = [page("k"), page(null)];
    const found = await allPages(bucket, 10, async () => replies.shift());
    expect(found).toMatchObject({ floor: version, items: new Map([["k", item("k")]]) });
  });

  test("come to an end though a node says for ever to go on behind the same key", async () => {
    let asked = 0;
    const found = await allPages(bucket, 10, async () => {
      asked += 1;
      return page("k");
    });
    expect([found, asked]).toEqual([{ refusal: "page" }, 2]);
  });

  test("come to an end though a node has always one more, and nothing is taken of it", async () => {
    let asked = 0;
    const found = await allPages(bucket, 10, async () => {
      asked += 1;
      return page("k".repeat(asked));
    });
    expect([found, asked]).toEqual([{ refusal: "page" }, 10]);
  });

  test("are none with an item of another bucket", async () => {
    expect(await allPages(bucket, 10, async () => page(null, "another"))).toEqual({
      refusal: "page",
    });
  });
});

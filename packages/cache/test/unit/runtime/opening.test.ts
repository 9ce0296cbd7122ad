/** What a cache is opened with: every mistake is named at once, and opens nothing. */
import { afterAll, describe, expect, test } from "@jest/globals";
import { createLocalCache, type CacheOptions } from "@foundation/cache";
import { cacheWorld } from "./world.js";

describe("opening a cache", () => {
  const world = cacheWorld(1);
  afterAll(() => world.close());

  test.each<[string, object, string]>([
    ["ERR_INVALID_ARGUMENT", { topolgy: "local" }, "topolgy"],
    ["ERR_INVALID_ARGUMENT", { topology: "sharded" }, '"sharded"'],
    ["ERR_INVALID_ARGUMENT", { replicas: 0 }, "replicas must be an integer from 1 to 7, found 0"],
    ["ERR_INVALID_ARGUMENT", { consistency: "strong" }, '"strong"'],
    ["ERR_INVALID_ARGUMENT", { near: "yes" }, "near copies"],
    ["ERR_INVALID_ARGUMENT", { near: { tll: "5s" } }, "tll"],
    ["ERR_INVALID_ARGUMENT", { topology: "local", eviction: "fifo" }, '"fifo"'],
    ["ERR_INVALID_ARGUMENT", { maxBytes: "64 elephants" }, "64 elephants"],
    ["ERR_CACHE_OPTIONS", { consistency: "quorum", topology: "replicated" }, "topology"],
  ])("is refused with %s for %j", (code, options, says) => {
    const open = () => world.open("things", options as CacheOptions);
    expect(open).toThrow(expect.objectContaining({ code }));
    expect(open).toThrow(says);
  });

  test("of this process is refused for an option that nobody knows", () => {
    const open = () => createLocalCache({ maxItems: 5 } as never);
    expect(open).toThrow("the option must be one of");
    expect(open).toThrow("maxItems");
  });
});

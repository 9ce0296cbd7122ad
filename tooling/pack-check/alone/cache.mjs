/** @foundation/cache alone: a local cache, and one shared by two nodes in memory. */
import assert from "node:assert/strict";
import { createLocalCache } from "@foundation/cache";

const squares = createLocalCache({ ttl: "1m", maxEntries: 100 });
assert.equal(await squares.getOrCompute("4", () => 16), 16);
assert.equal(squares.getNow("4"), 16);
await squares.close();

/** Keyv's published suite, unmodified, over a cache of this process. Its own runner's `test` is stood in for by jest's. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import keyvTestSuite, { keyvIteratorTests } from "@keyv/test-suite";
import { Keyv } from "keyv";
import { createLocalCache, keyvStore } from "@foundation/cache";

type Body = (context: { readonly expect: typeof expect }) => unknown;

/** What the suite uses of the runner that it was written for. */
const runner = {
  it: (name: string, body: Body) => test(name, async () => void (await body({ expect }))),
  beforeEach,
  afterEach,
};

describe("the Keyv store over a local cache", () => {
  const cache = createLocalCache<unknown>({ maxEntries: 10_000 });
  const store = () => keyvStore(cache);
  const suite = runner as never;
  keyvTestSuite(suite, Keyv, store as never);
  keyvIteratorTests(suite, Keyv, store as never);
});

/** @foundation/overlay alone: two nodes over real loopback sockets, one request between them. */
import assert from "node:assert/strict";
import { silentLogger } from "@foundation/core";
import { createOverlay } from "@foundation/overlay";

const secret = "a secret of at least 16 characters";
const runtime = { logger: silentLogger() };
const a = await createOverlay({ cluster: "alone", secret, runtime });
const b = await createOverlay({ cluster: "alone", secret, runtime, peers: [a.address] });
a.messenger.handle("alone.double", ({ payload }) => payload * 2);
await new Promise((resolve) => {
  const check = () => {
    if (b.membership.members().some(({ id }) => id === a.self.id)) resolve();
  };
  b.membership.subscribe(check);
  check();
});
const route = { to: a.self.id, channel: "processes", subject: "alone.double" };
assert.equal(await b.messenger.request(route, 21), 42);
await b.leave();
await a.leave();

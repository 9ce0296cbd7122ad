/** @foundation/discovery alone: two nodes meet in a folder, without configuration or daemon. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { createDiscovery, detect, local, probeEnvironment } from "@foundation/discovery";

const directory = mkdtempSync(join(tmpdir(), "foundation-alone-"));
const random = seededRandom("alone");
const start = (port, onPeers) =>
  createDiscovery({
    strategies: [local({ directory })],
    cluster: "alone",
    self: { id: createNodeId(random), address: `ws://127.0.0.1:${port}`, name: `node-${port}` },
    onPeers,
  });

const first = start(4100, () => {});
await first.firstRound;
const met = await new Promise((resolve) => {
  const second = start(4101, (peers) => {
    if (peers.length > 0) resolve({ second, peers });
  });
});
assert.deepEqual(
  met.peers.map(({ address }) => address),
  ["ws://127.0.0.1:4100"],
);
await Promise.all([first.close(), met.second.close()]);
rmSync(directory, { recursive: true });

const { strategy } = detect({}, await probeEnvironment());
assert.equal(strategy, "local");

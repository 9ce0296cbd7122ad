/**
 * automerge-repo's own acceptance suites, as they are published, on our adapters: repositories on three nodes with sockets
 * on loopback, and a data directory on this disk. They are written for vitest, which `suites.test.ts` starts.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
// Loads the WebAssembly of Automerge, which the suites leave to whoever runs them.
import "@automerge/automerge-repo";
import { runNetworkAdapterTests } from "@automerge/automerge-repo/helpers/tests/network-adapter-tests.js";
import { runStorageAdapterTests } from "@automerge/automerge-repo/helpers/tests/storage-adapter-tests.js";
import { openDataDirectory } from "@foundation/core";
import { memoryStorage } from "@foundation/core/testing";
import {
  ClusterNetworkAdapter,
  DataDirectoryStorageAdapter,
} from "@foundation/crdt/automerge-repo";
import { createOverlay } from "@foundation/overlay";

const secret = "a secret for the suites of automerge-repo";

async function threeNodes() {
  const options = { cluster: "suites", secret };
  const a = await createOverlay(options);
  const b = await createOverlay({ ...options, peers: [a.address] });
  const c = await createOverlay({ ...options, peers: [a.address] });
  const overlays = [a, b, c] as const;
  while (overlays.some(({ membership }) => membership.members().length < 3)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const [x, y, z] = overlays.map(
    ({ messenger, membership }) => new ClusterNetworkAdapter({ messenger, membership }),
  ) as [ClusterNetworkAdapter, ClusterNetworkAdapter, ClusterNetworkAdapter];
  const adapters: [typeof x, typeof y, typeof z] = [x, y, z];
  const teardown = () => {
    for (const adapter of adapters) adapter.disconnect();
    void Promise.all(overlays.map((overlay) => overlay.close()));
  };
  return { adapters, teardown };
}

runNetworkAdapterTests(threeNodes, "a Foundation cluster");

runStorageAdapterTests(async () => {
  const folder = await mkdtemp(join(tmpdir(), "foundation-automerge-repo-"));
  const storage = await openDataDirectory(folder);
  const teardown = async () => {
    await storage.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { adapter: new DataDirectoryStorageAdapter({ storage }), teardown };
}, "a data directory");

runStorageAdapterTests(
  async () => ({ adapter: new DataDirectoryStorageAdapter({ storage: memoryStorage() }) }),
  "a storage in memory",
);

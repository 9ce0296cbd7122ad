/** The setup of `local` for the contract of strategies with a backend: a real folder, in real time. */
import { chmod, mkdtemp, readdir, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeId, nodeClock, nodeRandom, type DiscoveryStrategy } from "@foundation/core";
import {
  realTime,
  type DiscoveryBackend,
  type DiscoveryBackendSetup,
  type DiscoveryFailure,
} from "@foundation/testkit";
import { folderName } from "../../src/filesystem/meeting-folder.js";
import { ownProcess } from "../../src/filesystem/process-table.js";
import { discoveryLimits } from "../../src/limits.js";
import { formatAnnouncement } from "../../src/protocol/announcement.js";
import { local } from "../../src/strategies/local.js";

async function create(): Promise<DiscoveryBackend> {
  const directory = await mkdtemp(join(tmpdir(), "foundation-local-"));
  const folder = join(directory, folderName("contract"));
  const files = new Map<string, string>();
  const time = realTime(nodeClock());
  const rubbish = join(folder, `${"a".repeat(32)}.${"b".repeat(16)}.json`);
  let looks = 0;
  const announce = async (address: string): Promise<void> => {
    const id = createNodeId(nodeRandom());
    const file = join(folder, `${id}.${"0".repeat(16)}.json`);
    const text = { version: 1, cluster: "contract", id, address, name: "n" } as const;
    files.set(address, file);
    // The strategy makes the folder with its first look.
    while (!(await readdir(folder).catch(() => undefined))) await time.pass(5);
    await writeFile(file, formatAnnouncement({ ...text, process: ownProcess() }));
  };
  return {
    strategy: counted(local({ directory }), () => (looks += 1)),
    time,
    add: (address) => void announce(address),
    remove: (address) => unlink(files.get(address) ?? ""),
    fail: (kind: DiscoveryFailure) =>
      kind === "malformed" ? writeFile(rubbish, "rubbish") : chmod(folder, 0o755),
    recover: async () => {
      await rm(rubbish, { force: true });
      await chmod(folder, 0o700);
    },
    requests: () => looks,
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The strategy, with each of its looks counted: it says what it read. */
function counted(inner: DiscoveryStrategy, onLook: () => void): DiscoveryStrategy {
  return {
    name: inner.name,
    discover: (context) =>
      inner.discover({
        ...context,
        trace: (step) => {
          onLook();
          context.trace(step);
        },
      }),
  };
}

/**
 * A folder is read at intervals and when it changes, never more rarely: it costs nothing and is on this machine. Who
 * removes a file says that a node has left, so no answer of a folder is an empty or a partial one.
 */
export const localBackend: DiscoveryBackendSetup = {
  create,
  failures: ["error", "malformed"],
  pace: { requests: 2, perMs: discoveryLimits.rescanIntervalMs },
  retryMaxMs: 1.5 * discoveryLimits.rescanIntervalMs,
  failureMs: 1_500,
};

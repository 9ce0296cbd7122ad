import { chmod, mkdtemp, readdir, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "@jest/globals";
import { createNodeId, nodeClock, nodeRandom } from "@foundation/core";
import { discoveryContract, realTime, type DiscoveryFixture } from "@foundation/testkit";
import { folderName } from "../../src/filesystem/meeting-folder.js";
import { ownProcess } from "../../src/filesystem/process-table.js";
import { formatAnnouncement } from "../../src/protocol/announcement.js";
import { local } from "../../src/strategies/local.js";

interface LocalFixture extends DiscoveryFixture {
  readonly folder: string;
  readonly files: Map<string, string>;
}

discoveryContract(
  { describe, test },
  {
    create: async (): Promise<LocalFixture> => {
      const directory = await mkdtemp(join(tmpdir(), "foundation-local-"));
      return {
        strategy: local({ directory }),
        time: realTime(nodeClock()),
        folder: join(directory, folderName("contract")),
        files: new Map(),
        close: () => rm(directory, { recursive: true, force: true }),
      };
    },
    appear: async (fixture, address) => {
      const { folder, files, time } = fixture as LocalFixture;
      const id = createNodeId(nodeRandom());
      const file = join(folder, `${id}.${"0".repeat(16)}.json`);
      // The strategy makes the folder with its first look.
      while (!(await readdir(folder).catch(() => undefined))) await time.pass(5);
      const text = { version: 1, cluster: "contract", id, address, name: "n" } as const;
      await writeFile(file, formatAnnouncement({ ...text, process: ownProcess() }));
      files.set(address, file);
    },
    vanish: (fixture, address) => unlink((fixture as LocalFixture).files.get(address) ?? ""),
    fail: (fixture) => chmod((fixture as LocalFixture).folder, 0o755),
    mend: (fixture) => chmod((fixture as LocalFixture).folder, 0o700),
  },
);

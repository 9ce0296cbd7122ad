// hosts-file.test.ts
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import { discoveryContract, realTime } from "@foundation/testkit";
import { hostsFile } from "../../src/hosts-file.js";

let file = "";
let hosts: string[] = [];
const save = (...lines: string[]) => {
  hosts = lines;
  writeFileSync(`${file}.new`, lines.join("\n"));
  // A reader sees the old file or the new one, never a part.
  renameSync(`${file}.new`, file);
};

discoveryContract(
  { describe, test: (name, run) => test(name, run) },
  {
    create: () => {
      const directory = mkdtempSync(join(tmpdir(), "hosts-file-"));
      file = join(directory, "hosts");
      save();
      const close = () => rmSync(directory, { recursive: true });
      return { strategy: hostsFile(file, 10), time: realTime(nodeClock()), close };
    },
    appear: (_, address) => save(...hosts, address),
    vanish: (_, address) => save(...hosts.filter((host) => host !== address)),
    fail: () => rmSync(file),
    mend: () => save(...hosts),
  },
);

/** Processes that share a folder have one voter at a time, and its successor goes on with the same log. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { openGroup } from "../../../src/group/open-group.js";
import { holdFolder } from "../../../src/membership/folder-voter.js";
import { Journal } from "../../unit/group/rig.js";

jest.setTimeout(60_000);

/** Holds the folder, proposes, says so, and never ends by itself. */
const HOLDER = `
  const { holdFolder, openGroup } = await import("@foundation/consensus");
  const voter = await holdFolder({ directory: process.argv[1], name: "orders" });
  const machine = { apply: () => "", snapshot: () => [], restore: async () => {} };
  const group = await openGroup({ ...voter, machine });
  await voter.opened();
  await group.propose(new TextEncoder().encode("of the first one"));
  process.stdout.write(group.id + " " + group.self + "\\n");
  setInterval(() => {}, 1000);
`;

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "folder-voter-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

test("a killed voter's successor has its id and everything it had acknowledged", async () => {
  const flags = ["--conditions=@foundation/source", "--import", "tsx"];
  const child = spawn(
    process.execPath,
    [...flags, "--input-type=module", "-e", HOLDER, directory],
    {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exit = once(child, "exit");
  try {
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const [id, self] = line.toString().trim().split(" ");
    expect(await holdFolder({ directory, name: "orders", wait: false })).toBeUndefined();

    const waiting = holdFolder({ directory, name: "orders" });
    child.kill("SIGKILL");
    const voter = await waiting;
    const machine = new Journal();
    const group = await openGroup({ ...voter, machine });
    await voter.opened();
    const { response } = await group.propose(new TextEncoder().encode("of the second"));
    expect(response).toBe("2:of the second");
    expect(machine.texts).toEqual(["of the first one", "of the second"]);
    expect([group.id, group.self]).toEqual([id, self]);
    await group.close();
    await voter.close();
  } finally {
    child.kill("SIGKILL");
    await exit;
  }
});

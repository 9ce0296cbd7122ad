/** foundation consensus recover, on the disk of a node that was a voter. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createStoreMachine, findGroup, openGroup, type GroupPlace } from "@foundation/consensus";
import {
  createNodeId,
  loadIdentity,
  nodeRandom,
  nodeRuntime,
  openDataDirectory,
  silentLogger,
} from "@foundation/core";
import type { Membership, Messenger } from "@foundation/core/ports";
import { run } from "../../src/index.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "foundation-cli-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function command(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const screen = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = await run(["consensus", "recover", ...args], screen);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

/** A disk with the log of a group whose other two voters are gone. */
async function votedDisk(directory: string): Promise<GroupPlace> {
  const storage = await openDataDirectory(directory);
  const { id, boot } = await loadIdentity(nodeRuntime({ storage }));
  // Nobody else is there.
  const self = { id, boot, name: "app-0", roles: [], labels: {}, status: "alive" };
  const messenger = { self: id, handle: () => () => undefined } as unknown as Messenger;
  const membership = {
    self,
    members: () => [self],
    subscribe: () => () => undefined,
  } as unknown as Membership;
  const finder = await findGroup({
    name: "cluster",
    firstVoters: { type: "voters", names: ["app-0"] },
    messenger,
    membership,
    storage,
    runtime: { logger: silentLogger() },
  });
  const place = await finder.place();
  const group = await openGroup({
    group: place.group,
    folder: place.folder,
    ...(place.firstVoters && { firstVoters: place.firstVoters }),
    link: { self: id, send: () => false, open: () => () => undefined },
    machine: createStoreMachine(),
    storage,
    runtime: { logger: silentLogger() },
  });
  await finder.opened(group);
  await finder.close();
  // Two more voters, of which nothing is ever heard again.
  const gone = [1, 2].map(() => createNodeId(nodeRandom()));
  const adding = gone.map((each) => ({ type: "add-voter", id: each }) as const);
  await group.change(adding, { timeout: "3s" }).catch(() => undefined);
  await group.close();
  await storage.close();
  return place;
}

test("says first what may be lost, changes nothing, and does it once that is confirmed", async () => {
  const { group } = await votedDisk(folder);
  const plan = await command("--data-dir", folder, "--json");
  expect(plan).toMatchObject({ code: 3, err: "" });
  const {
    confirmation,
    words,
    group: planned,
  } = JSON.parse(plan.out) as {
    confirmation: string;
    words: string[];
    group: string;
  };
  expect(planned).toBe(group);
  expect(words.length).toBeGreaterThan(1);

  const wrong = await command("--data-dir", folder, "--confirm", "yes");
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("ERR_RECOVERY_REFUSED") });

  const done = await command("--data-dir", folder, "--confirm", confirmation);
  expect(done).toMatchObject({
    code: 0,
    out: expect.stringContaining("The group is now cluster-"),
  });
  expect(done.out).not.toContain(`The group is now ${group};`);
});

test("tells a person the words, and the code that confirms them", async () => {
  await votedDisk(folder);
  const { out, code } = await command("--data-dir", folder);
  expect(code).toBe(3);
  expect(out).toMatch(/Nothing was changed[^]*--confirm \S+/);
});

test("refuses a disk without a group", async () => {
  const { code, err } = await command("--data-dir", folder);
  expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining("ERR_RECOVERY") });
});

test.each([
  [[], /--data-dir is missing/],
  [["--data-dir", "x", "--keep", "nobody"], /"nobody" is none/],
  [["--date-dir", "x"], /--date-dir/],
])("%j is no order, and it says why", async (args, why) => {
  const { code, err } = await command(...args);
  expect(code).toBe(2);
  expect(err).toMatch(why);
});

test("a command that does not exist is refused with what there is", async () => {
  const err: string[] = [];
  const screen = { out: () => undefined, err: (line: string) => err.push(line) };
  expect(await run(["consensus", "delete"], screen)).toBe(2);
  expect(err.join()).toMatch(/no command "consensus delete"[^]*consensus recover/);
});

import { lstat, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeId, nodeRandom, silentLogger } from "@foundation/core";
import { discoveryContext, virtualClock, type VirtualClock } from "@foundation/core/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { MeetingFolder } from "../../../src/filesystem/meeting-folder.js";

let directory = "";
let clock: VirtualClock;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "foundation-meeting-"));
  clock = virtualClock();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function folderOf(
  port: number,
  draining: AbortSignal = new AbortController().signal,
): MeetingFolder {
  const random = nodeRandom();
  const self = { id: createNodeId(random), address: `ws://127.0.0.1:${port}`, name: `n${port}` };
  const signal = new AbortController().signal;
  const logger = silentLogger();
  return new MeetingFolder(
    directory,
    discoveryContext({ cluster: "shop", self, signal, draining, clock, random, logger }),
  );
}

async function seenBy(folder: MeetingFolder): Promise<readonly string[]> {
  return (await folder.look()).peers.map(({ address }) => address);
}

/** The clock of a file system moves in steps: makes sure that one more has passed. */
async function announceLater(folder: MeetingFolder, earlier: readonly string[]): Promise<void> {
  const before = await Promise.all(earlier.map((name) => lstat(join(folder.path, name))));
  await folder.look();
  const file = (await readdir(folder.path)).find((name) => !earlier.includes(name)) ?? "";
  for (;;) {
    await utimes(join(folder.path, file), 0, 0);
    const { ctimeMs } = await lstat(join(folder.path, file));
    if (before.every((each) => each.ctimeMs < ctimeMs)) return;
  }
}

describe("the meeting folder", () => {
  test("of two nodes the later one sees the other at once, and is seen by it after a moment", async () => {
    const [early, late] = [folderOf(4101), folderOf(4102)];
    expect(await seenBy(early)).toEqual([]);
    await announceLater(late, await readdir(early.path));
    expect(await seenBy(late)).toEqual(["ws://127.0.0.1:4101"]);
    expect(await seenBy(early)).toEqual([]);
    await clock.advance(499);
    expect(await seenBy(early)).toEqual([]);
    await clock.advance(1);
    expect(await seenBy(early)).toEqual(["ws://127.0.0.1:4102"]);
  });

  test("a node that drains says so within one look, is never away, and leaves nothing behind", async () => {
    const drain = new AbortController();
    const [leaving, other] = [folderOf(4101, drain.signal), folderOf(4102)];
    await leaving.look();
    await announceLater(other, await readdir(leaving.path));
    expect((await other.look()).peers).toEqual([
      expect.not.objectContaining({ draining: expect.anything() }),
    ]);
    drain.abort();
    await leaving.look();
    const { peers } = await other.look();
    expect(peers).toEqual([
      expect.objectContaining({ address: "ws://127.0.0.1:4101", draining: true }),
    ]);
    await leaving.look();
    expect(await readdir(leaving.path)).toHaveLength(2);
    await leaving.withdraw();
    expect(await readdir(other.path)).toHaveLength(1);
  });

  test("a node that withdraws is seen no more", async () => {
    const [early, late] = [folderOf(4101), folderOf(4102)];
    await early.look();
    await announceLater(late, await readdir(early.path));
    expect(await seenBy(late)).toHaveLength(1);
    await early.withdraw();
    expect(await seenBy(late)).toEqual([]);
  });
});

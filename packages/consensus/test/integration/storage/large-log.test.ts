/** A log of a million entries on a real disk: how long a start takes, and what it keeps in memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { fileStorage } from "@foundation/core";
import type { Entry } from "../../../src/protocol/raft/entry.js";
import { openDurableLog } from "../../../src/storage/durable-log.js";

jest.setTimeout(120_000);

const ENTRIES = 1_000_000;
const APPEND = 10_000;
let directory = "";

const open = () =>
  openDurableLog({ storage: fileStorage(directory), folder: "raft/large", group: "large" });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "large-log-"));
  const log = await open();
  await log.append({ hardState: { term: 1, vote: undefined, commit: 0 } });
  const data = new Uint8Array(100).fill(7);
  for (let from = 1; from <= ENTRIES; from += APPEND) {
    const entries = Array.from(
      { length: APPEND },
      (_, i): Entry => ({ type: "command", index: from + i, term: 1, data }),
    );
    await log.append({ entries });
  }
  await log.close();
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test("a start with a million entries takes less than five seconds and holds none of them", async () => {
  // CPU time: other work on the machine does not count.
  const before = process.cpuUsage();
  const log = await open();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(5);
  expect(log.recovery).toMatchObject({ entries: ENTRIES, cut: undefined });
  expect(log.windowBytes).toBe(0);
  // Reads go on from any place, a segment at a time.
  for (const from of [1, 345_678, ENTRIES - 5]) {
    const [entry] = await log.read(from);
    expect(entry).toMatchObject({ index: from, term: 1 });
  }
  await log.close();
});

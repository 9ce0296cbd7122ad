/** A process that writes to a log on a real disk and is killed: what it had reported is there. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { fileStorage } from "@foundation/core";
import { openDurableLog } from "../../../src/storage/durable-log.js";

jest.setTimeout(120_000);

const KILLS = 4;

/** Appends entries in growing groups, without waiting, and says which are durable. */
const WRITER = `
  const { fileStorage } = await import("@foundation/core");
  const { openDurableLog } = await import("@foundation/consensus");
  const limits = { segmentBytesAim: 65536 };
  const place = { storage: fileStorage(process.argv[1]), folder: "raft/killed", group: "killed" };
  const log = await openDurableLog({ ...place, limits });
  const term = log.hardState.term + 1;
  await log.append({ hardState: { term, vote: undefined, commit: log.hardState.commit } });
  const write = async () => {
    for (;;) {
      const index = log.lastIndex + 1;
      const data = new TextEncoder().encode(String(index).repeat(1 + (index % 60)));
      await log.append({ entries: [{ type: "command", index, term, data }] });
      process.stdout.write(index + "\\n");
    }
  };
  for (let i = 0; i < 16; i++) void write();
`;

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "killed-writer-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Runs the writer until it has reported that many more entries, and kills it; the last one it reported. */
async function writeUntilKilled(reports: number): Promise<number> {
  const args = ["--conditions=@foundation/source", "--import", "tsx", "--input-type=module"];
  const child = spawn(process.execPath, [...args, "--eval", WRITER, directory], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (text.split("\n").length > reports) child.kill("SIGKILL");
  });
  await once(child, "close");
  // The last line may be cut short.
  return Math.max(...text.split("\n").slice(0, -1).map(Number));
}

test("nothing that a killed process had reported is lost, and its log goes on", async () => {
  let reported = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    reported = await writeUntilKilled(40 * kill);
    const storage = fileStorage(directory);
    const log = await openDurableLog({ storage, folder: "raft/killed", group: "killed" });
    expect(log.lastIndex).toBeGreaterThanOrEqual(reported);
    expect(log.hardState.term).toBe(kill);
    for (let index = 1; index <= log.lastIndex; ) {
      const entries = await log.read(index);
      for (const entry of entries) {
        const data = String(entry.index).repeat(1 + (entry.index % 60));
        const found = entry.type === "command" && Buffer.from(entry.data).toString();
        expect([entry.index, found]).toEqual([index, data]);
        index += 1;
      }
    }
    await log.close();
    await storage.close();
  }
  expect(reported).toBeGreaterThan(100);
});

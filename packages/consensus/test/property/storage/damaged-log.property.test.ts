/**
 * Logs with one damaged file. What is acknowledged is in the log, or the log is not used: a start gives the state that was
 * written, wholly, or refuses with a typed error. It never gives another state.
 */
import { expect, jest, test } from "@jest/globals";
import { isFoundationError } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { CrashingDisk } from "./crashing-disk.js";
import { damageOne, type Files } from "./damaged-log.js";
import { isSame, LogWorld, openOn, readState, type ModelState } from "./log-world.js";

jest.setTimeout(24 * 3_600_000);

/** More damaged logs than the short run: RAFT_LOG_DAMAGES=10000. */
const DAMAGES = Number(process.env["RAFT_LOG_DAMAGES"] ?? 1_500);
const DAMAGES_OF_A_LOG = 25;
const REFUSALS = ["ERR_LOG_DAMAGED", "ERR_LOG_FORMAT", "ERR_LOG_FOREIGN"] as const;

interface WrittenLog {
  readonly files: Files;
  readonly earlier: Files;
  readonly state: ModelState;
}

/** A log after a life with crashes, closed. */
async function writtenLog(seed: string): Promise<WrittenLog> {
  const world = await LogWorld.open(seed);
  for (let i = 0; i < 60; i++) await world.act();
  const earlier = filesOf(world.disk);
  for (let i = 0; i < 60; i++) await world.act();
  await world.drain();
  return { files: filesOf(world.disk), earlier, state: world.state };
}

function filesOf(disk: CrashingDisk): Files {
  return new Map([...disk.files].map(([name, { bytes }]) => [name, bytes]));
}

/** Opens the files and reads all of it: the state, or the code of the refusal. */
async function outcomeOf(files: Files): Promise<ModelState | string> {
  const disk = new CrashingDisk(seededRandom("damaged"));
  for (const [name, bytes] of files) disk.files.set(name, { bytes, durableBytes: bytes.length });
  try {
    const log = await openOn(disk);
    return await disk.until(readState(log));
  } catch (error) {
    const code = REFUSALS.find((each) => isFoundationError(error, each));
    if (code === undefined) throw error;
    return code;
  }
}

test("a damaged log is read as it was written, or refused; never as anything else", async () => {
  const counts = { damaged: 0, whole: 0, refused: 0 };
  for (let log = 0; counts.damaged < DAMAGES; log++) {
    const seed = `damaged-log-${log}`;
    const written = await writtenLog(seed);
    const random = seededRandom(`${seed}-damage`);
    for (let i = 0; i < DAMAGES_OF_A_LOG && counts.damaged < DAMAGES; i++) {
      const { files, what } = damageOne(written.files, written.earlier, random);
      counts.damaged += 1;
      const outcome = await outcomeOf(files).catch((error: unknown) => {
        throw new Error(`seed ${seed}, damage ${i}: ${what}`, { cause: error });
      });
      if (typeof outcome === "string") counts.refused += 1;
      else if (isSame(outcome, written.state)) counts.whole += 1;
      else {
        const [found, expected] = [JSON.stringify(outcome), JSON.stringify(written.state)];
        throw new Error(`seed ${seed}, damage ${i}: ${what}\n${found}\n${expected}`);
      }
    }
  }
  // Both must happen, or the test says nothing.
  expect(counts.refused).toBeGreaterThan(DAMAGES / 10);
  expect(counts.whole).toBeGreaterThan(DAMAGES / 50);
});

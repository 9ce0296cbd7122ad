/**
 * A lock between processes of this checkout, so that two bootstraps at once install one after the
 * other. A directory is the lock (mkdir is atomic everywhere) and holds its owner's pid; a lock
 * whose owner is gone is taken over, so a killed run never blocks the next one.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fail, progress } from "./machine.mjs";

const limits = { waitMs: 15 * 60_000, pollMs: 200, ownerlessMs: 5_000 };

/** Runs `action` while this process alone holds the lock at `path`. */
export async function withLock(path, action) {
  mkdirSync(dirname(path), { recursive: true });
  const deadline = Date.now() + limits.waitMs;
  for (let told = false; !take(path); told = true) {
    if (!told) progress("another run is installing; waiting for it");
    if (Date.now() > deadline) fail(`gave up waiting for ${path}; remove it if nothing is running`);
    if (isStale(path)) discard(path);
    else await sleep(limits.pollMs);
  }
  const release = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", release);
  try {
    return await action();
  } finally {
    process.off("exit", release);
    release();
  }
}

function take(path) {
  try {
    mkdirSync(path);
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
  writeFileSync(join(path, "pid"), String(process.pid));
  return true;
}

/** True when the owner has ended, or never wrote its pid although it had the time to. */
function isStale(path) {
  try {
    const pid = Number(readFileSync(join(path, "pid"), "utf8"));
    if (!Number.isInteger(pid) || pid <= 0) return true;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    if (error.code === "ESRCH") return true;
    if (error.code === "EPERM") return false;
    return ageMs(path) > limits.ownerlessMs;
  }
}

function ageMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** Renames first: of two processes that both saw a stale lock, only one wins the rename. */
function discard(path) {
  const aside = `${path}.stale-${process.pid}`;
  try {
    renameSync(path, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

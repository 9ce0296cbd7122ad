/**
 * A lock between processes of this checkout, so that two runs at once install and build one after
 * the other. A directory is the lock (mkdir is atomic everywhere) and holds its owner's pid; a lock
 * whose owner is gone is taken over, so a killed run never blocks the next one.
 */
import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fail, progress } from "./machine.mjs";

const limits = { waitMs: 15 * 60_000, pollMs: 200, ownerlessMs: 5_000 };

/** Runs `action` while this process alone holds the lock at `path`; `doing` says what for. */
export async function withLock(path, action, doing = "installing") {
  mkdirSync(dirname(path), { recursive: true });
  const deadline = Date.now() + limits.waitMs;
  for (let told = false; !take(path); told = true) {
    if (!told) progress(`another run is ${doing}; waiting for it`);
    if (Date.now() > deadline) fail(`gave up waiting for ${path}; remove it if nothing is running`);
    if (!isStale(path) || !discard(path)) await sleep(limits.pollMs);
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

/**
 * Removes a stale lock; false when another process is at it. Only one may look and remove at a time: else the second of
 * two that saw a stale lock would remove the one that the first has taken since.
 */
function discard(path) {
  const guard = `${path}.discarding`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (ageMs(guard) > limits.ownerlessMs) rmSync(guard, { recursive: true, force: true });
    return false;
  }
  try {
    if (isStale(path)) rmSync(path, { recursive: true, force: true });
    return true;
  } finally {
    rmdirSync(guard);
  }
}

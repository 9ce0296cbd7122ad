/**
 * The operating system's processes: who we are, and whether another one is still there.
 *
 * On Linux `/proc/<pid>/stat` tells the start time (field 22, proc(5)) and a process that has ended
 * but was not collected by its parent (state Z). Elsewhere only signal 0 is asked, which cannot tell
 * a number that was used again. Reading /proc is synchronous: it is memory, and takes microseconds.
 */
import { readFileSync, readlinkSync } from "node:fs";
import type { ProcessIdentity, ProcessState } from "../protocol/announcement.js";

/** This process. */
export function ownProcess(): ProcessIdentity {
  const state = processState(process.pid);
  const startTime = state.type === "there" ? state.startTime : null;
  return { pid: process.pid, startTime, scope: processScope() };
}

/** Whether a process of that number is there, and since when. */
export function processState(pid: number): ProcessState {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch (error) {
    const isLinux = process.platform === "linux";
    // Without /proc (another system, or hidden from us) the signal is all there is.
    if (isLinux && (error as { code?: unknown }).code === "ENOENT" && hasProc()) {
      return { type: "gone" };
    }
    return signalled(pid);
  }
}

/** The state in the text of `/proc/<pid>/stat`; the name in parentheses may itself hold any text. */
export function parseStat(text: string): ProcessState {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = ""] = fields;
  if (state === "Z" || state === "X") return { type: "gone" };
  // Field 22 of the line is field 20 after the name, of which the state is the first.
  const startTime = fields[19];
  return { type: "there", startTime: startTime === undefined ? null : startTime.trim() };
}

/** The kernel's boot and the process namespace; null where the system has neither. */
function processScope(): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return null;
  }
}

function hasProc(): boolean {
  try {
    readFileSync("/proc/self/stat");
    return true;
  } catch {
    return false;
  }
}

function signalled(pid: number): ProcessState {
  try {
    process.kill(pid, 0);
    return { type: "there", startTime: null };
  } catch (error) {
    const isThere = (error as { code?: unknown }).code === "EPERM";
    return isThere ? { type: "there", startTime: null } : { type: "gone" };
  }
}

/**
 * Which process a pid meant: a pid is given again to another process, a pid with the time of its start is not.
 */
import { readFileSync } from "node:fs";

/** The 22nd field of /proc/pid/stat (proc(5)): the start in clock ticks since the machine's. */
const START_TIME_FIELD = 22;

/** When the process started, in a form that can be compared; undefined where the system does not tell. */
export function processBirth(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may have any character in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[START_TIME_FIELD - 3];
  } catch {
    return undefined;
  }
}

/** True when the very process of that pid and birth runs. Without a birth to compare, the pid alone decides. */
export function isProcessRunning(pid: number, birth: string | undefined): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const present = processBirth(pid);
  return birth === undefined || present === undefined || present === birth;
}

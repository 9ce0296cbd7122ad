/**
 * Noise: keeps what others do on this machine out of a reading, and says how much of it was left.
 * Reads `/proc`, so elsewhere than on Linux nothing is waited for and the share is not known.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, getPriority, setPriority } from "node:os";

/** The kernel counts processor time in hundredths of a second. */
const TICKS_PER_SECOND = 100;
/** The machine is quiet when all processes together use less than this share of it … */
const QUIET_SHARE = 0.12;
/** … over this time. */
const WINDOW_MS = 250;
/** So long a quiet moment is waited for before each reading. */
const PATIENCE_MS = 2_000;

/** How nice measured processes are to others: not at all, as far as the system allows. */
const NICENESS = -15;
/** On Linux the sessions of a machine share its processors first, then the processes of each. */
const AUTOGROUP = "/proc/self/autogroup";

/**
 * Lets this process, those it starts from now on, and their session go before others, where that is
 * allowed (it takes root); all contestants alike. The disposer takes it back.
 */
export function takePrecedence(): Disposable & { readonly isTaken: boolean } {
  const niceness = getPriority();
  const ofSession = /nice (-?\d+)/.exec(read(AUTOGROUP) ?? "")?.[1];
  const set = (own: number, session: string | undefined) => {
    try {
      setPriority(own);
      if (session !== undefined) writeFileSync(AUTOGROUP, session);
      return true;
    } catch {
      return false;
    }
  };
  const isTaken = set(NICENESS, ofSession === undefined ? undefined : `${NICENESS}`);
  return { isTaken, [Symbol.dispose]: () => void set(niceness, ofSession) };
}

/** Waits until the machine is quiet, or until patience ends. */
export async function quietMoment(patienceMs = PATIENCE_MS): Promise<void> {
  const until = performance.now() + patienceMs;
  let busy = busyTicks();
  while (busy !== undefined && performance.now() < until) {
    const from = performance.now();
    const before = busy;
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
    busy = busyTicks() ?? before;
    if (shareOf(busy - before, performance.now() - from) < QUIET_SHARE) return;
  }
}

/**
 * Starts to watch the processors. The function answers which share of them, 0 to 1, was used since
 * by processes other than this one and the given ones.
 */
export function watchForeign(pids: readonly number[]): () => number | undefined {
  const from = performance.now();
  const own = new Map([process.pid, ...pids].map((pid) => [pid, ticksOf(pid) ?? 0]));
  const before = busyTicks();
  return () => {
    const after = busyTicks();
    if (before === undefined || after === undefined) return undefined;
    let foreign = after - before;
    for (const [pid, ticks] of own) foreign -= Math.max(0, (ticksOf(pid) ?? ticks) - ticks);
    return Math.max(0, shareOf(foreign, performance.now() - from));
  };
}

function shareOf(ticks: number, elapsedMs: number): number {
  return ticks / TICKS_PER_SECOND / availableParallelism() / (elapsedMs / 1_000);
}

/** Ticks that all processors were busy: user, nice, system, irq, softirq, steal. */
function busyTicks(): number | undefined {
  const [line] = read("/proc/stat")?.split("\n", 1) ?? [];
  if (line === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq + steal;
}

/** Ticks a process has used, with its ended children. */
function ticksOf(pid: number): number | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name in brackets may hold blanks.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

/** Resident memory of a process, in MiB. */
export function residentMiB(pid: number): number | undefined {
  const kib = /VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`) ?? "")?.[1];
  return kib === undefined ? undefined : Number(kib) / 1_024;
}

/** Microseconds of processor time a process has used; also of those that are not Node's. */
export function processorMicrosOf(pid: number): number | undefined {
  const ticks = ticksOf(pid);
  return ticks === undefined ? undefined : (ticks / TICKS_PER_SECOND) * 1e6;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

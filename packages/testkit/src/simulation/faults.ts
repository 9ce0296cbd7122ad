/** Everything that can be done to a simulated cluster, by what it is done to. */
import type { DiskDamage } from "./disk-file.js";
import type { LinkConditions } from "./link-conditions.js";

/** Faults of processes and of the machines they run on. */
export interface HostFaults {
  /** Kills a node. `power`: its host goes off too: no peer is told, unsynced bytes may be lost. @default "process" */
  crash(name: string, options?: { readonly kind?: "process" | "power" }): void;
  /**
   * Starts a crashed node again; one that is up is killed first. `restored`: its disk is an older image of itself, as
   * after a restore from backup: the one `snapshotDisk` took, or else that of when the last boot began.
   * @default disk "kept"
   */
  restart(name: string, options?: { readonly disk?: "kept" | "wiped" | "restored" }): void;
  /** Stops the node's event loop; what arrives waits. */
  pause(name: string): void;
  /** Ends a pause or a suspension. */
  resume(name: string): void;
  /**
   * Suspends the node's host for a while, as a virtual machine that moves or a laptop that is shut: nothing runs, nothing
   * arrives, and its connections are lost. Its peers are told or not, as chance decides; its own ends learn of it when the
   * same boot goes on. `clock`: whether its monotonic clock goes on meanwhile. @default "runs"
   */
  suspend(name: string, durationMs: number, options?: { readonly clock?: "runs" | "stands" }): void;
  /** Moves a node's wall clock, in milliseconds from the true time. */
  skewWall(name: string, offsetMs: number): void;
  /** Moves a node's wall clock from where it is, in milliseconds; backwards when negative. */
  jumpWall(name: string, byMs: number): void;
  /**
   * Lets a node's monotonic clock run fast or slow; its timers fire by it. The wall clock does not drift.
   * @param rate its milliseconds in one of the world's: more than 0, 1 is right
   */
  driftClock(name: string, rate: number): void;
}

/** Faults of disks. A disk keeps them over crashes and restarts; `heal` ends stalls and makes room. */
export interface DiskFaults {
  /** No operation of the disk takes effect or answers for so long; those under way wait too. */
  stallDisk(name: string, durationMs: number): void;
  /**
   * Leaves no space on a disk, or makes room again: `append` and `replace` fail with ERR_STORAGE whose reason says ENOSPC,
   * and an append may leave a torn piece. Everything else works.
   */
  fillDisk(name: string, isFull: boolean): void;
  /**
   * Damages bytes at rest: a bit flips, or a stretch becomes zeroes. Gives what was done, or undefined when there are no
   * synced bytes. `heal` does not undo it.
   * @param options `file`: its name; without it, chance chooses one
   */
  corruptDisk(name: string, options?: { readonly file?: string }): DiskDamage | undefined;
  /** Keeps an image of what is synced now, for `restart(name, { disk: "restored" })`. */
  snapshotDisk(name: string): void;
}

/** Faults of the network between hosts, and of the directory they find each other by. */
export interface NetworkFaults {
  /** Cuts all links between two groups of nodes; `oneWay`: only from the first to the second. */
  partition(
    a: readonly string[],
    b: readonly string[],
    options?: { readonly oneWay?: boolean },
  ): void;
  /** Ends the cuts between two groups and no others: the opposite of `partition`. `oneWay`: only from the first to the second. */
  mend(a: readonly string[], b: readonly string[], options?: { readonly oneWay?: boolean }): void;
  /** Breaks the connections between two nodes; `half`: only `b` learns of it. */
  reset(a: string, b: string, options?: { readonly half?: boolean }): void;
  /** How the link from one node to another behaves; without conditions, as usual again. */
  link(from: string, to: string, conditions?: LinkConditions): void;
  /** Makes every look-up of the simulated discovery fail, or no longer. */
  discoveryOut(isOut: boolean): void;
}

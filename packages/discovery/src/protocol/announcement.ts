/**
 * Announcement: what a node writes about itself into the meeting folder, and who is still there.
 *
 * A process is named by its number and its start time, since numbers are used again. Both mean
 * something only on the kernel and in the process namespace they were read in (`scope`): a container
 * that shares the folder but not the namespace cannot look at our processes, nor we at its. There the
 * age of the file decides, which its owner keeps young.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { discoveryLimits } from "../limits.js";
import { parsePeerAddress } from "./peer-address.js";

/** The format; a later one is skipped by this version. */
export const ANNOUNCEMENT_VERSION = 1;

/** What is written, as JSON. */
export interface Announcement {
  readonly version: typeof ANNOUNCEMENT_VERSION;
  readonly cluster: string;
  readonly id: NodeId;
  readonly address: string;
  /** For people. */
  readonly name: string;
  readonly process: ProcessIdentity;
  /** It is about to leave. */
  readonly draining?: true;
}

/** Which process, unmistakably. */
export interface ProcessIdentity {
  readonly pid: number;
  /** What tells it from an earlier process of that number; null where the system does not say. */
  readonly startTime: string | null;
  /** The kernel and process namespace in which the number means something; null where unknown. */
  readonly scope: string | null;
}

/** What looking at a process gave. */
export type ProcessState =
  | { readonly type: "gone" }
  | { readonly type: "there"; readonly startTime: string | null };

/** The file's text. */
export function formatAnnouncement(announcement: Announcement): string {
  return `${JSON.stringify(announcement)}\n`;
}

/** The announcement in a file's text, or why there is none. */
export function parseAnnouncement(text: string): Announcement | { readonly problem: string } {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return { problem: "it is not JSON" };
  }
  if (typeof data !== "object" || data === null) return { problem: "it holds no object" };
  const fields = data as Record<string, unknown>;
  const { version, cluster, id, address, name, process, draining } = fields;
  if (version !== ANNOUNCEMENT_VERSION) return { problem: "its version is not known" };
  if (typeof cluster !== "string") return { problem: "it names no cluster" };
  if (!isNodeId(id)) return { problem: "it names no node" };
  const dialled = typeof address === "string" ? addressOf(address) : undefined;
  if (dialled === undefined) return { problem: "its address cannot be dialled" };
  const identity = identityOf(process);
  if (identity === undefined) return { problem: "it names no process" };
  const shown = typeof name === "string" ? name.slice(0, 256) : "";
  const announced: Announcement = {
    version: ANNOUNCEMENT_VERSION,
    cluster,
    id,
    address: dialled,
    name: shown,
    process: identity,
  };
  return draining === true ? { ...announced, draining } : announced;
}

/**
 * True when the announcement can be believed.
 *
 * @param self the process that asks
 * @param state what looking at the announced process gave; asked only when looking can tell
 * @param ageMs time since the file was last refreshed
 */
export function isStanding(
  announced: ProcessIdentity,
  self: ProcessIdentity,
  state: () => ProcessState,
  ageMs: () => number,
): boolean {
  const canLook = announced.scope === self.scope;
  if (!canLook) return ageMs() <= discoveryLimits.announcementFreshMs;
  const seen = state();
  if (seen.type === "gone") return false;
  if (seen.startTime === null || announced.startTime === null) {
    return ageMs() <= discoveryLimits.announcementFreshMs;
  }
  return seen.startTime === announced.startTime;
}

function addressOf(text: string): string | undefined {
  try {
    return parsePeerAddress(text);
  } catch {
    return undefined;
  }
}

function identityOf(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, startTime, scope } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(pid) || (pid as number) < 1) return undefined;
  if (startTime !== null && typeof startTime !== "string") return undefined;
  if (scope !== null && typeof scope !== "string") return undefined;
  return { pid: pid as number, startTime, scope };
}

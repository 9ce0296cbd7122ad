/**
 * MeetingFolder: the files by which the nodes of one cluster, user and machine find each other.
 *
 * One file for each running node, named after the node and this run of it, so that cleaning up after
 * a dead run can never remove the file of a new one. Invariants: a file appears complete (written
 * aside, then renamed); the file of a process that is gone is removed by whoever sees it first; a
 * file that is wrongly removed is put back by its owner at the next look; what is not an
 * announcement is skipped, reported once, and never removed.
 *
 * A node announces itself and then looks, so of any two nodes the later one sees the other. It is the
 * one that dials: the earlier one keeps a newcomer to itself for a moment, or of nodes that start
 * together each pair would dial each other at once.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, readdir, rename, rmdir, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  isFoundationError,
  type Clock,
  type DiscoveryContext,
  type FoundationError,
  type Peer,
} from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { discoveryLimits } from "../limits.js";
import {
  ANNOUNCEMENT_VERSION,
  formatAnnouncement,
  isStanding,
  parseAnnouncement,
  type Announcement,
  type ProcessIdentity,
} from "../protocol/announcement.js";
import { ownProcess, processState } from "./process-table.js";
import { ensurePrivate, unusable } from "./run-directory.js";

const ENTRY = /^[0-9a-f]{32}\.[0-9a-f]{16}\.json$/;
const DRAFT = /\.tmp$/;

/** The name of a cluster's folder: readable, and different for different names. */
export function folderName(cluster: string): string {
  const readable = cluster
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 40);
  const digest = createHash("sha256").update(cluster).digest("hex").slice(0, 12);
  return readable === "" ? digest : `${readable}-${digest}`;
}

/** What one look into the folder gave. */
export interface Look {
  readonly peers: readonly Peer[];
  readonly problems: readonly FoundationError[];
}

/** One file of the folder. */
interface Known {
  readonly entry: Announcement | { readonly problem: string };
  /** It is offered from then on. */
  readonly offeredAtMs: number;
  /** When its process was last seen to be there. */
  standsAtMs: number;
}

/** The folder as one node sees it. */
export class MeetingFolder {
  readonly path: string;
  readonly #cluster: string;
  readonly #clock: Clock;
  readonly #self: ProcessIdentity;
  readonly #context: DiscoveryContext;
  #file: string;
  #isDraining: boolean;
  /** What was read of each file: its content never changes, so it is read once. */
  #known = new Map<string, Known>();
  /** When the own file appeared, by the clock of the file system; undefined before it has. */
  #announcedAt: bigint | undefined;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;

  constructor(directory: string, context: DiscoveryContext) {
    const { cluster, clock, draining } = context;
    this.path = join(directory, folderName(cluster));
    this.#cluster = cluster;
    this.#clock = clock;
    this.#self = ownProcess();
    this.#context = context;
    this.#isDraining = draining.aborted;
    this.#file = this.#newName();
  }

  /**
   * Sees to it that the own file is there, and looks who else is.
   *
   * @throws {ERR_RUN_DIRECTORY_INSECURE}
   * @throws {ERR_RUN_DIRECTORY_UNUSABLE}
   */
  async look(): Promise<Look> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#lookOnce();
      } catch (error) {
        // The last one to leave removed the folder under our feet: it is made again.
        const isMissing = (error as { code?: unknown }).code === "ENOENT";
        if (isMissing && attempt < discoveryLimits.lookAttemptsMax) continue;
        throw isFoundationError(error) ? error : unusable(this.path, "look", error);
      }
    }
  }

  async #lookOnce(): Promise<Look> {
    await ensurePrivate(this.path);
    // Announced before the folder is read: of any two nodes one sees the other.
    if (this.#announcedAt === undefined) await this.#announce();
    if (this.#context.draining.aborted && !this.#isDraining) await this.#tellDraining();
    let names = await readdir(this.path);
    if (!names.includes(this.#file)) {
      await this.#announce();
      names = await readdir(this.path);
    }
    await this.#refresh();
    return this.#read(names);
  }

  /** Removes the own file, and the folder when nobody is left in it. Never throws. */
  async withdraw(): Promise<void> {
    await unlink(join(this.path, this.#file)).catch(() => undefined);
    // It fails, as it should, while anything is in it.
    await rmdir(this.path).catch(() => undefined);
  }

  async #announce(): Promise<void> {
    const file = join(this.path, this.#file);
    const draft = `${file}.tmp`;
    await writeFile(draft, this.#text(), { mode: 0o600 });
    await rename(draft, file);
    this.#announcedAt = await changedAt(file);
    this.#refreshedAtMs = this.#clock.now();
  }

  /** By another file, since what is in one never changes; the old one goes after it, so somebody is always there. */
  async #tellDraining(): Promise<void> {
    const before = join(this.path, this.#file);
    this.#isDraining = true;
    this.#file = this.#newName();
    await this.#announce();
    await unlink(before).catch(() => undefined);
  }

  #newName(): string {
    const { self, random } = this.#context;
    return `${self.id}.${Buffer.from(random.secret(8)).toString("hex")}.json`;
  }

  #text(): string {
    const { id, address, name } = this.#context.self;
    return formatAnnouncement({
      version: ANNOUNCEMENT_VERSION,
      cluster: this.#cluster,
      id,
      address,
      name,
      process: this.#self,
      ...(this.#isDraining && { draining: true }),
    });
  }

  /** Keeps the file young, for those who cannot look at this process and for cleaners of old files. */
  async #refresh(): Promise<void> {
    const nowMs = this.#clock.now();
    if (nowMs - this.#refreshedAtMs < discoveryLimits.refreshIntervalMs) return;
    const seconds = this.#clock.wallNow() / 1_000;
    await utimes(join(this.path, this.#file), seconds, seconds);
    this.#refreshedAtMs = nowMs;
  }

  async #read(names: readonly string[]): Promise<Look> {
    const peers: Peer[] = [];
    const problems: FoundationError[] = [];
    const known = new Map<string, Known>();
    const nowMs = this.#clock.now();
    for (const name of names.slice(0, discoveryLimits.announcementsMax)) {
      if (name === this.#file) continue;
      const seen = this.#known.get(name);
      const file = seen ?? (await this.#open(name, nowMs));
      if (file === undefined) continue;
      known.set(name, file);
      const { entry } = file;
      if ("problem" in entry) {
        if (seen === undefined) problems.push(this.#unreadable(name, entry.problem));
        continue;
      }
      const isSure = nowMs - file.standsAtMs < discoveryLimits.processRecheckMs;
      if (isSure || (await this.#stands(name, entry))) {
        if (!isSure) file.standsAtMs = nowMs;
        if (nowMs >= file.offeredAtMs) peers.push(peerOf(entry));
      } else {
        known.delete(name);
        await unlink(join(this.path, name)).catch(() => undefined);
      }
    }
    this.#known = known;
    peers.sort((a, b) => (a.address < b.address ? -1 : 1));
    return { peers, problems };
  }

  async #stands(name: string, { process: announced }: Announcement): Promise<boolean> {
    // The age is asked only where the process cannot be looked at, so the common case costs no stat.
    let needsAge = false;
    const state = processState;
    const byProcess = isStanding(
      announced,
      this.#self,
      () => state(announced.pid),
      () => {
        needsAge = true;
        return 0;
      },
    );
    if (!needsAge) return byProcess;
    const found = await lstat(join(this.path, name)).catch(() => undefined);
    const ageMs = found === undefined ? Infinity : this.#clock.wallNow() - found.mtimeMs;
    return isStanding(
      announced,
      this.#self,
      () => state(announced.pid),
      () => ageMs,
    );
  }

  /** The announcement in a file; undefined when there is nothing to say about the name. */
  async #open(name: string, nowMs: number): Promise<Known | undefined> {
    if (DRAFT.test(name)) {
      await this.#sweep(name);
      return undefined;
    }
    if (!ENTRY.test(name)) return unreadable("its name is not that of an announcement");
    const loaded = await this.#load(name);
    if (loaded === undefined) return undefined;
    if ("problem" in loaded) return unreadable(loaded.problem);
    const entry = parseAnnouncement(loaded.text);
    if (!("problem" in entry) && entry.cluster !== this.#cluster) {
      return unreadable("it announces a node of another cluster");
    }
    // Who drains was there before, or will dial nobody.
    const isStaying = "problem" in entry || entry.draining !== true;
    const isNewcomer =
      isStaying && this.#announcedAt !== undefined && loaded.changedAt > this.#announcedAt;
    const offeredAtMs = isNewcomer ? nowMs + discoveryLimits.newcomerHoldMs : nowMs;
    return { entry, offeredAtMs, standsAtMs: Number.NEGATIVE_INFINITY };
  }

  async #load(
    name: string,
  ): Promise<
    { readonly text: string; readonly changedAt: bigint } | { readonly problem: string } | undefined
  > {
    try {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const handle = await open(join(this.path, name), flags);
      try {
        const found = await handle.stat({ bigint: true });
        if (!found.isFile()) return { problem: "it is not a file" };
        if (found.size > discoveryLimits.announcementBytesMax)
          return { problem: "it is too large" };
        const bytes = Buffer.allocUnsafe(discoveryLimits.announcementBytesMax);
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
        return { text: bytes.toString("utf8", 0, bytesRead), changedAt: found.ctimeNs };
      } finally {
        await handle.close();
      }
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string };
      return code === "ENOENT" ? undefined : { problem: message };
    }
  }

  /** Removes a half-written file that a crash left behind. */
  async #sweep(name: string): Promise<void> {
    const file = join(this.path, name);
    const found = await lstat(file).catch(() => undefined);
    if (found === undefined) return;
    if (this.#clock.wallNow() - found.mtimeMs > discoveryLimits.unfinishedFileMs) {
      await unlink(file).catch(() => undefined);
    }
  }

  #unreadable(name: string, reason: string): FoundationError {
    const file = join(this.path, name);
    return discoveryErrors.ERR_ANNOUNCEMENT_UNREADABLE(
      `${file} was skipped: ${reason}. Remove it: only Foundation writes into that folder.`,
      { file, reason },
    );
  }
}

function peerOf({ address, id, draining }: Announcement): Peer {
  return draining === true ? { address, id, draining } : { address, id };
}

function unreadable(problem: string): Known {
  return { entry: { problem }, offeredAtMs: 0, standsAtMs: 0 };
}

/** When a file got its name, or was touched last; undefined when it is gone again. */
async function changedAt(file: string): Promise<bigint | undefined> {
  const found = await lstat(file, { bigint: true }).catch(() => undefined);
  return found?.ctimeNs;
}
